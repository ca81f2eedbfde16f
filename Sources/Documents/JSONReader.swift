private import Bytes

/// A strict JSON reader (RFC 8259): no duplicate keys, no lone surrogates, no trailing bytes, bounded depth and size.
///
/// The strict mode also refuses fractions, exponents and integers beyond ±(2^53−1); the foreign mode takes them, for
/// documents that others make.
public struct JSONReader {
    public enum Mode: Sendable { case strict, foreign }

    private let bytes: [UInt8]
    private let source: String
    private let mode: Mode
    private var position = 0
    private var line = 1
    private var lineStart = 0
    /// Where the values of the outermost object's members stand.
    private var ranges: [String: Range<Int>] = [:]
    private static let maximumDepth = 64

    /// Reads one document.
    ///
    /// - Parameter limit: most bytes that are accepted.
    public static func parse(
        _ bytes: [UInt8], source: String, mode: Mode = .strict, limit: Int = 64 << 20
    ) throws(DocumentError) -> Node {
        try parseKeepingMembers(bytes, source: source, mode: mode, limit: limit).node
    }

    /// Reads one document, and gives with it the bytes of each member's value of its outermost object as they stand: what
    /// others sign that way is lost in a tree.
    public static func parseKeepingMembers(
        _ bytes: [UInt8], source: String, mode: Mode = .strict, limit: Int = 64 << 20
    ) throws(DocumentError) -> (node: Node, members: [String: ArraySlice<UInt8>]) {
        guard bytes.count <= limit else {
            throw DocumentError(Location(source: source), "found \(bytes.count) bytes, expected at most \(limit)")
        }
        guard String(validating: bytes, as: UTF8.self) != nil else {
            throw DocumentError(Location(source: source), "expected UTF-8 text")
        }
        var reader = JSONReader(bytes: bytes, source: source, mode: mode)
        reader.skipSpace()
        let node = try reader.value(path: "", depth: 0)
        reader.skipSpace()
        guard reader.position == bytes.count else { throw reader.error("", "expected the end of the document") }
        return (node, reader.ranges.mapValues { bytes[$0] })
    }

    private init(bytes: [UInt8], source: String, mode: Mode) {
        self.bytes = bytes
        self.source = source
        self.mode = mode
    }

    private var here: Location { Location(source: source, line: line, column: position - lineStart + 1) }

    private func error(_ path: String, _ problem: String) -> DocumentError {
        DocumentError(here, path: path, problem)
    }

    private var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func skipSpace() {
        while let byte = next {
            switch byte {
            case 0x0A:
                line += 1
                lineStart = position + 1
            case 0x20, 0x09, 0x0D: break
            default: return
            }
            position += 1
        }
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard next == byte else { return false }
        position += 1
        return true
    }

    private mutating func value(path: String, depth: Int) throws(DocumentError) -> Node {
        guard depth < Self.maximumDepth else { throw error(path, "nested deeper than \(Self.maximumDepth) levels") }
        let start = here
        switch next {
        case UInt8(ascii: "{"): return Node(try object(path: path, depth: depth), at: start)
        case UInt8(ascii: "["): return Node(try array(path: path, depth: depth), at: start)
        case UInt8(ascii: "\""): return Node(.string(try string(path: path)), at: start)
        case UInt8(ascii: "t"): return Node(try word("true", .bool(true), path: path), at: start)
        case UInt8(ascii: "f"): return Node(try word("false", .bool(false), path: path), at: start)
        case UInt8(ascii: "n"): return Node(try word("null", .null, path: path), at: start)
        case .some(let byte) where byte == UInt8(ascii: "-") || (0x30...0x39).contains(byte):
            return Node(try number(path: path), at: start)
        default: throw error(path, "expected a JSON value")
        }
    }

    private mutating func word(_ text: String, _ value: Value, path: String) throws(DocumentError) -> Value {
        for byte in text.utf8 {
            guard take(byte) else { throw error(path, "expected '\(text)'") }
        }
        return value
    }

