private import Bytes
internal import Documents
private import Hashing
internal import Packages

/// `sbom.spdx.json`: the packages that an image has files of, as SPDX 2.3.
///
/// The document's time is the image's epoch, its creator Assay without a version: nothing of the build's machine.
struct SoftwareBill {
    var definition: ImageDefinition
    var variant: ImageVariant
    /// Digest of the lock's file, which names the document.
    var lockDigest: String
    /// The packages that files come from.
    var packages: [LockedPackage]
    /// Layers and other files by hash.
    var sources: [LockedSource] = []
    /// Packages that the layers' own package manager lists.
    var installed: [InstalledPackage] = []

    private static let imageID = "SPDXRef-Image"

    var document: Value {
        let title = "\(definition.name)-\(definition.version)-\(variant.rawValue)"
        let contents = packages.enumerated().map { Self.relation(Self.imageID, "CONTAINS", Self.id($1, $0)) }
        return .object([
            ("spdxVersion", .string("SPDX-2.3")), ("dataLicense", .string("CC0-1.0")),
            ("SPDXID", .string("SPDXRef-DOCUMENT")), ("name", .string(title)),
            ("documentNamespace", .string("urn:assay:sbom:\(title):\(lockDigest)")),
            (
                "creationInfo",
                .object([
                    ("created", .string(timestamp(Int64(definition.epoch)))), ("creators", .strings(["Tool: assay"])),
                ])
            ),
            (
                "packages",
                .array(
                    of: [image(title)] + packages.enumerated().map { Self.entry($1, $0) }
                        + sourceEntries.map { .object($0.members) })
            ),
            (
                "relationships",
                .array(
                    of: [Self.relation("SPDXRef-DOCUMENT", "DESCRIBES", Self.imageID)] + contents
                        + sourceEntries.map { Self.relation(Self.imageID, "CONTAINS", $0.id) })
            ),
        ])
    }

    private func image(_ title: String) -> Value {
        .object(
            Self.unstated + [
                ("SPDXID", .string(Self.imageID)), ("name", .string(definition.name)),
                ("versionInfo", .string(definition.version)), ("primaryPackagePurpose", .string("OPERATING-SYSTEM")),
                ("supplier", .string("NOASSERTION")),
            ])
    }

    /// What the lock does not say of a package.
    static let unstated: [(String, Value)] = [
        ("downloadLocation", .string("NOASSERTION")), ("filesAnalyzed", .bool(false)),
        ("licenseConcluded", .string("NOASSERTION")), ("licenseDeclared", .string("NOASSERTION")),
        ("copyrightText", .string("NOASSERTION")),
    ]

    private static func entry(_ package: LockedPackage, _ index: Int) -> Value {
        let checksum: [(String, Value)] = [
            ("algorithm", .string("SHA256")), ("checksumValue", .string(package.sha256.hex)),
        ]
        let locator =
            "pkg:deb/debian/\(percentEncoded(package.name))@\(percentEncoded(package.version))"
            + "?arch=\(package.architecture)"
        let reference: [(String, Value)] = [
            ("referenceCategory", .string("PACKAGE-MANAGER")), ("referenceType", .string("purl")),
            ("referenceLocator", .string(locator)),
        ]
        return .object(
            unstated + [
                ("SPDXID", .string(id(package, index))), ("name", .string(package.name)),
                ("versionInfo", .string(package.version)), ("packageFileName", .string(package.path)),
                ("supplier", .string("Organization: Debian")), ("checksums", .array(of: [.object(checksum)])),
                ("sourceInfo", .string("built from source package \(package.source) \(package.sourceVersion)")),
                ("externalRefs", .array(of: [.object(reference)])),
            ])
    }

    /// SPDX allows letters, digits, dots and hyphens; the number keeps two names apart that differ in other signs.
    private static func id(_ package: LockedPackage, _ index: Int) -> String {
        "SPDXRef-Package-\(index + 1)-" + package.name.map { $0 == "+" ? "-" : String($0) }.joined()
    }

    private static func relation(_ from: String, _ type: String, _ to: String) -> Value {
        .object([
            ("spdxElementId", .string(from)), ("relationshipType", .string(type)), ("relatedSpdxElement", .string(to)),
        ])
    }
}

/// Text as a part of a package URL: letters, digits, `.`, `-`, `_` and `~` stand, other bytes become `%XX`.
func percentEncoded(_ text: String) -> String {
    var result = ""
    for byte in text.utf8 {
        let scalar = Unicode.Scalar(byte)
        if scalar.properties.isAlphabetic && byte < 0x80 || (0x30...0x39).contains(byte) || ".-_~".utf8.contains(byte) {
            result.unicodeScalars.append(scalar)
        } else {
            result += "%" + [byte].hex.uppercased()
        }
    }
    return result
}

/// Seconds since 1970 as `YYYY-MM-DDThh:mm:ssZ`.
func timestamp(_ seconds: Int64) -> String {
    let time = CivilTime(secondsSince1970: seconds)
    return "\(time.dateText)T\(time.clockText)Z"
}
