import Bytes

extension SyntheticFirmware {
    /// Size of the packed sections once unpacked: a raw section, a PEI volume of 0x400 bytes, a DXE volume of 0x800.
    public static let unpackedByteCount = 3100
    /// Offset of the packed section in the image.
    public static let packedSectionOffset = 0x78

    /// A firmware volume of 0x1000 bytes with one file (a volume image) that holds one LZMA section.
    static func volume(_ kind: PackedVolume) -> [UInt8] {
        let stream = [UInt8](hex: kind == .verifier ? packedWithVerifier : packedWithoutVerifier) ?? []
        var section = ByteWriter()
        let sectionSize = 24 + stream.count
        section.append(UInt32(sectionSize) | 0x0200_0000)
        section.append(guid("ee4e5898-3914-4259-9d6e-dc7bd79403cf"))
        section.append(UInt16(24))
        section.append(UInt16(1))
        section.append(stream)

        var volume = ByteWriter()
        volume.append(repeating: 0, count: 16)
        volume.append(guid("8c8ce578-8a3d-4f1c-9935-896185c32dd3"))
        volume.append(UInt64(0x1000))
        volume.append(text: "_FVH")
        volume.append(UInt32(0x4FEFF))
        for word in [UInt16(0x48), 0, 0x48, 0x0200] { volume.append(word) }
        for word in [UInt32(1), 0x1000, 0, 0] { volume.append(word) }
        volume.replace(at: 0x32, with: checksum(volume.bytes))
        volume.append(guid("48db5e17-707c-472d-91cd-1613e7ef51b0"))
        volume.append(UInt32(20))
        volume.pad(toMultipleOf: 8, with: 0xFF)
        volume.append(guid("9e21fd93-9c72-4c15-8c4b-e77f1db2d792"))
        volume.append(UInt16(0xAA00))
        volume.append(UInt16(0x0B))
        volume.append(UInt32(24 + sectionSize) | 0xF800_0000)
        volume.append(section.bytes)
        volume.append(repeating: 0xFF, count: 0x1000 - volume.count)
        return volume.bytes
    }

    private static func guid(_ text: String) -> [UInt8] { GUID(text)?.bytes ?? [] }

    /// What makes the sum of the header's 16-bit words zero.
    private static func checksum(_ header: [UInt8]) -> UInt16 {
        var sum: UInt16 = 0
        for index in stride(from: 0, to: header.count, by: 2) {
            sum &+= UInt16(header[index]) | UInt16(header[index + 1]) << 8
        }
        return 0 &- sum
    }

    // LZMA alone, made with Python's lzma from sections written by the same rules: raw section of 16 zero bytes, PEI
    // volume with one file, DXE volume with two files, the second with or without the three GUIDs of the hash table.
    private static let packedWithVerifier =
        "5d000001001c0c000000000000000a002f34169c822e1dbff3b887d1674c5f9039d13931126769d0c182b0133faac57da0ab"
        + "bfd08e1ce8f278f3bdfe5464e6ade2e7a58099565095dd230e8751b54fd2caa3012d99347d4e275befece1bff7f71ee75321"
        + "f34083759670d241f9394ade6084ed0ae3f30cabfc9305b919bb1748aed2c3d39ece946d61b615ec1055d5cc04201ab6fd5a"
        + "0b9aaf5eb32a762ca1a21e7600a3f0b6e31cbebe607aa70a276e2545c31c724bcb7dcd3b1acb00bb003492d4447340fef2c9"
        + "584f2b4b25a91886511dac943025af598549341ac88247bf9cf28312338c6ec0fbe056daa052f709ebfc3ce192858f3ee6f6"
        + "18f02a4843865816616924a15ff70e6cd38e2ecc6fcae5217f2ac7c25f6dbd8931ed0961e6e1a198cd1887ec1b4002074eba"
        + "d747b968232cbb29e441701730b69ffff01141c0"
    private static let packedWithoutVerifier =
        "5d000001001c0c000000000000000a002f34169c822e1dbff3b887d1674c5f9039d13931126769d0c182b0133faac57da0ab"
        + "bfd08e1ce8f278f3bdfe5464e6ade2e7a58099565095dd230e8751b54fd2caa3012d99347d4e275befece1bff7f71ee75321"
        + "f34083759670d241f9394ade6084ed0ae3f30cabfc9305b919bb1748aed2c3d39ece946d61b615ec1055d5cc04201ab6fd5a"
        + "0b9aaf5eb32a762ca1a21e7600a3f0b6e31cbebe607aa70a276e2545c31c724bcb7dcc970e74477299dba39dc11db8291efa"
        + "7558a7d43227f6c4f506851d4522fad33b50a42be895a91012c895cb2c95bdd3f2f4c818d306771e14cc9b0fe9ce4360acc6"
        + "50e3ba20c02e732e3bdbfef7639620"
}
