public import Bytes

/// A Coconut SVSM binary (`svsm.bin`) as its QEMU fork loaded it: it ends with a table of GUIDed structures like OVMF's.
public struct SVSMImage: Sendable {
    public let name: String
    public let bytes: [UInt8]
    /// Its own page sections, which take the place of OVMF's.
    public let metadata: SEVMetadata
    /// Where vCPUs start, counted from the first byte.
    public let launchOffset: UInt32

    /// Reads the tables of `bytes`.
    public init(_ bytes: [UInt8], name: String) throws(FormatError) {
        let image = try OVMFImage(bytes, name: name)
        guard let offset = try image.svsmLaunchOffset() else {
            throw FormatError(
                source: name, field: "SVSM info", found: "no entry in the table", expected: "one",
                hint: "give the svsm.bin of a Coconut build before IGVM; IGVM files are measured with measure igvm")
        }
        guard Int(offset) < bytes.count else {
            throw FormatError(
                source: name, offset: image.table[OVMFGuid.svsmInfo]?.offset, field: "SVSM info.launch offset",
                found: hexadecimal(offset), expected: "less than the file's \(hexadecimal(bytes.count)) bytes")
        }
        self.name = name
        self.bytes = bytes
        metadata = try image.sevMetadata()
        try metadata.validateForSNP(source: name)
        launchOffset = offset
    }
}
