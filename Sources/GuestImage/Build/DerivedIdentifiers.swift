private import Bytes
internal import Hashing

/// Identifiers that other tools draw at random, made from what the image is.
///
/// Each is SHA-256 over `assay image 1`, its purpose, and the image's name, version and variant, each followed by a
/// NUL; identifiers shorter than 32 bytes are its first ones. A new image version has new ones, a rebuild the same.
struct DerivedIdentifiers {
    /// Rises whenever an identifier would come out differently.
    static let revision = 1

    private let suffix: String

    init(_ definition: ImageDefinition, _ variant: ImageVariant) {
        suffix = "\(definition.name)\0\(definition.version)\0\(variant.rawValue)\0"
    }

    /// 32 bytes for a purpose.
    func bytes(_ purpose: String) -> [UInt8] {
        Digest.of(Array("assay image \(Self.revision)\0\(purpose)\0\(suffix)".utf8), .sha256).bytes
    }

    /// A UUID in text order, version 8 (RFC 9562, §5.8).
    func uuid(_ purpose: String) -> [UInt8] {
        var uuid = Array(bytes(purpose).prefix(16))
        uuid[6] = uuid[6] & 0x0F | 0x80
        uuid[8] = uuid[8] & 0x3F | 0x80
        return uuid
    }

    var veritySalt: [UInt8] { bytes("verity salt") }
}
