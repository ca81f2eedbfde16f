private import DiskFormats
private import Documents
public import Files
public import Hashing
public import Packages

/// Makes an image's artifacts from its definition and its lock.
///
/// The output follows from these and Assay's format revisions alone. It appears whole or not at all: everything is made
/// in a directory beside it, which then takes its place in one step. Two builds of one output wait for each other, and
/// what a killed one left behind goes at the next.
public struct ImageBuilder: Sendable {
    public var definition: ImageDefinition
    public var variant: ImageVariant
    public var lock: ImageLock
    /// SHA-256 of the lock's file.
    public var lockDigest: Digest
    public var overlays: OverlayFiles
    public var sources: PackageSources
    public var progress: ProgressSink

    public init(
        definition: ImageDefinition, variant: ImageVariant = .release, lock: ImageLock, lockDigest: Digest,
        overlays: OverlayFiles, sources: PackageSources, progress: @escaping ProgressSink = { _ in }
    ) {
        self.definition = definition
        self.variant = variant
        self.lock = lock
        self.lockDigest = lockDigest
        self.overlays = overlays
        self.sources = sources
        self.progress = progress
    }

    /// Builds into the directory `output`, replacing what is there.
    ///
    /// Throws `FileUnavailable` for a package that nobody has, `ImageError`, `PackageError` and `FormatError` for input
    /// that cannot be used, `FileError` when the machine is short of space or rights; then `output` is as it was.
    @discardableResult
    public func build(to output: String) throws -> BuiltImage {
        try lock.require(request: definition.resolutionRequest)
        var builder = self
        builder.sources = sources.at(snapshot: lock.request.snapshot)
        return try builder.buildLocked(to: output)
    }

    private func buildLocked(to output: String) throws -> BuiltImage {
        try Self.requireReplaceable(output)
        let output = output == "/" || !output.hasSuffix("/") ? output : String(output.dropLast())
        let parent = FileSystem.parent(of: output)
        try FileSystem.makeDirectory(parent)
        let guardian = try FileLock("\(parent)/.\(FileSystem.name(of: output)).lock")
        return try withExtendedLifetime(guardian) {
            try FileSystem.removeLeftovers(beside: output)
            let fresh = try FileSystem.temporaryDirectory(beside: output)
            do {
                let image = try assemble(in: fresh)
                try FileSystem.replaceDirectory(output, with: fresh)
                return image
            } catch {
                // Whatever else is wrong, the first error is the one to tell.
                try? FileSystem.remove(fresh)
                throw error
            }
        }
    }

    /// Requires that nothing but an earlier build would be replaced: a mistyped name must not cost somebody's files.
    private static func requireReplaceable(_ output: String) throws {
        guard !output.isEmpty else { throw ImageError("output", "the name is empty", hint: "name a directory") }
        guard let kind = FileSystem.kind(of: output) else { return }
        guard kind == .directory else {
            throw ImageError(
                output, "is there already and is no directory", hint: "remove it yourself, or choose another place")
        }
        let names = try FileSystem.list(output)
        guard names.isEmpty || names.contains("artifacts.json") else {
            throw ImageError(
                output, "is there already and is no build of Assay's (it has no artifacts.json)",
                hint: "nothing was touched; choose another place, or empty the directory yourself")
        }
    }

    private func assemble(in directory: String) throws -> BuiltImage {
        let chosen = try definition.resolved(for: variant)
        let scratch = directory + "/scratch"
        try FileSystem.makeDirectory(scratch)
        var spool = PackageSpool(directory: scratch)
        var packages: [PackageFiles] = []
        for locked in lock.packages {
            progress("unpacking \(locked.name) \(locked.version)")
            packages.append(try spool.unpack(sources.open(locked)))
        }
        let layers = try LayeredRoot(chosen, sources: sources, scratch: scratch, progress: progress)
        let overlays = overlays.adding(try downloads())
        progress("merging \(packages.count) packages")
        let contents = try ImageRecipe.contents(
            of: chosen, packages: packages, layers: layers?.tree, overlays: overlays)
        var assembly = ImageAssembly(
            chosen, variant, contents, directory: directory, scratch: scratch, progress: progress)
        try assembly.writeImage()
        var image = try assembly.result(definition: definition.digest(), lock: lockDigest)
        try describe(
            &image, used: contents.packages(by: spool.packages), installed: layers?.packages ?? [], overlays: overlays,
            in: directory)
        try FileSystem.remove(scratch)
        return image
    }

    /// Files that the definition fetches by hash, under their addresses.
    private func downloads() throws -> [String: [UInt8]] {
        var result: [String: [UInt8]] = [:]
        for source in lock.sources {
            guard case .file(let place, let digest) = source.request, SourceRequest.isAddress(place) else { continue }
            result[place] = try sources.file(place, digest, byteCount: source.blobs.first?.byteCount)
        }
        return result
    }

    /// Writes the three documents; each lists what came before it.
    private func describe(
        _ image: inout BuiltImage, used: Set<String>, installed: [InstalledPackage], overlays: OverlayFiles,
        in directory: String
    ) throws {
        let named = used.union(definition.root.packages + [definition.kernelPackage, definition.stubPackage])
        let bill = SoftwareBill(
            definition: definition, variant: variant, lockDigest: lockDigest.hex,
            packages: lock.packages.filter { named.contains($0.name) }, sources: lock.sources, installed: installed)
        try write(bill.document, "sbom.spdx.json", in: directory)
        image.artifacts.append(
            try Artifact("sbom.spdx.json", in: directory, made: "packages with files in the image, SPDX 2.3"))
        let provenance = Provenance(image: image, lock: lock, overlays: overlays)
        try write(provenance.document, "provenance.json", in: directory)
        image.artifacts.append(
            try Artifact("provenance.json", in: directory, made: "inputs of the build, in-toto and SLSA provenance v1"))
        try write(image.document, "artifacts.json", in: directory)
    }

    private func write(_ document: Value, _ name: String, in directory: String) throws {
        try OutputFile.write(CanonicalJSON.encode(document), to: "\(directory)/\(name)")
    }
}

extension ImageContents {
    /// The packages that any bytes come from, given the package of each scratch file.
    fileprivate func packages(by scratch: [String: String]) -> Set<String> {
        var result: Set<String> = []
        for (_, entry) in root.sorted + initrd.sorted {
            guard case .file(let content) = entry.kind, case .range(let path, offset: _, count: _) = content else {
                continue
            }
            if let package = scratch[path] { result.insert(package) }
        }
        return result
    }
}
