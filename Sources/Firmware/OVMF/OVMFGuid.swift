public import Bytes

/// GUIDs of an OVMF image's tables (edk2 OvmfPkg, ResetVector and MdeModulePkg headers).
public enum OVMFGuid {
    public static let footer = known(0x96b5_82de, 0x1fb2, 0x45f7, 0xbaea_a366_c55a_082d)
    public static let sevESResetBlock = known(0x00f7_71de, 0x1a7e, 0x4fcb, 0x890e_68c7_7e2f_b44e)
    public static let sevSecretArea = known(0x4c2e_b361, 0x7d9b, 0x4cc3, 0x8081_127c_90d3_d294)
    public static let sevHashTableArea = known(0x7255_371f, 0x3a3b, 0x4b04, 0x927b_1da6_efa8_d454)
    public static let sevMetadataOffset = known(0xdc88_6566, 0x984a, 0x4798, 0xa75e_5585_a7bf_67cc)
    public static let tdxMetadataOffset = known(0xe47a_6535, 0x984a, 0x4798, 0x865e_4685_a7bf_8ec2)
    public static let igvmMetadataOffset = known(0x784f_a70e, 0x3176, 0x4677, 0x8a20_04b6_8699_e374)
    public static let svsmInfo = known(0xa789_a612, 0x0597, 0x4c4b, 0xa49f_cbb1_fe9d_1ddd)

    /// What a table entry is called.
    public static func name(of guid: GUID) -> String? {
        switch guid {
        case footer: "table footer"
        case sevESResetBlock: "SEV-ES reset block"
        case sevSecretArea: "SEV secret area"
        case sevHashTableArea: "SEV hash table area"
        case sevMetadataOffset: "SEV metadata offset"
        case tdxMetadataOffset: "TDX metadata offset"
        case igvmMetadataOffset: "IGVM metadata offset"
        case svsmInfo: "SVSM info"
        default: nil
        }
    }

    /// A GUID from its groups in text order, the last two as one number.
    static func known(_ first: UInt32, _ second: UInt16, _ third: UInt16, _ last: UInt64) -> GUID {
        var writer = ByteWriter(capacity: GUID.byteCount)
        writer.append(first)
        writer.append(second)
        writer.append(third)
        writer.append(bigEndian: last)
        guard let guid = GUID(stored: writer.bytes) else { preconditionFailure("a GUID has 16 bytes") }
        return guid
    }
}
