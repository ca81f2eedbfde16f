private import Bytes
private import DiskFormats
internal import Files
internal import Hashing
private import Verity

/// Writes the artifacts of one image, each from those before it: the root hash goes into the command line, that into
/// the unified kernel image, that into the disk.
struct ImageAssembly {
    private let definition: ImageDefinition
    private let variant: ImageVariant
    private let contents: ImageContents
    private let directory: String
    /// Where files go that are no artifacts.
    private let scratch: String
    private let identifiers: DerivedIdentifiers
    private let progress: ProgressSink
    private var artifacts: [Artifact] = []
    private var files: [(path: FileTree.Path, ranges: [Range<Int>])] = []
    private var verity: VerityTarget?
    private var commandLine = ""

    init(
        _ definition: ImageDefinition, _ variant: ImageVariant, _ contents: ImageContents, directory: String,
        scratch: String, progress: @escaping ProgressSink
    ) {
        self.definition = definition
        self.variant = variant
        self.contents = contents
        self.directory = directory
        self.scratch = scratch
        self.progress = progress
        identifiers = DerivedIdentifiers(definition, variant)
    }

    mutating func writeImage() throws {
        let size = try writeRoot()
        try writeVerity(dataBlocks: size / EROFS.blockSize)
        try writeKernel()
        try writeInitrd()
        try writeUKI()
        try writeDisk()
    }

    /// What was made, once all of it is.
    func result(definition digest: Digest, lock: Digest) throws -> BuiltImage {
        guard let verity else { throw ImageError(definition.name, "has no verified root") }
        return BuiltImage(
            name: definition.name, version: definition.version, variant: variant, definitionDigest: digest,
            lockDigest: lock, verity: verity, verityUUID: identifiers.uuid("verity superblock"),
            commandLine: commandLine, kernelRelease: contents.kernelRelease,
            rootCompression: definition.root.compression,
            initrdCompression: definition.initrd.compression, artifacts: artifacts, files: files,
            scripts: contents.scripts)
    }

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    private mutating func finish(
        _ file: OutputFile, _ name: String, _ made: String, from sources: [String] = []
    ) throws {
        try file.commit()
        artifacts.append(try Artifact(name, in: directory, made: made, from: sources))
    }

    private mutating func writeRoot() throws -> Int {
        progress("writing root.erofs: \(contents.root.count) entries")
        let options = EROFSWriter.Options(
            uuid: identifiers.uuid("root file system"), volumeName: String(definition.name.prefix(16)),
            epoch: Int64(definition.epoch), compression: definition.root.compression)
        let file = try OutputFile(path("root.erofs"))
        let result = try EROFSWriter.write(contents.root, options, to: file)
        files = result.ranges
        try finish(
            file, "root.erofs",
            "EROFS of the root tree, \(definition.root.compression == .none ? "uncompressed" : "LZ4")")
        return result.size
    }

    private mutating func writeVerity(dataBlocks: Int) throws {
        progress("writing root.verity: \(dataBlocks) blocks")
        let parameters = try VerityParameters(salt: identifiers.veritySalt, dataBlocks: dataBlocks)
        let superblock = VeritySuperblock(parameters, uuid: identifiers.uuid("verity superblock"))
        let start = VeritySuperblock.treeOffset(after: 0, hashBlockSize: parameters.hashBlockSize)
        let file = try OutputFile(path("root.verity"))
        try file.append(superblock.bytes)
        try file.appendZeros(start - superblock.bytes.count)
        let root = try VerityTree(parameters).build(over: InputFile(path("root.erofs")), to: file, treeOffset: start)
        let target = VerityTarget(parameters, root: root, hashStart: start / parameters.hashBlockSize)
        verity = target
        try finish(file, "root.verity", "dm-verity superblock and hash tree", from: ["root.erofs"])
        commandLine = CommandLine.text(
            words: definition.commandLine, rootHash: root, dataBlocks: dataBlocks, hashStart: target.hashStart,
            salt: parameters.salt)
        try OutputFile.write(Array(commandLine.utf8), to: path("cmdline"))
        artifacts.append(
            try Artifact(
                "cmdline", in: directory, made: "kernel command line, without a final newline",
                from: ["root.erofs", "root.verity"]))
    }

    private mutating func writeKernel() throws {
        let file = try OutputFile(path("vmlinuz"))
        try contents.kernel.forEachChunk { (chunk: RawSpan) throws(FileError) in try file.append(chunk) }
        try finish(file, "vmlinuz", "kernel \(contents.kernelRelease) as \(definition.kernelPackage) ships it")
    }

    private mutating func writeInitrd() throws {
        progress("writing initrd: \(contents.initrd.count) entries")
        let file = try OutputFile(path("initrd"))
        let compression = definition.initrd.compression
        try CPIOArchive.write(contents.initrd, epoch: definition.epoch, compression: compression, to: file)
        try finish(file, "initrd", "cpio newc of the initrd tree, \(compression == .none ? "uncompressed" : "LZ4")")
    }

    private mutating func writeUKI() throws {
        progress("writing uki.efi")
        let parts = UKI.Parts(
            osRelease: osRelease, commandLine: Array(commandLine.utf8),
            kernelRelease: Array(contents.kernelRelease.utf8), kernel: try ByteSource(path: path("vmlinuz")),
            initrd: try ByteSource(path: path("initrd")))
        let stub = ByteSource(try contents.stub.bytes(limit: 16 << 20), name: "EFI stub of \(definition.stubPackage)")
        let file = try OutputFile(path("uki.efi"))
        try UKI.assemble(stub: stub, parts, to: file)
        try finish(
            file, "uki.efi", "unified kernel image on the EFI stub of \(definition.stubPackage)",
            from: ["vmlinuz", "initrd", "cmdline"])
    }

    private mutating func writeDisk() throws {
        guard let verity else { return }
        progress("writing disk.raw")
        let disk = ImageDisk(
            identifiers: identifiers, rootHash: verity.root, epoch: definition.epoch, directory: directory)
        let esp = try OutputFile(scratch + "/esp")
        try disk.writeSystemPartition(to: esp)
        try esp.commit(durable: false)
        let file = try OutputFile(path("disk.raw"))
        try disk.write(systemPartition: esp.path, to: file)
        try finish(
            file, "disk.raw", "GPT disk: EFI system partition with the unified kernel image, root, hash tree",
            from: ["uki.efi", "root.erofs", "root.verity"])
    }

    /// os-release(5) of the image, for boot menus and the `.osrel` section.
    private var osRelease: [UInt8] {
        let name = definition.name
        let version = definition.version
        let label = variant == .release ? "" : " (\(variant.rawValue))"
        let lines = [
            "ID=\(name)", "NAME=\"\(name)\"", "PRETTY_NAME=\"\(name) \(version)\(label)\"",
            "VERSION_ID=\"\(version)\"", "VARIANT_ID=\(variant.rawValue)", "IMAGE_ID=\(name)",
            "IMAGE_VERSION=\"\(version)\"",
        ]
        return Array(lines.map { $0 + "\n" }.joined().utf8)
    }
}
