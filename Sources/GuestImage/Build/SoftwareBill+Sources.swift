private import Bytes
internal import Documents
private import Hashing
internal import Packages

extension SoftwareBill {
    /// What comes from layers and files by hash: each blob, and each package that the layers list as installed.
    var sourceEntries: [(id: String, members: [(String, Value)])] {
        let blobs = sources.flatMap { source in source.blobs.map { (place: source.request.place, blob: $0) } }
        let files = blobs.enumerated().map { number, item in
            Self.entry(item.blob, of: item.place, id: "SPDXRef-Source-\(number + 1)")
        }
        return files + installed.enumerated().map { Self.entry($1, id: "SPDXRef-Installed-\($0 + 1)") }
    }

    private static func entry(
        _ blob: LockedSource.Blob, of place: String, id: String
    ) -> (id: String, members: [(String, Value)]) {
        let checksum = Value.object([
            ("algorithm", .string(blob.digest.algorithm.rawValue.uppercased())),
            ("checksumValue", .string(blob.digest.hex)),
        ])
        let kind = blob.mediaType.isEmpty ? "a file by its hash" : blob.mediaType
        return (
            id,
            unstated + [
                ("SPDXID", .string(id)), ("name", .string(place)), ("supplier", .string("NOASSERTION")),
                ("checksums", .array(of: [checksum])), ("comment", .string(kind)),
            ]
        )
    }

    private static func entry(_ package: InstalledPackage, id: String) -> (id: String, members: [(String, Value)]) {
        let locator =
            "pkg:deb/debian/\(percentEncoded(package.name))@\(percentEncoded(package.version))"
            + (package.architecture.isEmpty ? "" : "?arch=\(percentEncoded(package.architecture))")
        let reference = Value.object([
            ("referenceCategory", .string("PACKAGE-MANAGER")), ("referenceType", .string("purl")),
            ("referenceLocator", .string(locator)),
        ])
        return (
            id,
            unstated + [
                ("SPDXID", .string(id)), ("name", .string(package.name)), ("versionInfo", .string(package.version)),
                ("supplier", .string("NOASSERTION")),
                ("sourceInfo", .string("listed as installed in a layer; built from source package \(package.source)")),
                ("externalRefs", .array(of: [reference])),
            ]
        )
    }
}
