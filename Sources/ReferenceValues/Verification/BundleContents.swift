private import Bytes
private import Documents
internal import Hashing
private import Signing

/// A bundle's files after one pass over them: their digests, and the bytes of the few that are read further.
///
/// Each file is read once; what is looked at later is what was hashed.
struct BundleContents {
    private(set) var manifest: BundleManifest?
    private(set) var digests: [String: (sha256: Digest, sha384: Digest)] = [:]
    private(set) var kept: [String: [UInt8]] = [:]

    /// Largest profile document, in bytes, and most of them.
    private static let profileLimits = (size: 1 << 20, count: 64)

    private func isKept(_ file: BundleManifest.File) -> Bool {
        if file.name == BundleManifest.envelopeName { return file.size <= Envelope.maximumSize }
        return file.name.hasPrefix(Bundle.profileFolder) && file.size <= Self.profileLimits.size
            && kept.count <= Self.profileLimits.count
    }

    /// Reads everything that the manifest lists, and says what is wrong with it.
    init(_ source: BundleSource, checks: inout [Check]) {
        do {
            let bytes = try source.read(BundleManifest.fileName, BundleManifest.maximumSize)
            let manifest = try BundleManifest(parsing: bytes)
            self.manifest = manifest
            checks.append(Check(.manifest, .passed, "\(manifest.files.count) files listed"))
            readFiles(of: manifest, source, &checks)
        } catch {
            checks.append(
                Check(
                    .manifest, .failed, "\(error)", subject: BundleManifest.fileName,
                    hint: "is this the folder that 'assay publish' wrote?"))
        }
    }

    private mutating func readFiles(of manifest: BundleManifest, _ source: BundleSource, _ checks: inout [Check]) {
        var problems: [Check] = []
        let listed = Set(manifest.files.map(\.name) + [BundleManifest.fileName])
        for name in source.fileNames where !listed.contains(name) {
            problems.append(
                Check(
                    .files, .failed, "the manifest does not list it", subject: name,
                    hint: "remove it; a bundle holds nothing beside its own files"))
        }
        for file in manifest.files {
            do {
                let bytes = try source.read(file.name, file.size)
                let digest = Digest.of(bytes, .sha256)
                guard digest == file.sha256, bytes.count == file.size else {
                    problems.append(
                        Check(
                            .files, .failed,
                            "found \(bytes.count) bytes with SHA-256 \(digest), "
                                + "the manifest says \(file.size) with \(file.sha256)",
                            subject: file.name, hint: "copy the bundle again from where it was published"))
                    continue
                }
                digests[file.name] = (digest, .of(bytes, .sha384))
                if isKept(file) { kept[file.name] = bytes }
            } catch {
                problems.append(Check(.files, .failed, "\(error)", subject: file.name))
            }
        }
        checks += problems
        if problems.isEmpty {
            checks.append(Check(.files, .passed, "every file has the size and the SHA-256 of the manifest"))
        }
    }
}
