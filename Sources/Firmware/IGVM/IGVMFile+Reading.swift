import Bytes

extension IGVMFile {
    /// The variable headers one after the other, in the order of their parts.
    ///
    ///     0x00 4 type    0x04 4 length of the content    0x08 content, padded with zeros to a multiple of 8
    static func headers(of bytes: [UInt8], fixed: FixedHeader, source: String) throws(FormatError) -> [IGVMHeader] {
        let whole = ByteReader(bytes.raw, source: source)
        var reader = try whole.window(
            at: fixed.headers.lowerBound, count: fixed.headers.count, "IGVM variable headers")
        var headers: [IGVMHeader] = []
        var section = IGVMHeaderType.Section.platform
        while !reader.isAtEnd {
            let header = try header(&reader)
            if let next = header.type.section {
                guard next >= section else {
                    throw FormatError(
                        source: source, offset: header.offset, field: "\(header.type)",
                        found: "a \(next) header after \(section) headers",
                        expected: "platform, initialization and directive headers in this order")
                }
                section = next
            }
            headers.append(header)
        }
        return headers
    }

    private static func header(_ reader: inout ByteReader) throws(FormatError) -> IGVMHeader {
        let place = reader.position
        let offset = reader.sourceOffset
        let raw: UInt32 = try reader.read("IGVM variable header.type")
        let length: UInt32 = try reader.read("IGVM variable header.length")
        let type = IGVMHeaderType(rawValue: raw & ~IGVMHeaderType.optionalBit)
        let isOptional = raw & IGVMHeaderType.optionalBit != 0
        guard let known = IGVMHeaderType.known[type] else {
            guard isOptional else {
                throw reader.error(
                    "IGVM variable header.type", found: hexadecimal(raw), expected: "a type that is known here",
                    at: place, hint: "the file needs a loader of a later format; what this header does is not known")
            }
            try reader.skip(Int(length), "\(type)")
            let isClean = try padding(&reader, type)
            return IGVMHeader(
                type: type, isOptional: true, offset: offset, content: .skipped, hasZeroPadding: isClean)
        }
        guard length == known.byteCount else {
            throw reader.error(
                "\(type).length", found: "\(length) bytes", expected: "\(known.byteCount) bytes", at: place + 4)
        }
        var content = try reader.slice(Int(length), "\(type)")
        let fields = try read(&content, type)
        try content.finish("\(type)")
        let isClean = try padding(&reader, type)
        return IGVMHeader(
            type: type, isOptional: isOptional, offset: offset, content: fields, hasZeroPadding: isClean)
    }

    /// Passes over what fills a header up to a multiple of 8, and says whether it is zero.
    ///
    /// The format demands zeros; igvm-tooling writes the character '0', and every loader takes it.
    private static func padding(_ reader: inout ByteReader, _ type: IGVMHeaderType) throws(FormatError) -> Bool {
        // Headers begin at multiples of 8 in the file, and the first one does.
        let count = (8 - reader.position % 8) % 8
        return try reader.bytes(count, "\(type).padding").allSatisfy { $0 == 0 }
    }

    private static func read(
        _ reader: inout ByteReader, _ type: IGVMHeaderType
    ) throws(FormatError) -> IGVMHeader.Content {
        switch type {
        case .supportedPlatform: .supportedPlatform(try IGVMPlatform(&reader))
        case .guestPolicy: .guestPolicy(try IGVMGuestPolicy(&reader))
        case .relocatableRegion: .relocatableRegion(try IGVMRelocatableRegion(&reader))
        case .pageTableRelocation: .pageTableRelocation(try IGVMPageTableRelocation(&reader))
        case .corimDocument, .corimSignature: .corim(try IGVMFileReference(&reader, type))
        case .ccaPolicy: .ccaPolicy(try IGVMCCAPolicy(&reader))
        case .parameterArea: .parameterArea(try IGVMParameterArea(&reader))
        case .pageData: .pageData(try IGVMPageData(&reader))
        case .parameterInsert: .parameterInsert(try IGVMParameterInsert(&reader))
        case .vpContext: .vpContext(try IGVMVPContext(&reader))
        case .requiredMemory: .requiredMemory(try IGVMRequiredMemory(&reader))
        case .snpIDBlock: .snpIDBlock(try IGVMIDBlock(&reader))
        case .errorRange: .errorRange(try IGVMErrorRange(&reader))
        case .vbsMeasurement: .vbsMeasurement(try IGVMVBSMeasurement(&reader))
        default: .parameter(try IGVMParameter(&reader, type))
        }
    }
}
