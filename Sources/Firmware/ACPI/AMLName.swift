import Bytes

/// A name as AML writes it: from the root, up some levels, or from here (ACPI 6.5, section 20.2.2).
struct AMLName {
    var fromRoot = false
    var parents = 0
    var segments: [String] = []

    /// Whether a byte can start a name that is no null name.
    static func starts(with byte: UInt8) -> Bool {
        byte == 0x5C || byte == 0x5E || byte == 0x2E || byte == 0x2F || isLead(byte)
    }

    private static func isLead(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte) || byte == 0x5F }

    init(parsing reader: inout ByteReader) throws(FormatError) {
        var lead = try reader.next("name")
        if lead == 0x5C {
            fromRoot = true
            try reader.skip(1, "name")
        } else {
            while lead == 0x5E {
                try reader.skip(1, "name")
                parents += 1
                lead = try reader.next("name")
            }
        }
        let count: Int
        switch try reader.next("name") {
        case 0x00:
            try reader.skip(1, "name")
            return
        case 0x2E:
            try reader.skip(1, "name")
            count = 2
        case 0x2F:
            try reader.skip(1, "name")
            count = Int(try reader.read("number of segments", as: UInt8.self))
        default: count = 1
        }
        for _ in 0..<count { segments.append(try Self.segment(&reader)) }
    }

    /// One segment: four capital letters, digits or `_`, no digit first.
    static func segment(_ reader: inout ByteReader) throws(FormatError) -> String {
        let start = reader.position
        let bytes = try reader.bytes(4, "name")
        guard isLead(bytes[0]), bytes.allSatisfy({ isLead($0) || (0x30...0x39).contains($0) }) else {
            throw reader.error("name", found: bytes.hex, expected: "four capital letters, digits or _", at: start)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The path of an object that is made under this name inside `scope`; nil if it leads above the root.
    func path(in scope: [String]) -> [String]? {
        if fromRoot { return segments }
        guard parents <= scope.count else { return nil }
        return scope.dropLast(parents) + segments
    }

    /// Paths to look at, nearest first, when the name is used inside `scope`: a lone segment is looked for upwards.
    func candidates(in scope: [String]) -> [[String]] {
        guard !fromRoot, parents == 0, segments.count == 1 else { return path(in: scope).map { [$0] } ?? [] }
        return (0...scope.count).reversed().map { scope.prefix($0) + segments }
    }

    /// `\_SB.PCI0`: as ACPI source writes it, without the underscores that fill a segment up.
    static func text(_ path: [String]) -> String {
        "\\" + path.map { String($0.trimmedSuffix("_")) }.joined(separator: ".")
    }
}

extension String {
    fileprivate func trimmedSuffix(_ filler: Character) -> Substring {
        var result = self[...]
        while result.count > 1, result.last == filler { result.removeLast() }
        return result
    }
}
