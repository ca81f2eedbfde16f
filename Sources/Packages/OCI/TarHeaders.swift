internal import Bytes

/// One member of a tar archive by its place, as an index over the archive needs it: nothing is unpacked.
struct TarHeader {
    /// Type flag: `0` file, `1` hard link, `2` symbolic link, `3`, `4` devices, `5` directory, `6` pipe.
    var type: UInt8
    /// Offset of the header block that describes the member, after those of a long name.
    var headerOffset: Int
    /// Offset of the member's bytes.
    var contentOffset: Int
    var size: Int
    var path: [UInt8]
    /// Target of a link.
    var target: [UInt8]
    /// The target as far as the header block itself holds it.
    var headerTarget: [UInt8]
    /// Numbers of the header block itself: extended headers do not count in an index.
    var mode: Int
    var uid: Int
    var gid: Int
    var mtime: Int
    var device: (major: Int, minor: Int)
}

/// Walks the header blocks of a tar archive (POSIX.1-2001 ustar and pax, GNU long names and base-256 numbers).
enum TarHeaders {
    private static let block = 512

    /// Gives `body` each member in stored order; ends at the first block of zeros or the archive's end.
    static func forEach(
        in bytes: RawSpan, source: String, _ body: (TarHeader) throws -> Void
    ) throws {
        var offset = 0
        var long = LongNames()
        while offset + block <= bytes.byteCount {
            let header = HeaderBlock(bytes, at: offset, source: source)
            if header.isZero { return }
            try header.requireChecksum()
            let start = offset + block
            let ownSize = try header.number(124, 12, "size")
            let isExtension = try long.take(header, type: header.type) { () throws(FormatError) in
                try content(of: bytes, start..<start + ownSize, source: source)
            }
            let size = isExtension ? ownSize : long.size ?? ownSize
            let (end, overflow) = start.addingReportingOverflow(size.roundedUp(toMultipleOf: block))
            guard !overflow, start + size <= bytes.byteCount else {
                throw FormatError(
                    source: source, offset: offset, field: "size", found: "\(size) bytes",
                    expected: "what is left of the archive")
            }
            if !isExtension {
                let headerTarget = header.text(157, 100)
                try body(
                    TarHeader(
                        type: header.type, headerOffset: offset, contentOffset: start, size: size,
                        path: long.path ?? header.path, target: long.target ?? headerTarget,
                        headerTarget: headerTarget, mode: try header.number(100, 8, "mode"),
                        uid: try header.number(108, 8, "uid"), gid: try header.number(116, 8, "gid"),
                        mtime: try header.number(136, 12, "mtime"),
                        device: (try header.number(329, 8, "devmajor"), try header.number(337, 8, "devminor"))))
                long = LongNames()
            }
            offset = end
        }
    }

    private static func content(
        of bytes: RawSpan, _ range: Range<Int>, source: String
    ) throws(FormatError) -> [UInt8] {
        guard range.count <= 1 << 20, range.upperBound <= bytes.byteCount else {
            throw FormatError(
                source: source, offset: range.lowerBound, field: "extended header", found: "\(range.count) bytes",
                expected: "at most 1 MiB within the archive")
        }
        return bytes.array(range)
    }
}

extension RawSpan {
    fileprivate func array(_ range: Range<Int>) -> [UInt8] {
        unsafe extracting(range).withUnsafeBytes { unsafe [UInt8]($0) }
    }
}

/// The fields of one header block.
private struct HeaderBlock {
    let bytes: [UInt8]
    let offset: Int
    let source: String

    init(_ archive: RawSpan, at offset: Int, source: String) {
        bytes = archive.array(offset..<offset + 512)
        self.offset = offset
        self.source = source
    }

    var isZero: Bool { bytes.allSatisfy { $0 == 0 } }
    var type: UInt8 { bytes[156] }

    /// The name with the prefix of ustar before it.
    var path: [UInt8] {
        let name = text(0, 100)
        guard bytes[257..<263].elementsEqual([0x75, 0x73, 0x74, 0x61, 0x72, 0]) else { return name }
        let prefix = text(345, 155)
        return prefix.isEmpty ? name : prefix + [UInt8(ascii: "/")] + name
    }

    func text(_ start: Int, _ count: Int) -> [UInt8] { Array(bytes[start..<start + count].prefix { $0 != 0 }) }

    /// An octal number, or GNU's base-256 if the first bit is set. Blank is zero.
    func number(_ start: Int, _ count: Int, _ field: String) throws(FormatError) -> Int {
        let raw = bytes[start..<start + count]
        if let first = raw.first, first & 0x80 != 0 {
            var value = Int(first & 0x3F)
            for byte in raw.dropFirst() {
                guard value < 1 << 54 else { throw error(field, "a number beyond 62 bits") }
                value = value << 8 | Int(byte)
            }
            guard first & 0x40 == 0 else { throw error(field, "a negative number") }
            return value
        }
        let digits = raw.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
        var value = 0
        for byte in digits {
            guard (0x30...0x37).contains(byte) else {
                throw error(field, "'\(String(decoding: digits, as: UTF8.self))'")
            }
            value = value << 3 | Int(byte - 0x30)
        }
        return value
    }

    func requireChecksum() throws(FormatError) {
        let stated = try number(148, 8, "checksum")
        let sum = bytes.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 0x20 : Int($1.element)) }
        guard sum == stated else {
            throw FormatError(
                source: source, offset: offset + 148, field: "checksum", found: String(stated, radix: 8),
                expected: String(sum, radix: 8), hint: "the archive is damaged")
        }
    }

    private func error(_ field: String, _ found: String) -> FormatError {
        FormatError(source: source, offset: offset, field: field, found: found, expected: "an octal number")
    }
}

/// What extended headers say of the next member.
private struct LongNames {
    var path: [UInt8]?
    var target: [UInt8]?
    var size: Int?

    /// Reads a header of another one; false if it is a member itself.
    mutating func take(
        _ header: HeaderBlock, type: UInt8, _ content: () throws(FormatError) -> [UInt8]
    ) throws(FormatError) -> Bool {
        switch type {
        case UInt8(ascii: "L"): path = Array(try content().prefix { $0 != 0 })
        case UInt8(ascii: "K"): target = Array(try content().prefix { $0 != 0 })
        case UInt8(ascii: "x"): read(records: try content())
        case UInt8(ascii: "g"): break
        default: return false
        }
        return true
    }

    /// `LENGTH KEY=VALUE\n` each.
    private mutating func read(records: [UInt8]) {
        var rest = records[...]
        while let space = rest.firstIndex(of: 0x20),
            let count = Int(String(decoding: rest[rest.startIndex..<space], as: UTF8.self)),
            count > space - rest.startIndex + 1, count <= rest.count
        {
            let record = rest[(space + 1)..<(rest.startIndex + count - 1)]
            rest = rest.dropFirst(count)
            guard let sign = record.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let value = Array(record[(sign + 1)...])
            switch String(decoding: record[..<sign], as: UTF8.self) {
            case "path": path = value
            case "linkpath": target = value
            case "size":
                size = Int(String(decoding: value, as: UTF8.self)).flatMap { (0...1 << 60).contains($0) ? $0 : nil }
            default: break
            }
        }
    }
}
