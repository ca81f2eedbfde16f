public import Bytes

/// An IGVM file: commands by which a loader makes a guest's first memory and processor state.
///
/// Read strictly after the definitions of microsoft/igvm: sizes, alignment, reserved fields, order of parts, checksum
/// and every file offset are checked, and a header of an unknown type is refused unless it says that it may be passed
/// over.
///
///     0x00 4 "IGVM"
///     0x04 4 format version          1 or 2
///     0x08 4 variable header offset  multiple of 8, past the fixed header
///     0x0C 4 variable header size
///     0x10 4 total file size
///     0x14 4 checksum                CRC-32 of the fixed header, this field 0, and the variable headers
///     0x18 4 architecture            version 2 alone
///     0x1C 4 page size               version 2 alone
public struct IGVMFile: Sendable {
    /// What the file's processor is.
    public enum Architecture: UInt32, Sendable, CaseIterable {
        case x64 = 0
        case aarch64 = 1
    }

    /// How errors and traces call the file.
    public let name: String
    public let bytes: [UInt8]
    /// 1 or 2.
    public let formatVersion: UInt32
    /// x64 in files of version 1.
    public let architecture: Architecture
    public let checksum: UInt32
    /// The platforms that the file can be loaded on, in the file's order.
    public let platforms: [IGVMPlatform]
    public let initializations: [IGVMHeader]
    /// What a loader does, in order.
    public let directives: [IGVMHeader]
    /// Bytes of each parameter area by its index.
    let areaByteCounts: [UInt32: UInt64]

    /// Most bytes that a file may have.
    public static let maximumByteCount = 1 << 30
    /// Most bytes of variable headers: about a million pages.
    public static let maximumHeaderByteCount = 32 << 20
    static let magic = Array("IGVM".utf8)

    /// Reads `bytes`; `name` is the file's name in errors and traces.
    public init(_ bytes: [UInt8], name: String) throws(FormatError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: name, field: "IGVM file", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        let fixed = try bytes.withReader(source: name) { reader throws(FormatError) in try FixedHeader(&reader) }
        try fixed.verifyChecksum(of: bytes, source: name)
        let headers = try Self.headers(of: bytes, fixed: fixed, source: name)
        self.name = name
        self.bytes = bytes
        formatVersion = fixed.version
        architecture = fixed.architecture
        checksum = fixed.checksum
        platforms = headers.compactMap { header in
            if case .supportedPlatform(let platform) = header.content { platform } else { nil }
        }
        initializations = headers.filter { $0.type.section == .initialization }
        directives = headers.filter { $0.type.section == .directive }
        var counts: [UInt32: UInt64] = [:]
        for header in directives {
            if case .parameterArea(let area) = header.content { counts[area.index] = area.byteCount }
        }
        areaByteCounts = counts
        try validate(dataStart: fixed.headers.upperBound)
    }

    /// Whether bytes begin like an IGVM file.
    public static func isLikely(_ head: [UInt8]) -> Bool { head.starts(with: magic) }

    /// The platform of a kind, if the file can be loaded on it.
    public func platform(_ kind: IGVMPlatform.Kind) -> IGVMPlatform? { platforms.first { $0.kind == kind } }

    /// The guest policy for a platform; nil if the file has none.
    public func guestPolicy(_ platform: IGVMPlatform) -> UInt64? {
        for header in initializations where header.applies(to: platform) {
            if case .guestPolicy(let policy) = header.content { return policy.policy }
        }
        return nil
    }

    /// The ID block for a platform, with its directive's number; nil if the file has none.
    public func idBlock(_ platform: IGVMPlatform) -> (index: Int, block: IGVMIDBlock)? {
        for (index, header) in directives.enumerated() where header.applies(to: platform) {
            if case .snpIDBlock(let block) = header.content { return (index, block) }
        }
        return nil
    }