    private mutating func object(path: String, depth: Int) throws(DocumentError) -> Value {
        position += 1
        var members: [Value.Member] = []
        var seen: Set<String> = []
        skipSpace()
        if take(UInt8(ascii: "}")) { return .object(members) }
        while true {
            skipSpace()
            guard next == UInt8(ascii: "\"") else { throw error(path, "expected a key in quotes") }
            let place = here
            let key = try string(path: path)
            let inner = path.isEmpty ? key : "\(path).\(key)"
            guard seen.insert(key).inserted else { throw DocumentError(place, path: inner, "duplicate key") }
            skipSpace()
            guard take(UInt8(ascii: ":")) else { throw error(inner, "expected ':'") }
            skipSpace()
            let start = position
            members.append(Value.Member(key, try value(path: inner, depth: depth + 1)))
            if depth == 0 { ranges[key] = start..<position }
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            if take(UInt8(ascii: "}")) { return .object(members) }
            throw error(inner, "expected ',' or '}'")
        }
    }

    private mutating func array(path: String, depth: Int) throws(DocumentError) -> Value {
        position += 1
        var nodes: [Node] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return .array(nodes) }
        while true {
            skipSpace()
            nodes.append(try value(path: "\(path)[\(nodes.count)]", depth: depth + 1))
            skipSpace()
            if take(UInt8(ascii: ",")) { continue }
            if take(UInt8(ascii: "]")) { return .array(nodes) }
            throw error(path, "expected ',' or ']'")
        }
    }

    private mutating func number(path: String) throws(DocumentError) -> Value {
        let start = position
        _ = take(UInt8(ascii: "-"))
        let digits = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        let integerDigits = position - digits
        guard integerDigits > 0, integerDigits == 1 || bytes[digits] != 0x30 else {
            throw error(path, "expected digits without a leading zero")
        }
        var isInteger = true
        if take(UInt8(ascii: ".")) {
            isInteger = false
            try digitRun(path)
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            _ = take(UInt8(ascii: "+")) || take(UInt8(ascii: "-"))
            try digitRun(path)
        }
        let text = String(decoding: bytes[start..<position], as: UTF8.self)
        if isInteger, text != "-0", let value = Int64(text), value.magnitude < 1 << 53 { return .integer(value) }
        guard mode == .foreign else { throw error(path, "found \(text), expected an integer within ±(2^53−1)") }
        return .number(text)
    }

    private mutating func digitRun(_ path: String) throws(DocumentError) {
        let start = position
        while let byte = next, (0x30...0x39).contains(byte) { position += 1 }
        guard position > start else { throw error(path, "expected digits") }
    }

    private mutating func string(path: String) throws(DocumentError) -> String {
        position += 1
        var out: [UInt8] = []
        while let byte = next {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: out, as: UTF8.self)
            case UInt8(ascii: "\\"): out.append(contentsOf: String(try escape(path: path)).utf8)
            case 0..<0x20: throw error(path, "control character in a string")
            default: out.append(byte)
            }
        }
        throw error(path, "string without end")
    }

    private mutating func escape(path: String) throws(DocumentError) -> Unicode.Scalar {
        guard let byte = next else { throw error(path, "string without end") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try unicodeEscape(path: path)
        default: throw error(path, "unknown escape")
        }
    }

    private mutating func unicodeEscape(path: String) throws(DocumentError) -> Unicode.Scalar {
        let high = try hexUnit(path: path)
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard (0xD800..<0xDC00).contains(high), take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw error(path, "lone surrogate")
        }
        let low = try hexUnit(path: path)
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        else { throw error(path, "lone surrogate") }
        return scalar
    }

    private mutating func hexUnit(path: String) throws(DocumentError) -> UInt32 {
        guard bytes.count - position >= 4,
            let pair = [UInt8](hex: String(decoding: bytes[position..<position + 4], as: UTF8.self))
        else { throw error(path, "expected four hex digits") }
        position += 4
        return UInt32(pair[0]) << 8 | UInt32(pair[1])
    }
}
