public import Bytes

/// Why a key or an envelope could not be used.
public struct SigningError: ExplainedError, Equatable {
    /// File or other place the input came from.
    public var source: String
    public var reason: Reason

    /// What was wrong.
    public enum Reason: Equatable, Sendable {
        case notPEM
        case wrongLabel(found: String, expected: String)
        case unsupportedKey
        case malformedKey
        case passphraseMissing
        /// A file stands where a new private key should go.
        case fileExists
        case passphraseWrong
        case tooLarge(found: Int, limit: Int)
        /// An envelope's member and what is wrong with it.
        case envelope(member: String, problem: String)
        /// libcrypto failed where no input can make it fail.
        case library(operation: String)
    }

    public init(_ source: String, _ reason: Reason) {
        self.source = source
        self.reason = reason
    }

    public var description: String {
        switch reason {
        case .notPEM: "\(source): expected one PEM block and nothing else"
        case .wrongLabel(let found, let expected): "\(source): found a PEM block '\(found)', expected '\(expected)'"
        case .unsupportedKey: "\(source): found another kind of key, expected ECDSA P-256 or P-384, or Ed25519"
        case .malformedKey: "\(source): the bytes are not a well-formed key"
        case .passphraseMissing: "\(source): the private key is encrypted, and no passphrase was given"
        case .fileExists: "\(source): something is there already, and a key is never overwritten"
        case .passphraseWrong: "\(source): the passphrase does not open the private key"
        case .tooLarge(let found, let limit): "\(source): found \(found) bytes, expected at most \(limit)"
        case .envelope(let member, let problem): "\(source): \(member): \(problem)"
        case .library(let operation): "\(source): libcrypto failed to \(operation)"
        }
    }

    public var hint: String? {
        switch reason {
        case .notPEM, .malformedKey: "'assay key generate' makes a key, 'assay key public' writes its public half"
        case .wrongLabel(let found, _) where found.hasSuffix("PRIVATE KEY"):
            "convert it with 'openssl pkcs8 -topk8'; a trust policy takes the public half ('assay key public')"
        case .wrongLabel: "a private key is PKCS#8 ('PRIVATE KEY'), a public key is SPKI ('PUBLIC KEY')"
        case .unsupportedKey: "make one with 'assay key generate'; curve points must be uncompressed, curves named"
        case .passphraseMissing, .passphraseWrong: "give --passphrase-file with the passphrase in its first line"
        case .fileExists: "choose another name, or remove the old key yourself"
        case .tooLarge, .envelope: nil
        case .library: "the machine may be out of memory"
        }
    }

    public var outcome: Outcome {
        if case .library = reason { return .environment }
        return .unusable
    }
}