    /// The bytes of a page, a part of `bytes` without a copy: many pages may name one place. Nil where the page is zero.
    public func contents(of page: IGVMPageData) -> ArraySlice<UInt8>? {
        page.fileOffset == 0 ? nil : data(at: page.fileOffset, count: page.byteCount)
    }

    /// A save area's 4096 bytes.
    public func saveArea(_ context: IGVMVPContext) -> ArraySlice<UInt8> {
        data(at: context.fileOffset, count: IGVMVPContext.saveAreaByteCount)
    }

    /// Bytes whose range `validate` has held against the file.
    private func data(at offset: UInt32, count: Int) -> ArraySlice<UInt8> {
        bytes.dropFirst(Int(offset)).prefix(count)
    }
}

extension IGVMFile {
    /// What stands in front of the variable headers.
    struct FixedHeader {
        let version: UInt32
        let architecture: Architecture
        let checksum: UInt32
        /// Bytes of the fixed header.
        let byteCount: Int
        /// Where the variable headers stand in the file.
        let headers: Range<Int>

        init(_ reader: inout ByteReader) throws(FormatError) {
            try reader.expect(
                "IGVM header.magic", bytes: IGVMFile.magic,
                hint: "this is no IGVM file; assay inspect says what it is, and assay measure snp measures firmware")
            version = try reader.read("IGVM header.format version")
            guard version == 1 || version == 2 else {
                throw reader.error("IGVM header.format version", found: "\(version)", expected: "1 or 2", at: 4)
            }
            byteCount = version == 1 ? 24 : 32
            let offset: UInt32 = try reader.read("IGVM header.variable header offset")
            let size: UInt32 = try reader.read("IGVM header.variable header size")
            let total: UInt32 = try reader.read("IGVM header.total file size")
            checksum = try reader.read("IGVM header.checksum")
            guard total == reader.count else {
                throw reader.error(
                    "IGVM header.total file size", found: hexadecimal(total),
                    expected: "the file's size, \(hexadecimal(reader.count))", at: 0x10,
                    hint: "the file was cut or something was appended; get it again")
            }
            guard offset.isMultiple(of: 8), offset >= byteCount, offset <= total else {
                throw reader.error(
                    "IGVM header.variable header offset", found: hexadecimal(offset),
                    expected: "a multiple of 8 from \(hexadecimal(byteCount)) up to the file's size", at: 8)
            }
            guard size > 0, size <= total - offset, size <= IGVMFile.maximumHeaderByteCount else {
                throw reader.error(
                    "IGVM header.variable header size", found: hexadecimal(size),
                    expected: "1 byte to \(hexadecimal(min(Int(total - offset), IGVMFile.maximumHeaderByteCount)))",
                    at: 0xC)
            }
            headers = Int(offset)..<Int(offset) + Int(size)
            guard version == 2 else {
                architecture = .x64
                return
            }
            let raw: UInt32 = try reader.read("IGVM header.architecture")
            guard let architecture = Architecture(rawValue: raw) else {
                throw reader.error("IGVM header.architecture", found: "\(raw)", expected: "0 or 1", at: 0x18)
            }
            self.architecture = architecture
            try reader.expect("IGVM header.page size", UInt32(4096))
        }

        /// Requires that the checksum is that of the fixed header, the field itself zero, and the variable headers.
        func verifyChecksum(of bytes: [UInt8], source: String) throws(FormatError) {
            let crc = CRC32.ieee
            var register = crc.register(bytes[..<0x14])
            register = crc.register([0, 0, 0, 0], from: register)
            register = crc.register(bytes[0x18..<byteCount], from: register)
            let computed = ~crc.register(bytes[headers], from: register)
            guard computed == checksum else {
                throw FormatError(
                    source: source, offset: 0x14, field: "IGVM header.checksum", found: hexadecimal(checksum),
                    expected: hexadecimal(computed), hint: "the headers were changed or damaged; get the file again")
            }
        }
    }
}
