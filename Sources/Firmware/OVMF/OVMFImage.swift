public import Bytes

/// An OVMF image and what its tables say to a loader.
///
/// The table of GUIDed structures must be there and well formed; what hangs on it is read on demand, so that a firmware
/// without SEV metadata can still be measured for TDX.
public struct OVMFImage: Sendable {
    /// How errors and traces call the file.
    public let name: String
    public let bytes: [UInt8]
    public let table: GUIDedTable

    /// A piece of guest memory that the firmware sets aside.
    public struct MemoryArea: Hashable, Sendable {
        /// Guest physical address of the first byte.
        public var base: UInt32
        /// Size in bytes.
        public var size: UInt32

        /// An area of `size` bytes at `base`.
        public init(base: UInt32, size: UInt32) {
            self.base = base
            self.size = size
        }
    }

    /// Most bytes that an image may have.
    public static let maximumByteCount = 256 << 20

    /// Reads the table of `bytes`; `name` is the file's name in errors and traces.
    public init(_ bytes: [UInt8], name: String) throws(FormatError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: name, field: "OVMF image", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        self.name = name
        self.bytes = bytes
        table = try GUIDedTable(image: bytes, source: name)
    }

    /// Guest physical address of the image's first byte: it ends at 4 GiB.
    public var baseGPA: UInt64 { (1 << 32) - UInt64(bytes.count) }

    /// Where application processors start (SEV-ES reset block): the low 16 bits are IP, the rest is the base of CS.
    public func sevESResetAddress() throws(FormatError) -> UInt32 {
        guard let words = try words(of: OVMFGuid.sevESResetBlock, count: 1) else {
            throw missing(OVMFGuid.sevESResetBlock, "SEV-ES reset block", "an image for SEV-ES or SEV-SNP guests")
        }
        return words[0]
    }

    /// Memory for the hashes of kernel, initrd and command line; nil if the image has none (absent, or base 0).
    public func sevHashTableArea() throws(FormatError) -> MemoryArea? {
        try area(OVMFGuid.sevHashTableArea)
    }

    /// Memory for the launch secret; nil if the image has none (absent, or base 0).
    public func sevSecretArea() throws(FormatError) -> MemoryArea? {
        try area(OVMFGuid.sevSecretArea)
    }

    /// Where an SVSM starts, counted from its first byte; nil if this is no SVSM.
    public func svsmLaunchOffset() throws(FormatError) -> UInt32? {
        try words(of: OVMFGuid.svsmInfo, count: 1)?[0]
    }

    /// The SEV metadata, or nil if the image has none.
    public func optionalSEVMetadata() throws(FormatError) -> SEVMetadata? {
        guard let words = try words(of: OVMFGuid.sevMetadataOffset, count: 1) else { return nil }
        return try SEVMetadata(image: bytes, fromEnd: Int(words[0]), source: name)
    }

    /// The SEV metadata, which must be there.
    public func sevMetadata() throws(FormatError) -> SEVMetadata {
        guard let metadata = try optionalSEVMetadata() else {
            throw missing(OVMFGuid.sevMetadataOffset, "SEV metadata offset", "an OVMF build with SEV-SNP support")
        }
        return metadata
    }

    /// The TDX metadata (TDVF descriptor), or nil if the image has none.
    public func optionalTDVFMetadata(
        dialect: TDVFMetadata.Dialect = .qemu
    ) throws(FormatError) -> TDVFMetadata? {
        guard let words = try words(of: OVMFGuid.tdxMetadataOffset, count: 1) else { return nil }
        return try TDVFMetadata(image: bytes, fromEnd: Int(words[0]), source: name, dialect: dialect)
    }

    /// The TDX metadata (TDVF descriptor), which must be there.
    public func tdvfMetadata(dialect: TDVFMetadata.Dialect = .qemu) throws(FormatError) -> TDVFMetadata {
        guard let metadata = try optionalTDVFMetadata(dialect: dialect) else {
            throw missing(OVMFGuid.tdxMetadataOffset, "TDX metadata offset", "an OVMF build with TDX support")
        }
        return metadata
    }

    private func area(_ guid: GUID) throws(FormatError) -> MemoryArea? {
        guard let words = try words(of: guid, count: 2), words[0] != 0 else { return nil }
        guard UInt64(words[0]) + UInt64(words[1]) <= 1 << 32 else {
            throw FormatError(
                source: name, offset: table[guid]?.offset, field: OVMFGuid.name(of: guid) ?? guid.description,
                found: "\(hexadecimal(words[0])) + \(hexadecimal(words[1]))", expected: "a range below 4 GiB")
        }
        return MemoryArea(base: words[0], size: words[1])
    }

    /// The u32 words of a table entry, which must be exactly `count`; nil if there is no such entry.
    private func words(of guid: GUID, count: Int) throws(FormatError) -> [UInt32]? {
        guard let entry = table[guid] else { return nil }
        let field = OVMFGuid.name(of: guid) ?? guid.description
        guard entry.data.count == count * 4 else {
            throw FormatError(
                source: name, offset: entry.offset, field: field, found: "\(entry.data.count) bytes",
                expected: "\(count * 4) bytes")
        }
        var reader = ByteReader(entry.data.raw, source: name, base: entry.offset)
        var words: [UInt32] = []
        for _ in 0..<count { words.append(try reader.read(field)) }
        return words
    }

    private func missing(_ guid: GUID, _ field: String, _ needed: String) -> FormatError {
        FormatError(
            source: name, field: field, found: "no entry \(guid) in the table", expected: "one",
            hint: "this firmware cannot be used here; give \(needed)")
    }
}
