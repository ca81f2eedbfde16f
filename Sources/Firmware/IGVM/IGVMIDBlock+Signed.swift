private import Bytes

extension IGVMIDBlock {
    /// The 96 bytes that the ID key signs (SEV-SNP firmware ABI, table 75): the file leaves the policy to its
    /// GUEST_POLICY header.
    ///
    ///     0x00 48 launch digest  0x30 16 family ID  0x40 16 image ID  0x50 4 version  0x54 4 guest SVN  0x58 8 policy
    public func signedBytes(policy: UInt64) -> [UInt8] {
        var writer = ByteWriter(capacity: 96)
        writer.append(launchDigest)
        writer.append(familyID)
        writer.append(imageID)
        writer.append(version)
        writer.append(guestSVN)
        writer.append(policy)
        return writer.bytes
    }
}

extension IGVMIDBlock.Key {
    /// The number of P-384.
    public static let p384: UInt32 = 2

    /// The key as the secure processor takes it, which the author key signs and whose SHA-384 a report holds.
    ///
    /// 1028 bytes, without the file's reserved word (SEV-SNP firmware ABI, chapter 10).
    public var structure: [UInt8] {
        var writer = ByteWriter(capacity: 0x404)
        writer.append(curve)
        writer.append(x)
        writer.append(y)
        writer.append(repeating: 0, count: 0x404 - writer.count)
        return writer.bytes
    }

    /// Qx and Qy of 48 bytes each, big-endian; nil for another curve or a coordinate that does not fit.
    public var coordinates: (x: [UInt8], y: [UInt8])? {
        guard curve == Self.p384, let x = x.bigEndianP384, let y = y.bigEndianP384 else { return nil }
        return (x, y)
    }
}

extension IGVMIDBlock.Signature {
    /// r‖s of 48 bytes each, big-endian; nil where they do not fit.
    public var raw: [UInt8]? {
        guard let r = r.bigEndianP384, let s = s.bigEndianP384 else { return nil }
        return r + s
    }
}

extension [UInt8] {
    /// A little-endian number of 72 bytes as 48 bytes big-endian; nil if it is larger.
    fileprivate var bigEndianP384: [UInt8]? {
        guard dropFirst(48).allSatisfy({ $0 == 0 }) else { return nil }
        return prefix(48).reversed()
    }
}
