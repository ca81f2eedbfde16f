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
        /// Another algorithm or curve than ECDSA P-384, which is all that firmware takes.
        case unsupported
        /// The file has no policy that it could cover.
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
        idSignature = Self.state(
            block.idSignature, by: block.idKey, algorithm: block.idKeyAlgorithm,
            of: launch.policy.flatMap { block.block(policy: $0)?.bytes })
        authorSignature =
            block.authorKeyEnabled
            ? Self.state(
                block.authorSignature, by: block.authorKey, algorithm: block.authorKeyAlgorithm,
                of: SEVPublicKey(block.idKey)?.bytes) : nil
    }

    private static let ecdsaP384: UInt32 = 1

    /// The state of a signature over `message`, which is nil where it is not known what was signed.
    private static func state(
        _ signature: IGVMIDBlock.Signature, by key: IGVMIDBlock.Key, algorithm: UInt32, of message: [UInt8]?
    ) -> SignatureState {
        if (signature.r + signature.s).allSatisfy({ $0 == 0 }) { return .missing }
        guard algorithm == ecdsaP384, key.curve == IGVMIDBlock.Key.p384 else { return .unsupported }
        guard let message else { return .unknown }
        guard let key = SEVPublicKey(key), let signature = SEVSignature(signature) else { return .invalid }
        return signature.isValid(of: message, by: key.key) ? .valid : .invalid
    }

    /// What makes a launch fail; nil if nothing was found.
    var problem: String? {
        if !matches {
            return "ID block: found the launch digest \(block.launchDigest.hex), expected the computed one"
        }
        if idSignature == .unsupported { return Self.unsupported("ID", block.idKeyAlgorithm, block.idKey) }
        if authorSignature == .unsupported {
            return Self.unsupported("author", block.authorKeyAlgorithm, block.authorKey)
        }
        if idSignature == .invalid { return "ID block: the ID key's signature is not valid" }
        if authorSignature == .invalid { return "ID block: the author key's signature of the ID key is not valid" }
        return nil
    }

    private static func unsupported(_ role: String, _ algorithm: UInt32, _ key: IGVMIDBlock.Key) -> String {
        algorithm == ecdsaP384
            ? "ID block: \(role) key curve: found \(key.curve), expected 2 (P-384)"
            : "ID block: \(role) key algorithm: found \(algorithm), expected 1 (ECDSA P-384 with SHA-384)"
    }

    var document: Value {
        .object([
            ("launchDigest", .string(block.launchDigest.hex)), ("matches", .bool(matches)),
            ("familyID", .string(block.familyID.hex)), ("imageID", .string(block.imageID.hex)),
            ("guestSVN", .integer(Int64(block.guestSVN))), ("idSignature", .string(idSignature.rawValue)),
            ("idKeyDigest", Self.digest(of: block.idKey)),
            ("authorSignature", authorSignature.map { .string($0.rawValue) } ?? .null),
            (
                "authorKeyDigest",
                block.authorKeyEnabled ? Self.digest(of: block.authorKey) : .null
            ),
        ])
    }

    /// What a report would hold of the key; null if it is none that firmware takes.
    private static func digest(of key: IGVMIDBlock.Key) -> Value {
        SEVPublicKey(key).map { .string($0.digest.hex) } ?? .null
    }
}
