public import Bytes

/// What an initrd needs to know of an ELF file: its loader, its libraries and single sections.
///
/// 64-bit little-endian x86-64 only (System V ABI, chapters 4 and 5). Offsets in the file header:
///
/// ```
///  0  e_ident (7F 'E' 'L' 'F', class 2, data 1)   32  e_phoff u64    54  e_phentsize u16, e_phnum u16
/// 18  e_machine u16 (62)                          40  e_shoff u64    58  e_shentsize u16, e_shnum u16, e_shstrndx u16
/// ```
public struct ELFImage: Sendable {
    /// Path of the program interpreter (PT_INTERP); nil for libraries, modules and static programs.
    public private(set) var interpreter: [UInt8]?
    /// Names of the needed libraries (DT_NEEDED) in file order.
    public private(set) var needed: [[UInt8]] = []
    /// A library's own name (DT_SONAME); nil if it states none.
    public private(set) var libraryName: [UInt8]?
    /// Every section in file order.
    let sections: [(name: [UInt8], range: Range<Int>)]

    /// Whether bytes begin as an ELF file does.
    public static func isELF(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic) }

    fileprivate static let magic: [UInt8] = [0x7F, UInt8(ascii: "E"), UInt8(ascii: "L"), UInt8(ascii: "F")]

    /// Reads the headers of the file that `file` stands at the start of.
    public init(parsing file: inout ByteReader) throws(FormatError) {
        let header = try Header(parsing: &file)
        let segments = try Segment.table(of: file, header)
        sections = try Section.table(of: file, header)
        for segment in segments where segment.type == Segment.interpreter {
            var window = try file.window(at: segment.offset, count: segment.fileSize, "PT_INTERP")
            let path = try window.bytes(segment.fileSize, "PT_INTERP")
            guard path.last == 0, !path.dropLast().contains(0) else {
                throw file.error("PT_INTERP", found: "no or several NUL", expected: "a path with one NUL at its end")
            }
            interpreter = Array(path.dropLast())
        }
        for segment in segments where segment.type == Segment.dynamic {
            let names = try Self.names(in: segment, of: file, segments)
            needed += names.needed
            libraryName = libraryName ?? names.own
        }
    }

    /// Where the section of that name is in the file; nil if there is none.
    public func section(_ name: String) -> Range<Int>? {
        sections.first { $0.name == Array(name.utf8) }?.range
    }

    private static func names(
        in dynamic: Segment, of file: borrowing ByteReader, _ segments: [Segment]
    ) throws(FormatError) -> (needed: [[UInt8]], own: [UInt8]?) {
        var entries = try file.window(at: dynamic.offset, count: dynamic.fileSize, "PT_DYNAMIC")
        var names: [UInt64] = []
        var own: UInt64?
        var table: UInt64?
        var size: UInt64 = 0
        while entries.remaining >= 16 {
            let tag: UInt64 = try entries.read("d_tag")
            let value: UInt64 = try entries.read("d_val")
            switch tag {
            case 0: try entries.seek(to: entries.count, "DT_NULL")
            case 1: names.append(value)
            case 5: table = value
            case 10: size = value
            case 14: own = value
            default: break
            }
        }
        guard !names.isEmpty || own != nil else { return ([], nil) }
        guard let table, let offset = Segment.fileOffset(of: table, in: segments) else {
            throw file.error("DT_STRTAB", found: "no address in a loaded segment", expected: "a string table")
        }
        let strings = try file.window(at: offset, count: Int(clamping: size), "DT_STRTAB")
        var result: [[UInt8]] = []
        for name in names { result.append(try string(at: Int(clamping: name), in: strings, "DT_NEEDED")) }
        let name = try own.map { (offset) throws(FormatError) in
            try string(at: Int(clamping: offset), in: strings, "DT_SONAME")
        }
        return (result, name)
    }

    /// The string at an offset of a string table, without its NUL.
    fileprivate static func string(
        at offset: Int, in table: borrowing ByteReader, _ field: String
    ) throws(FormatError) -> [UInt8] {
        guard offset <= table.count else {
            throw table.error(
                field, found: hexadecimal(offset), expected: "an offset up to \(hexadecimal(table.count))")
        }
        var reader = try table.window(at: offset, count: table.count - offset, field)
        var text: [UInt8] = []
        while true {
            let byte: UInt8 = try reader.read(field)
            if byte == 0 { return text }
            text.append(byte)
        }
    }
}

private struct Header {
    var segments: (offset: Int, count: Int)
    var sections: (offset: Int, count: Int, names: Int)

