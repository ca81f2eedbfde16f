public import Bytes

extension Certificate {
    /// Most certificates that one file may hold.
    public static let maximumFileCount = 64
    /// Largest file of certificates, in bytes.
    public static let maximumFileByteCount = 1 << 20

    /// Every certificate of a file: PEM blocks `CERTIFICATE`, or DER elements one after the other.
    public static func read(_ bytes: [UInt8], source: String) throws(FormatError) -> [Certificate] {
        guard bytes.count <= maximumFileByteCount else {
            throw FormatError(
                source: source, field: "certificates", found: "\(bytes.count) bytes",
                expected: "at most \(maximumFileByteCount)")
        }
        let blocks = try PEM.isText(bytes) ? PEM.blocks(bytes, label: "CERTIFICATE", source: source) : [(0, bytes)]
        var result: [Certificate] = []
        for (offset, block) in blocks {
            var position = 0
            repeat {
                let element = try block.withReader(source: source, base: offset) { reader throws(FormatError) in
                    try reader.skip(position, "Certificate")
                    return try reader.der("Certificate")
                }
                guard result.count < maximumFileCount else {
                    throw FormatError(
                        source: source, field: "certificates", found: "more than \(maximumFileCount)",
                        expected: "at most that many")
                }
                result.append(try Certificate(der: element.encoding, source: source, base: offset + position))
                position += element.encoding.count
            } while position < block.count
        }
        return result
    }
}

extension PEM {
    /// Whether bytes look like PEM and not like DER.
    static func isText(_ bytes: [UInt8]) -> Bool {
        bytes.first.map { $0 != DERTag.sequence.rawValue } == true
            && bytes.starts(withTextAfterBlanks: "-----BEGIN ")
    }

    /// The blocks of a text, which must all have this label; blank lines may stand between them. With each comes the
    /// offset of its first line. Offsets inside a block are counted in its decoded bytes.
    static func blocks(
        _ bytes: [UInt8], label: String, source: String
    ) throws(FormatError) -> [(Int, [UInt8])] {
        var result: [(Int, [UInt8])] = []
        var body: [UInt8] = []
        var isInside = false
        var start = 0
        var offset = 0
        func failure(_ found: String, _ expected: String) -> FormatError {
            FormatError(source: source, offset: offset, field: "PEM", found: found, expected: expected)
        }
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            defer { offset += line.count + 1 }
            let text = line.trimmed
            if isInside {
                if text.elementsEqual("-----END \(label)-----".utf8) {
                    guard let decoded = Base64.decode(String(decoding: body, as: UTF8.self)), !decoded.isEmpty
                    else { throw failure("a body that is not base64", "base64") }
                    result.append((start, decoded))
                    isInside = false
                } else {
                    guard !text.starts(with: "-----".utf8) else {
                        throw failure("another PEM line", "-----END \(label)-----")
                    }
                    body += text
                }
            } else if text.elementsEqual("-----BEGIN \(label)-----".utf8) {
                start = offset
                body = []
                isInside = true
            } else if !text.isEmpty {
                throw failure("something else", "-----BEGIN \(label)-----")
            }
        }
        guard !isInside else { throw failure("the end of the file", "-----END \(label)-----") }
        return result
    }
}

extension ArraySlice<UInt8> {
    /// Without blanks, tabs and carriage returns at both ends.
    fileprivate var trimmed: ArraySlice<UInt8> {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
        let front = drop(while: isBlank)
        guard let last = front.lastIndex(where: { !isBlank($0) }) else { return [] }
        return front[...last]
    }
}

extension [UInt8] {
    fileprivate func starts(withTextAfterBlanks text: String) -> Bool {
        drop { [0x20, 0x09, 0x0D, 0x0A].contains($0) }.starts(with: text.utf8)
    }
}
