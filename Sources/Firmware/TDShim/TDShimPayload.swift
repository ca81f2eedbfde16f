import Bytes
import Hashing

extension TDShimImage.BuiltInPayload {
    private static let dxeCore: UInt8 = 0x05
    private static let raw: UInt8 = 0x01
    private static let pe32: UInt32 = 0x10
    /// `CFV_FFS_HEADER_TRUST_ANCHOR_GUID`, `CFV_FILE_HEADER_PUBKEY_GUID` and `SIGNED_PAYLOAD_FILE_HEADER_GUID`.
    private static let anchorFile = OVMFGuid.known(0x77a2_742e, 0x9340, 0x4ac9, 0x8f85_b7b9_7858_0021)
    private static let anchorHeader = OVMFGuid.known(0xbe8f_65a3, 0xa83b, 0x415c, 0xa1fb_f78e_105e_824e)
    private static let signedHeader = OVMFGuid.known(0xfcf2_d558, 0x9df5, 0x4f4d, 0xb0d7_3e4b_798a_b066)
    private static let signedHeaderByteCount = 48
    private static let anchorHeaderByteCount = 40

    /// The payload in the one volume with a DXE core; nil if no volume has one.
    init?(_ image: TDVFImage) throws(FormatError) {
        var found: [(volume: TDShimVolume, file: TDShimVolume.File)] = []
        let volumes = try TDShimVolume.all(in: image.bytes)
        for volume in volumes {
            let file = try volume.file(source: image.name) { $0.type == Self.dxeCore }
            if let file, file.type == Self.dxeCore { found.append((volume, file)) }
        }
        guard let (volume, file) = found.first else { return nil }
        guard found.count == 1 else {
            throw FormatError(
                source: image.name, offset: found[1].volume.range.lowerBound, field: "firmware volume",
                found: "\(found.count) volumes with a payload", expected: "one",
                hint: "which of them td-shim starts follows from its code")
        }
        guard file.isIntact, let section = try Self.section(of: file, image) else {
            throw FormatError(
                source: image.name, offset: volume.range.lowerBound, field: "payload volume",
                found: file.isIntact ? "no PE32 section" : "a file header with a wrong checksum",
                expected: "a file with the payload in a PE32 section", hint: "td-shim stops at such a volume")
        }
        self.init(range: section)
        guard image.bytes[section].starts(with: Self.signedHeader.bytes) else { return }
        try readSigned(image, section, volumes)
    }

    /// The first PE32 section of a file, in the image.
    private static func section(
        of file: TDShimVolume.File, _ image: TDVFImage
    ) throws(FormatError) -> Range<Int>? {
        var position = file.content.lowerBound
        while file.content.upperBound - position >= 4 {
            var reader = try ByteReader(image.bytes.raw, source: image.name).window(
                at: position, count: file.content.upperBound - position, "section")
            let word: UInt32 = try reader.read("section.size")
            var size = Int(word & 0xFF_FFFF)
            if size == 0xFF_FFFF { size = Int(try reader.read("section.extended size", as: UInt32.self)) }
            let header = reader.position
            guard size >= header, size <= file.content.upperBound - position else {
                throw reader.error(
                    "section.size", found: hexadecimal(size),
                    expected: "at least \(header) and at most the rest of the file, "
                        + hexadecimal(file.content.upperBound - position), at: 0)
            }
            if word >> 24 == pe32 { return position + header..<position + size }
            position += size.roundedUp(toMultipleOf: 4)
        }
        return nil
    }

    /// A signed payload: 48 bytes of header, the payload, key and signature (td-shim `doc/secure_boot.md`).
    ///
    ///     0x00 16 GUID   0x10 4 version   0x14 4 length of header and payload   0x18 8 payload version
    ///     0x20  8 SVN    0x28 4 algorithm 0x2C 4 reserved
    private mutating func readSigned(
        _ image: TDVFImage, _ section: Range<Int>, _ volumes: [TDShimVolume]
    ) throws(FormatError) {
        var reader = try ByteReader(image.bytes.raw, source: image.name).window(
            at: section.lowerBound, count: section.count, "signed payload")
        try reader.skip(20, "signed payload.type")
        let length = Int(try reader.read("signed payload.length", as: UInt32.self))
        try reader.skip(8, "signed payload.payload version")
        let svn: UInt64 = try reader.read("signed payload.SVN")
        let algorithm: UInt32 = try reader.read("signed payload.algorithm")
        // Key and signature: two coordinates and two numbers of P-384; or modulus, exponent and signature of RSA-3072.
        let sizes: (key: Int, signature: Int)
        switch algorithm {
        case 1: sizes = (96, 96)
        case 2: sizes = (392, 384)
        default:
            throw reader.error(
                "signed payload.algorithm", found: "\(algorithm)", expected: "1 (ECDSA P-384) or 2 (RSA-3072)", at: 0x28
            )
        }
        guard length > Self.signedHeaderByteCount, length <= section.count - sizes.key - sizes.signature else {
            throw reader.error(
                "signed payload.length", found: hexadecimal(length),
                expected: "more than 0x30, with room for key and signature behind it", at: 0x14)
        }
        try reader.seek(to: length, "signed payload.key")
        let anchor = try Self.trustAnchor(image, volumes)
        try Self.check(anchor: anchor, image, key: try reader.bytes(sizes.key, "signed payload.key"))
        range = section.lowerBound + Self.signedHeaderByteCount..<section.lowerBound + length
        signature = Signature(svn: svn, trustAnchor: anchor)
    }

    /// The file of the configuration volume that holds the trust anchor.
    private static func trustAnchor(
        _ image: TDVFImage, _ volumes: [TDShimVolume]
    ) throws(FormatError) -> Range<Int> {
        for section in image.metadata.sections where section.kind == .cfv {
            guard let volume = volumes.first(where: { $0.range == section.range }) else { continue }
            let file = try volume.file(source: image.name) { $0.type == raw && $0.name == anchorFile }
            if let file, file.isIntact, file.name == anchorFile { return file.content }
        }
        throw FormatError(
            source: image.name, field: "configuration volume", found: "no trust anchor",
            expected: "the hash of the key that signed the payload",
            hint: "a build with secure boot refuses this payload; enrol the key with td-shim-enroll")
    }

    /// GUID, u32 version, u32 length, u64 algorithm, 8 bytes reserved; then the SHA-384 of the key.
    private static func check(anchor: Range<Int>, _ image: TDVFImage, key: [UInt8]) throws(FormatError) {
        var reader = try ByteReader(image.bytes.raw, source: image.name).window(
            at: anchor.lowerBound, count: anchor.count, "trust anchor")
        try reader.expect("trust anchor.type", bytes: anchorHeader.bytes)
        try reader.skip(4, "trust anchor.version")
        let length = Int(try reader.read("trust anchor.length", as: UInt32.self))
        try reader.skip(16, "trust anchor.algorithm")
        guard length == anchorHeaderByteCount + 48, length <= anchor.count else {
            throw reader.error(
                "trust anchor.length", found: hexadecimal(length), expected: "0x58, with a SHA-384 digest", at: 20)
        }
        let hash = try reader.bytes(48, "trust anchor.hash")
        let expected = Digest.of(key, .sha384)
        guard hash == expected.bytes else {
            throw reader.error(
                "trust anchor.hash", found: hash.hex, expected: expected.hex, at: 40,
                hint: "the payload is signed with another key, and td-shim refuses it")
        }
    }
}
