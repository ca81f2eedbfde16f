public import Bytes
private import Hashing
public import Signing

/// Why an ID block could not be signed.
public enum IDBlockError: ExplainedError, Equatable {
    /// The key is not ECDSA P-384.
    case wrongKey(role: String, algorithm: String)
    /// A signature that was made elsewhere does not fit the key.
    case wrongSignature(role: String)
    /// No key signs this block with the constant signature.
    case noDerivedKey

    public var description: String {
        switch self {
        case .wrongKey(let role, let algorithm): "the \(role) key is \(algorithm), and firmware takes ECDSA P-384 alone"
        case .wrongSignature(let role): "the given signature is not the \(role) key's over these bytes"
        case .noDerivedKey: "no key signs this block with the constant signature"
        }
    }

    public var hint: String? {
        switch self {
        case .wrongKey: "make one with 'assay key generate --algorithm ecdsa-p384'"
        case .wrongSignature:
            "sign with ECDSA P-384 and SHA-384 over the block's 96 bytes (ID key) or the ID key's 1028 bytes (author)"
        case .noDerivedKey: "change FAMILY_ID or IMAGE_ID"
        }
    }

    public var outcome: Outcome {
        if case .wrongSignature = self { .no } else { .unusable }
    }
}

extension IDBlock {
    /// Signs the block with an ID key, and the ID key with an author key.
    public func signed(idKey: PrivateKey, authorKey: PrivateKey? = nil) throws -> IDAuthentication {
        let key = try Self.structure(idKey.publicKey, "ID")
        let author = try authorKey.map { author in
            IDAuthentication.Author(
                key: try Self.structure(author.publicKey, "author"),
                signature: try Self.signature(author.signRaw(key.bytes), "author"))
        }
        return IDAuthentication(
            idKey: key, blockSignature: try Self.signature(idKey.signRaw(bytes), "ID"), author: author)
    }

    /// Puts signatures together that were made elsewhere, r‖s of 48 bytes each or DER; each must hold.
    ///
    /// The ID key signs `bytes`, the author key signs the 1028 bytes of `SEVPublicKey(idKey)`.
    public func authenticated(
        idKey: PublicKey, signature: [UInt8], author: (key: PublicKey, signature: [UInt8])? = nil
    ) throws(IDBlockError) -> IDAuthentication {
        let key = try Self.structure(idKey, "ID")
        let authorPart: IDAuthentication.Author?
        if let author {
            authorPart = .init(
                key: try Self.structure(author.key, "author"), signature: try Self.signature(author.signature, "author")
            )
        } else {
            authorPart = nil
        }
        let result = IDAuthentication(
            idKey: key, blockSignature: try Self.signature(signature, "ID"), author: authorPart)
        guard result.signs(self) else { throw .wrongSignature(role: "ID") }
        guard result.authorSignsKey ?? true else { throw .wrongSignature(role: "author") }
        return result
    }

    /// The ID key that nobody holds, and the constant signature r = 2, s = 1 that it makes of this block.
    ///
    /// The key is recovered from the signature (SEC 1, §4.1.6), so it is a function of the block alone; of the two that
    /// fit, the one with the smaller x, then y, is taken, as Contrast does.
    public func derivedAuthentication() throws(IDBlockError) -> IDAuthentication {
        let size = PublicKey.p384CoordinateByteCount
        func number(_ value: UInt8) -> [UInt8] { [UInt8](repeating: 0, count: size - 1) + [value] }
        let keys = PublicKey.recoveredP384(r: number(2), s: number(1), digest: .of(bytes, .sha384))
        // Encodings differ in x‖y alone, most significant byte first.
        let smallest = keys.min { $0.encoding.lexicographicallyPrecedes($1.encoding) }
        guard let smallest, let key = SEVPublicKey(smallest), let signature = SEVSignature(raw: number(2) + number(1))
        else { throw .noDerivedKey }
        return IDAuthentication(idKey: key, blockSignature: signature, namesAuthorAlgorithm: true)
    }

    private static func structure(_ key: PublicKey, _ role: String) throws(IDBlockError) -> SEVPublicKey {
        guard let structure = SEVPublicKey(key) else {
            throw .wrongKey(role: role, algorithm: key.algorithm.rawValue)
        }
        return structure
    }

    private static func signature(_ bytes: [UInt8], _ role: String) throws(IDBlockError) -> SEVSignature {
        let size = PublicKey.p384CoordinateByteCount
        guard let raw = bytes.count == 2 * size ? bytes : DER.ecdsaNumbers(bytes, byteCount: size),
            let signature = SEVSignature(raw: raw)
        else { throw .wrongSignature(role: role) }
        return signature
    }
}
