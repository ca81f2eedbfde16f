private import Archives
private import Bytes
public import DiskFormats
public import Files
private import Hashing
public import Packages

/// Unpacks an image's layers: into one tree, or only as far as their hashes go.
public struct OCIRootTree: Sendable {
    public var reader: OCIImageReader
    public var image: OCIImage
    /// A directory for the unpacked layers, which the caller removes.
    public var scratch: String
    public var progress: ProgressSink

    public init(
        reader: OCIImageReader, image: OCIImage, scratch: String, progress: @escaping ProgressSink = { _ in }
    ) {
        self.reader = reader
        self.image = image
        self.scratch = scratch
        self.progress = progress
    }

    /// Verity root hash of each layer, the lowest first.
    public func verity() throws -> [LayerVerity] {
        try image.layers.enumerated().map { number, layer throws in
            progress("hashing layer \(number + 1) of \(image.layers.count)")
            let archive = try unpack(layer, number)
            defer { try? FileSystem.remove(archive) }
            return try LayerVerity(
                ofArchive: archive, scratch: archive + ".indexed", source: "layer \(layer.descriptor.digestText)")
        }
    }

    /// The merged tree; files' bytes are in scratch files.
    ///
    /// - Parameter keepsDevices: whether devices and pipes are taken; otherwise they are refused.
    public func tree(epoch: UInt32, keepsDevices: Bool = false) throws -> FileTree {
        var merge = LayerMerge(epoch: epoch, keepsDevices: keepsDevices)
        try add(to: &merge)
        return merge.tree()
    }

    /// Puts the layers on what is there.
    func add(to merge: inout LayerMerge) throws {
        for (number, layer) in image.layers.enumerated() {
            progress("unpacking layer \(number + 1) of \(image.layers.count)")
            let archive = try unpack(layer, number)
            let name = "layer \(layer.descriptor.digestText)"
            try merge.add(Self.members(of: archive, source: name), named: name)
            try FileSystem.remove(archive)
        }
    }

    /// Puts a tar archive on what is there, packed as its name's suffix says.
    static func add(
        archive bytes: [UInt8], named name: String, scratch: String, to merge: inout LayerMerge
    ) throws {
        let path = "\(scratch)/archive.tar"
        let file = try OutputFile(path)
        let compression = Compression(fileName: name)
        if compression == .none {
            try file.append(bytes)
        } else {
            try compression.forEachChunk(of: bytes.raw, source: name, limits: expansion) { (chunk: RawSpan) throws in
                try file.append(chunk)
            }
        }
        try file.commit(durable: false)
        try merge.add(members(of: path, source: name), named: name)
        try FileSystem.remove(path)
    }

    private static let expansion = ExpansionLimits(byteCount: 64 << 30, ratio: 2000)

    private func unpack(_ layer: OCIImage.Layer, _ number: Int) throws -> String {
        let path = "\(scratch)/layer-\(number).tar"
        let file = try OutputFile(path)
        try layer.unpack(reader.bytes(of: layer.descriptor), to: file)
        try file.commit(durable: false)
        return path
    }

    private static func members(of archive: String, source: String) throws -> [LayerMerge.Member] {
        let spool = try OutputFile(archive + ".files")
        var members: [LayerMerge.Member] = []
        try OCILayerReader(source: source).forEachEntry(of: archive) { entry, reader in
            guard case .file = entry.kind else {
                members.append((entry, nil))
                return
            }
            let start = spool.count
            try reader.forEachChunk { (chunk: RawSpan) throws in try spool.append(chunk) }
            members.append((entry, .range(path: spool.path, offset: start, count: spool.count - start)))
        }
        try spool.commit(durable: false)
        return members
    }
}
