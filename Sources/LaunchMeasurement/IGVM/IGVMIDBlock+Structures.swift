private import Bytes
public import Firmware
private import Hashing
public import Signing

extension IGVMIDBlock {
    /// What the ID key signs; the file leaves the policy to its GUEST_POLICY header.
    public func block(policy: UInt64) -> IDBlock? {
        guard let digest = Digest(.sha384, bytes: launchDigest) else { return nil }
        return IDBlock(
            launchDigest: digest, familyID: familyID, imageID: imageID, guestSVN: guestSVN, policy: policy)
    }
}

extension SEVPublicKey {
    /// A key of an IGVM file as the secure processor takes it, without the word that the file reserves behind the curve.
    /// Nil for another curve, and for a point that is not on it.
    public init?(_ key: IGVMIDBlock.Key) {
        guard key.curve == IGVMIDBlock.Key.p384, let x = key.x.p384Number, let y = key.y.p384Number,
            let point = try? PublicKey(p384X: x, y: y, source: "SNP_ID_BLOCK")
        else { return nil }
        self.init(point)
    }
}

extension SEVSignature {
    /// A signature of an IGVM file; nil if a number has more than 384 bits.
    public init?(_ signature: IGVMIDBlock.Signature) {
        guard let r = signature.r.p384Number, let s = signature.s.p384Number else { return nil }
        self.init(raw: r + s)
    }
}

extension [UInt8] {
    /// A little-endian number as 48 bytes, most significant byte first; nil if it is larger.
    fileprivate var p384Number: [UInt8]? {
        let size = PublicKey.p384CoordinateByteCount
        guard count >= size, dropFirst(size).allSatisfy({ $0 == 0 }) else { return nil }
        return prefix(size).reversed()
    }
}
