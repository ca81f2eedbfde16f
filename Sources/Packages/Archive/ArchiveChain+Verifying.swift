internal import Bytes
private import Files
internal import Hashing
internal import Transport

extension ImageLock {
    /// Walks .deb → Packages → InRelease → pinned key fingerprints for every package.
    ///
    /// A contradiction throws. A part that nobody has any more gives `unverified` with the reason.
    ///
    /// - Parameters:
    ///   - folder: where the lock's kept files are.
    ///   - keys: the fingerprints that the definition pins; the lock's own request must name the same.
    ///   - sources: where indexes may be had.
    public func verify(folder: String, keys: [String], sources: PackageSources) throws -> ArchiveChain {
        guard Set(keys) == Set(request.keys) else {
            throw PackageError(
                "image.lock.json", "rests on other keys than image.yaml pins", outcome: .no,
                hint: "run 'assay lock --update' for this image")
        }
        let keyring = try verifiedKeyring(folder: folder)
        var notes: [String] = []
        var reasons: [String] = []
        for suite in suites {
            let release = try verifiedRelease(suite, folder: folder, keyring: keyring, notes: &notes)
            for index in suite.indexes {
                try index.require(listedIn: release, of: suite)
                do {
                    let packed = try sources.fetch(index, of: suite)
                    try verify(index, of: suite, packed: packed)
                } catch let error as FileUnavailable {
                    reasons.append("\(error.file.title) (SHA-256 \(index.sha256)) is not available")
                }
            }
        }
        return reasons.isEmpty ? .verified(notes: notes) : .unverified(reasons: reasons + notes)
    }

    /// The index files of every suite, whose hashes the lock names: `SUITE-COMPONENT-Packages.xz`.
    public func indexFiles(sources: PackageSources) throws -> [(name: String, bytes: [UInt8])] {
        var files: [(name: String, bytes: [UInt8])] = []
        for suite in suites {
            for index in suite.indexes {
                files.append(
                    ("\(suite.name)-\(index.component)-Packages.xz", try sources.fetch(index, of: suite)))
            }
        }
        return files
    }

    private func verifiedKeyring(folder: String) throws -> [UInt8] {
        let bytes = try keyring.read(folder: folder)
        let found = try Keyring(bytes, source: keyring.path).certificates.map(\.fingerprint)
        guard Set(found) == Set(request.keys) else {
            throw PackageError(keyring.path, "holds other keys than the lock's request names", outcome: .no)
        }
        return bytes
    }

    private func verifiedRelease(
        _ suite: LockedSuite, folder: String, keyring: [UInt8], notes: inout [String]
    ) throws -> ReleaseFile {
        let bytes = try suite.inRelease.read(folder: folder)
        let (release, verdict) = try ReleaseFile.signed(bytes, source: suite.inRelease.path, keyring: keyring)
        guard release.date == suite.date, release.names.contains(suite.name) else {
            throw PackageError(
                suite.inRelease.path, "is not the InRelease of \(suite.name) that the lock describes", outcome: .no)
        }
        if verdict.hasExpired { notes.append("\(suite.name): signed by a key that has expired since") }
        return release
    }

    /// Requires that the index lists every package that the lock takes from it, with the same facts.
    private func verify(_ index: LockedIndex, of suite: LockedSuite, packed: [UInt8]) throws {
        let source = "\(suite.name)/\(index.path)"
        let table = try PackageIndex(packed: packed, name: index.path, source: source)
        for package in packages where package.suite == suite.name && package.component == index.component {
            guard let stanza = try table.stanza(package.sha256) else {
                throw PackageError(
                    "package \(package.name) \(package.version)",
                    "the signed index \(source) lists no file with its hash", outcome: .no,
                    hint: "the lock was changed by hand, or by somebody else")
            }
            let listed = try LockedPackage(
                stanza: stanza, index: index, of: suite, isExtra: package.isExtra, named: source)
            guard listed == package else {
                throw PackageError(
                    "package \(package.name)",
                    "the signed index \(source) describes it otherwise: \(listed.name) "
                        + "\(listed.version) at \(listed.path)", outcome: .no,
                    hint: "the lock was changed by hand, or by somebody else")
            }
        }
    }
}

extension ReleaseFile {
    /// Reads InRelease bytes that at least one key of `keyring` signed.
    static func signed(
        _ bytes: [UInt8], source: String, keyring: [UInt8]
    ) throws -> (release: ReleaseFile, verdict: ArchiveSignature.Verdict) {
        let message = try ClearSignedText(bytes, source: source)
        let verdict = try ArchiveSignature.signers(of: message, keyring: keyring, source: source)
        guard !verdict.signers.isEmpty else {
            throw PackageError(
                source, "no pinned key has signed it", outcome: .no,
                hint: "the archive may sign with a newer key: pin its fingerprint in image.yaml once you trust it")
        }
        return (try ReleaseFile(message.text, source: source), verdict)
    }
}

extension LockedIndex {
    /// Requires that the signed file vouches for this index.
    func require(listedIn release: ReleaseFile, of suite: LockedSuite) throws(PackageError) {
        guard let entry = release[path], entry.sha256 == sha256, entry.byteCount == byteCount else {
            throw PackageError(
                suite.inRelease.path, "does not vouch for \(path) with SHA-256 \(sha256)", outcome: .no,
                hint: "the lock was changed by hand, or by somebody else")
        }
    }
}

extension KeptFile {
    /// The kept bytes, checked against the lock.
    func read(folder: String) throws -> [UInt8] {
        let bytes = try InputFile.contents(of: folder + "/" + path, limit: Self.largest)
        let found = Digest.of(bytes, .sha256)
        guard found == sha256 else {
            throw PackageError(
                folder + "/" + path, "found SHA-256 \(found), expected \(sha256)", outcome: .no,
                hint: "restore the file from version control, or run 'assay lock --update'")
        }
        return bytes
    }
}
