private import Bytes
public import Transport

/// Where an archive is reached: one address, for the packages of one archive.
public struct Mirror: Sendable, Hashable {
    /// `debian`, `debian-security`.
    public var archive: String
    /// The address that `dists/` and `pool/` stand behind.
    public var address: String

    public init(archive: String, address: String) {
        self.archive = archive
        self.address = address
    }

    /// Reads `ADDRESS` or `ARCHIVE=ADDRESS`. Without a name, the archive is the last part of the address.
    public init(parsing text: String) throws(PackageError) {
        var name: String?
        var address = text[...]
        if let sign = text.firstIndex(of: "="), !text[..<sign].contains("/") {
            name = String(text[..<sign])
            address = text[text.index(after: sign)...]
        }
        while address.hasSuffix("/") { address = address.dropLast() }
        let known = ["http://", "https://", "file://"].first { address.hasPrefix($0) && address.count > $0.count }
        guard let known, address.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw PackageError(
                "mirror '\(text)'", "is no http, https or file address",
                hint: "write ADDRESS or ARCHIVE=ADDRESS, for example debian=https://mirror.example/debian")
        }
        let last = address.dropFirst(known.count).split(separator: "/").last.map { String($0) }
        guard let archive = name ?? last, !archive.isEmpty else {
            throw PackageError("mirror '\(text)'", "does not say of which archive", hint: "write ARCHIVE=ADDRESS")
        }
        self.init(archive: archive, address: String(address))
    }
}

/// The places that packages and indexes are taken from, by hash.
public struct PackageSources: Sendable {
    public var pools: [String]
    public var mirrors: [Mirror]
    public var cache: ContentStore?
    /// Where relative paths of a definition start.
    public var folder = ""
    /// Passwords of registries.
    public var credentials = RegistryCredentials()

    public init(pools: [String] = [], mirrors: [Mirror] = [], cache: ContentStore? = nil) {
        self.pools = pools
        self.mirrors = mirrors
        self.cache = cache
    }

    /// The package's bytes, checked against its hash. Throws `FileUnavailable` if nobody has them.
    public func fetch(_ package: LockedPackage) throws -> [UInt8] {
        try sources(of: package.archive).fetch(package.file)
    }

    /// The package, read and checked against the lock.
    public func open(_ package: LockedPackage) throws -> DebianPackage {
        let deb = try DebianPackage(try fetch(package), source: package.file.otherNames.first ?? package.path)
        for (field, found, locked) in [
            ("Package", deb.name, package.name), ("Version", deb.version, package.version),
            ("Architecture", deb.architecture, package.architecture),
        ] where found != locked {
            throw PackageError(
                deb.source, "field \(field) is '\(found)', but the lock says '\(locked)'", outcome: .no,
                hint: "the lock was edited by hand; run 'assay lock --update'")
        }
        return deb
    }

    /// Whether the package is at hand without the network.
    public func hasLocally(_ package: LockedPackage) throws -> Bool {
        try sources(of: package.archive).hasLocally(package.file)
    }

    /// The bytes of any pinned file of an archive.
    public func fetch(_ file: PinnedFile, archive: String) throws -> [UInt8] {
        try sources(of: archive).fetch(file)
    }

    /// The bytes of an index, checked against its hash. Throws `FileUnavailable` if nobody has them.
    func fetch(_ index: LockedIndex, of suite: LockedSuite) throws -> [UInt8] {
        try sources(of: suite.archive).fetch(index.file(of: suite))
    }

    /// Mirrors of the archive come first; another one may still have the file, and its hash decides.
    private func sources(of archive: String) -> FileSources {
        let own = mirrors.filter { $0.archive == archive }
        let others = mirrors.filter { $0.archive != archive }
        var addresses: [String] = []
        for mirror in own + others where !addresses.contains(mirror.address) { addresses.append(mirror.address) }
        return FileSources(pools: pools, cache: cache, mirrors: addresses)
    }
}
