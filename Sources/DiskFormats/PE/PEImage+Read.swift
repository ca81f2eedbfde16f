private import Bytes
public import Files

extension PEImage {
    /// Room for any header that a boot loader or kernel has; the section table must lie within.
    private static let headerLimit = 1 << 20

    /// Reads the headers of an image and checks that all they point at is in the file.
    ///
    /// Throws `FormatError` with the field's name in the PE format.
    public init(_ source: ByteSource) throws {
        let peOffset: Int = try source.withReader(count: 64, "DOS header") { (reader) throws in
            try reader.expect("e_magic", bytes: Array("MZ".utf8), hint: "this is no PE image, as kernels and UKIs are")
            try reader.seek(to: 0x3C, "e_lfanew")
            return Int(try reader.read("e_lfanew", as: UInt32.self))
        }
        guard peOffset <= Self.headerLimit else {
            throw FormatError(
                source: source.name, offset: source.base + 0x3C, field: "e_lfanew", found: hexadecimal(peOffset),
                expected: "at most \(hexadecimal(Self.headerLimit))")
        }
        let window = min(source.count, Self.headerLimit * 2)
        self = try source.withReader(count: window, "PE headers") { (reader) throws in
            try PEImage(source, &reader, peOffset: peOffset)
        }
    }

    /// Reads the headers of an image in memory, called `name` in errors.
    public init(_ bytes: [UInt8], name: String) throws {
        try self.init(ByteSource(bytes, name: name))
    }

    private init(_ source: ByteSource, _ reader: inout ByteReader, peOffset: Int) throws(FormatError) {
        try reader.seek(to: peOffset, "PE signature")
        try reader.expect("PE signature", bytes: Array("PE\0\0".utf8))
        self.source = source
        coffHeaderOffset = reader.position
        machine = try reader.read("Machine")
        let sectionCount = Int(try reader.read("NumberOfSections", as: UInt16.self))
        timeDateStamp = try reader.read("TimeDateStamp")
        symbolTableOffset = try reader.read("PointerToSymbolTable")
        try reader.skip(4, "NumberOfSymbols")
        let optionalSize = Int(try reader.read("SizeOfOptionalHeader", as: UInt16.self))
        try reader.skip(2, "Characteristics")
        optionalHeaderOffset = reader.position
        checksumOffset = optionalHeaderOffset + 64
        sectionTableOffset = optionalHeaderOffset + optionalSize

        var optional = try reader.slice(optionalSize, "optional header")
        let magic: UInt16 = try optional.read("Magic")
        guard magic == 0x20B || magic == 0x10B else {
            throw optional.error("Magic", found: hexadecimal(magic), expected: "0x10b or 0x20b", at: 0)
        }
        isPE32Plus = magic == 0x20B
        try optional.seek(to: 16, "AddressOfEntryPoint")
        entryPoint = try optional.read("AddressOfEntryPoint")
        if isPE32Plus {
            try optional.seek(to: 24, "ImageBase")
            imageBase = try optional.read("ImageBase")
        } else {
            try optional.seek(to: 28, "ImageBase")
            imageBase = UInt64(try optional.read("ImageBase", as: UInt32.self))
        }
        sectionAlignment = try optional.read("SectionAlignment")
        fileAlignment = try optional.read("FileAlignment")
        try optional.seek(to: 56, "SizeOfImage")
        sizeOfImage = try optional.read("SizeOfImage")
        sizeOfHeaders = try optional.read("SizeOfHeaders")
        try optional.skip(4, "CheckSum")
        subsystem = try optional.read("Subsystem")
        dllCharacteristics = try optional.read("DllCharacteristics")
        let security = try Self.securityDirectory(&optional, isPE32Plus: isPE32Plus, in: source)
        securityDirectoryOffset = security.offset.map { $0 + peOffset + 24 }
        certificateTable = security.table
        sections = try Self.sections(sectionCount, &reader, in: source)
        try Self.check(sizeOfHeaders, from: sectionTableOffset + 40 * sectionCount, reader, in: source)
    }

    /// The security directory's entry: its offset in the optional header and the file range it names.
    private static func securityDirectory(
        _ optional: inout ByteReader, isPE32Plus: Bool, in source: ByteSource
    ) throws(FormatError) -> (offset: Int?, table: Range<Int>) {
        let directory = isPE32Plus ? 112 : 96
        try optional.seek(to: directory - 4, "NumberOfRvaAndSizes")
        guard try optional.read("NumberOfRvaAndSizes", as: UInt32.self) > 4 else { return (nil, 0..<0) }
        let entry = directory + 4 * 8
        try optional.seek(to: entry, "security directory")
        let offset = Int(try optional.read("security directory address", as: UInt32.self))
        let size = Int(try optional.read("security directory size", as: UInt32.self))
        guard size > 0 else { return (entry, 0..<0) }
        guard offset <= source.count, size <= source.count - offset else {
            throw optional.error(
                "security directory", found: "\(hexadecimal(offset)) + \(hexadecimal(size))",
                expected: "a range inside \(hexadecimal(source.count)) bytes", at: entry,
                hint: "the file may be cut short, or its signature was removed by hand")
        }
        return (entry, offset..<offset + size)
    }

    private static func sections(
        _ count: Int, _ reader: inout ByteReader, in source: ByteSource
    ) throws(FormatError) -> [Section] {
        var sections: [Section] = []
        for index in 0..<count {
            let start = reader.position
            var row = try reader.slice(40, "section header \(index)")
            let name = try row.bytes(8, "Name")
            let section = Section(
                name: String(decoding: name.prefix { $0 != 0 }, as: UTF8.self),
                virtualSize: try row.read("VirtualSize"), virtualAddress: try row.read("VirtualAddress"),
                rawSize: try row.read("SizeOfRawData"), rawOffset: try row.read("PointerToRawData"),
                characteristics: try characteristics(&row))
            guard section.rawSize == 0 || section.rawRange.upperBound <= source.count else {
                throw reader.error(
                    "section \(section.name)",
                    found: "\(hexadecimal(section.rawOffset)) + \(hexadecimal(section.rawSize))",
                    expected: "a range inside \(hexadecimal(source.count)) bytes", at: start + 16,
                    hint: "the file may be cut short")
            }
            sections.append(section)
        }
        return sections
    }

    private static func characteristics(_ row: inout ByteReader) throws(FormatError) -> UInt32 {
        try row.skip(12, "relocations and line numbers")
        return try row.read("Characteristics")
    }

    private static func check(
        _ sizeOfHeaders: UInt32, from tableEnd: Int, _ reader: borrowing ByteReader, in source: ByteSource
    ) throws(FormatError) {
        guard Int(sizeOfHeaders) >= tableEnd, Int(sizeOfHeaders) <= source.count else {
            throw FormatError(
                source: source.name, offset: source.base, field: "SizeOfHeaders", found: hexadecimal(sizeOfHeaders),
                expected: "between \(hexadecimal(tableEnd)) (end of the section table) and the file's size")
        }
    }
}
