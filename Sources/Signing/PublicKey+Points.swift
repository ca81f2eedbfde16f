extension PublicKey {
    /// A P-256 key from its coordinates x‖y, 32 bytes each, most significant byte first; refused if the point is not on
    /// the curve.
    public init(p256Point point: [UInt8], source: String) throws(SigningError) {
        try self.init(encoding: KeyAlgorithm.p256.encodingPrefix + point, source: source)
    }

    /// Whether r‖s, most significant byte first, is this key's ECDSA signature over `message`; DER is not accepted.
    public func isValid(rawSignature signature: [UInt8], of message: [UInt8]) -> Bool {
        guard algorithm != .ed25519, signature.count == 2 * algorithm.coordinateByteCount else { return false }
        let half = algorithm.coordinateByteCount
        return isValid(DER.ecdsaSignature(r: signature[..<half], s: signature[half...]), of: message)
    }
}