    init(parsing file: inout ByteReader) throws(FormatError) {
        try file.expect("EI_MAG", bytes: ELFImage.magic)
        try file.expect("EI_CLASS", UInt8(2))
        try file.expect("EI_DATA", UInt8(1))
        try file.seek(to: 18, "e_machine")
        try file.expect("e_machine", UInt16(62))
        try file.seek(to: 32, "e_phoff")
        let programs: UInt64 = try file.read("e_phoff")
        let sectionTable: UInt64 = try file.read("e_shoff")
        try file.seek(to: 54, "e_phentsize")
        let segmentSize: UInt16 = try file.read("e_phentsize")
        let segmentCount: UInt16 = try file.read("e_phnum")
        let sectionSize: UInt16 = try file.read("e_shentsize")
        let sectionCount: UInt16 = try file.read("e_shnum")
        let names: UInt16 = try file.read("e_shstrndx")
        guard segmentCount == 0 || segmentSize == UInt16(Segment.byteCount) else {
            throw file.error("e_phentsize", found: "\(segmentSize)", expected: "\(Segment.byteCount)", at: 54)
        }
        guard sectionCount == 0 || sectionSize == UInt16(Section.byteCount) else {
            throw file.error("e_shentsize", found: "\(sectionSize)", expected: "\(Section.byteCount)", at: 58)
        }
        segments = (Int(clamping: programs), Int(segmentCount))
        sections = (Int(clamping: sectionTable), Int(sectionCount), Int(names))
    }
}

/// Elf64_Phdr: type u32, flags u32, offset u64, vaddr u64, paddr u64, filesz u64, memsz u64, align u64.
private struct Segment {
    static let byteCount = 56
    static let load: UInt32 = 1
    static let dynamic: UInt32 = 2
    static let interpreter: UInt32 = 3

    var type: UInt32
    var offset: Int
    var address: UInt64
    var fileSize: Int

    static func table(of file: borrowing ByteReader, _ header: Header) throws(FormatError) -> [Segment] {
        let count = header.segments.count
        var table = try file.window(at: header.segments.offset, count: count * byteCount, "program headers")
        var result: [Segment] = []
        for _ in 0..<count {
            let type: UInt32 = try table.read("p_type")
            try table.skip(4, "p_flags")
            let offset: UInt64 = try table.read("p_offset")
            let address: UInt64 = try table.read("p_vaddr")
            try table.skip(8, "p_paddr")
            let size: UInt64 = try table.read("p_filesz")
            try table.skip(16, "p_memsz")
            result.append(
                Segment(type: type, offset: Int(clamping: offset), address: address, fileSize: Int(clamping: size)))
        }
        return result
    }

    /// Where a virtual address lies in the file; nil if no loaded segment holds it.
    static func fileOffset(of address: UInt64, in segments: [Segment]) -> Int? {
        for segment in segments where segment.type == load && address >= segment.address {
            let inside = Int(clamping: address - segment.address)
            guard inside < segment.fileSize else { continue }
            let (offset, overflow) = segment.offset.addingReportingOverflow(inside)
            return overflow ? nil : offset
        }
        return nil
    }
}

/// Elf64_Shdr: name u32, type u32, flags u64, addr u64, offset u64, size u64, link u32, info u32, align u64, entsize u64.
private struct Section {
    static let byteCount = 64
    /// A section that takes no space in the file.
    static let noBits: UInt32 = 8

    static func table(
        of file: borrowing ByteReader, _ header: Header
    ) throws(FormatError) -> [(name: [UInt8], range: Range<Int>)] {
        let count = header.sections.count
        guard count > 0 else { return [] }
        var table = try file.window(at: header.sections.offset, count: count * byteCount, "section headers")
        var raw: [(name: Int, range: Range<Int>)] = []
        for _ in 0..<count {
            let name: UInt32 = try table.read("sh_name")
            let type: UInt32 = try table.read("sh_type")
            try table.skip(16, "sh_flags")
            let offset: UInt64 = try table.read("sh_offset")
            let size: UInt64 = try table.read("sh_size")
            try table.skip(24, "sh_link")
            let length = type == noBits ? 0 : Int(clamping: size)
            _ = try file.window(at: type == noBits ? 0 : Int(clamping: offset), count: length, "sh_offset")
            let start = length == 0 ? 0 : Int(clamping: offset)
            raw.append((name: Int(name), range: start..<start + length))
        }
        guard header.sections.names < count else {
            throw file.error("e_shstrndx", found: "\(header.sections.names)", expected: "below \(count)", at: 62)
        }
        let place = raw[header.sections.names].range
        let strings = try file.window(at: place.lowerBound, count: place.count, ".shstrtab")
        var result: [(name: [UInt8], range: Range<Int>)] = []
        for section in raw {
            result.append((name: try ELFImage.string(at: section.name, in: strings, "sh_name"), range: section.range))
        }
        return result
    }
}
