import Bytes
import Documents
import Firmware
import Hashing
import LaunchMeasurement
import Signing

/// What is right and wrong about the ID block of an IGVM file.
struct IDBlockVerdict {
    /// A signature's state.
    enum SignatureState: String {
        case valid, invalid
        /// All zero: to be signed later.
        case missing
        /// Another algorithm or curve than ECDSA P-384, or no policy that it could cover.
        case unknown
    }

    let block: IGVMIDBlock
    let matches: Bool
    /// By the ID key over the block, and by the author key over the ID key; the latter nil where there is no author key.
    let idSignature: SignatureState
    let authorSignature: SignatureState?

    /// Nil if the launch has no ID block.
    init?(_ launch: IGVMLaunch, digest: Digest) {
        guard let block = launch.idBlock, let matches = launch.idBlockMatches(digest) else { return nil }
        self.block = block
        self.matches = matches
        idSignature =
            if let policy = launch.policy {
                Self.state(
                    block.idSignature, by: block.idKey, algorithm: block.idKeyAlgorithm,
                    of: block.signedBytes(policy: policy))
            } else {
                .unknown
            }
        authorSignature =
            block.authorKeyEnabled
            ? Self.state(
                block.authorSignature, by: block.authorKey, algorithm: block.authorKeyAlgorithm,
                of: block.idKey.structure) : nil
    }

    /// SubjectPublicKeyInfo of a P-384 key up to its coordinates (RFC 5480).
    private static let p384Prefix: [UInt8] = [
        0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B, 0x81, 0x04,
        0x00,
        0x22, 0x03, 0x62, 0x00, 0x04,
    ]

    private static func state(
        _ signature: IGVMIDBlock.Signature, by key: IGVMIDBlock.Key, algorithm: UInt32, of message: [UInt8]
    ) -> SignatureState {
        if (signature.r + signature.s).allSatisfy({ $0 == 0 }) { return .missing }
        guard algorithm == 1, let point = key.coordinates else { return .unknown }
        guard let raw = signature.raw,
            let key = try? PublicKey(encoding: p384Prefix + point.x + point.y, source: "ID block")
        else {
            return .invalid
        }
        return key.isValid(raw, of: message) ? .valid : .invalid
    }

    /// What makes a launch fail; nil if nothing was found.
    var problem: String? {
        if !matches {
            return "ID block: found the launch digest \(block.launchDigest.hex), expected the computed one"
        }
        if idSignature == .invalid { return "ID block: the ID key's signature is not valid" }
        if authorSignature == .invalid { return "ID block: the author key's signature of the ID key is not valid" }
        return nil
    }

    var document: Value {
        .object([
            ("launchDigest", .string(block.launchDigest.hex)), ("matches", .bool(matches)),
            ("familyID", .string(block.familyID.hex)), ("imageID", .string(block.imageID.hex)),
            ("guestSVN", .integer(Int64(block.guestSVN))), ("idSignature", .string(idSignature.rawValue)),
            ("idKeyDigest", .string(Digest.of(block.idKey.structure, .sha384).hex)),
            ("authorSignature", authorSignature.map { .string($0.rawValue) } ?? .null),
            (
                "authorKeyDigest",
                block.authorKeyEnabled ? .string(Digest.of(block.authorKey.structure, .sha384).hex) : .null
            ),
        ])
    }
}
