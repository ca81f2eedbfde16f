public import Bytes
public import Signing

/// The certificates that a host hands out with an extended report (GHCB specification, SNP Extended Guest Request).
///
/// Entries of 24 bytes {GUID, u32 offset, u32 length}, offsets from the table's start, closed by an entry of zeros; the
/// contents follow. Nothing in it is signed as a whole: each certificate has to prove itself.
public struct SNPCertificateTable: Hashable, Sendable {
    /// Largest table that is read, in bytes, and most entries.
    public static let maximumByteCount = 1 << 20
    public static let maximumEntryCount = 64
    private static let entryByteCount = 24

    /// What an entry holds.
    public enum Kind: String, Sendable, CaseIterable {
        case vcek = "VCEK"
        case vlek = "VLEK"
        case ask = "ASK"
        case ark = "ARK"
        case crl = "CRL"
        case other
    }

    /// One entry.
    public struct Entry: Hashable, Sendable {
        public var identifier: GUID
        /// Where the contents stand, from the table's start.
        public var offset: Int
        public var contents: [UInt8]

        /// What the identifier stands for.
        public var kind: Kind { SNPCertificateTable.kinds[identifier.description] ?? .other }
    }

    private static let kinds: [String: Kind] = [
        "63da758d-e664-4564-adc5-f4b93be8accd": .vcek, "a8074bc2-a25a-483e-aae6-39c045a0b8a1": .vlek,
        "4ab7b379-bbac-4fe4-a02f-05aef327c782": .ask, "c0b406a4-a803-4952-9743-3fb6014cd0ae": .ark,
        "92f81bc3-5811-4d3d-97ff-d19f88dc67ea": .crl,
    ]

    public let entries: [Entry]
    /// Where the table stands.
    public let source: String
    public let base: Int

    /// Whether bytes begin with an entry of a kind that is known.
    public static func begins(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 2 * entryByteCount, let identifier = GUID(stored: bytes.prefix(GUID.byteCount)) else {
            return false
        }
        return kinds[identifier.description] != nil
    }

    /// Reads a whole table. An identifier may stand once, contents lie behind the entries and do not overlap.
    public init(_ bytes: [UInt8], source: String, base: Int = 0) throws(FormatError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: source, offset: base, field: "certificate table", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        self.source = source
        self.base = base
        entries = try bytes.withReader(source: source, base: base) { reader throws(FormatError) in
            try Self.entries(&reader)
        }
    }

    private static func entries(_ reader: inout ByteReader) throws(FormatError) -> [Entry] {
        var found: [Entry] = []
        var ranges: [(record: Int, range: Range<Int>)] = []
        while true {
            let record = reader.position
            guard let identifier = GUID(stored: try reader.bytes(GUID.byteCount, "certificate table GUID")) else {
                throw reader.error("certificate table GUID", found: "", expected: "16 bytes")
            }
            let offset = Int(try reader.read("certificate table offset", as: UInt32.self))
            let length = Int(try reader.read("certificate table length", as: UInt32.self))
            if identifier == GUID(zeros: ()) {
                guard offset == 0, length == 0 else {
                    throw reader.error(
                        "certificate table end", found: "offset \(offset), length \(length)", expected: "zeros",
                        at: record)
                }
                break
            }
            guard found.count < maximumEntryCount else {
                throw reader.error(
                    "certificate table", found: "more than \(maximumEntryCount) entries", expected: "fewer", at: record)
            }
            guard !found.contains(where: { $0.identifier == identifier }) else {
                throw reader.error("certificate table GUID", found: "\(identifier) twice", expected: "once", at: record)
            }
            let window = try reader.window(at: offset, count: length, "certificate table entry \(identifier)")
            found.append(Entry(identifier: identifier, offset: offset, contents: [UInt8](copying: window.unread)))
            ranges.append((record, offset..<offset + length))
        }
        let sorted = ranges.sorted {
            ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        }
        var end = reader.position
        for (record, range) in sorted where !range.isEmpty {
            guard range.lowerBound >= end else {
                throw reader.error(
                    "certificate table offset", found: hexadecimal(range.lowerBound),
                    expected: "\(hexadecimal(end)) or more, so that entries do not overlap", at: record)
            }
            end = range.upperBound
        }
        return found
    }

    /// The certificates of the entries that hold some, in the table's order.
    public func certificates() throws(FormatError) -> [Certificate] {
        var result: [Certificate] = []
        for entry in entries where entry.kind != .other && entry.kind != .crl && !entry.contents.isEmpty {
            result += try Certificate.read(entry.contents, source: "\(source) (\(entry.kind.rawValue))")
        }
        return result
    }

    /// The revocation lists of the entries that hold some.
    public func revocationLists() throws(FormatError) -> [RevocationList] {
        var result: [RevocationList] = []
        for entry in entries where entry.kind == .crl && !entry.contents.isEmpty {
            result.append(try RevocationList(entry.contents, source: "\(source) (CRL)"))
        }
        return result
    }
}

/// A report with the host's certificate table behind it, or a report alone.
public struct SNPExtendedReport: Hashable, Sendable {
    public var report: SNPReport
    public var table: SNPCertificateTable?

    /// Reads 1184 bytes of report and, if anything follows, a certificate table.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        report = try SNPReport(Array(bytes.prefix(SNPReport.byteCount)), source: source)
        guard bytes.count > SNPReport.byteCount else { return }
        table = try SNPCertificateTable(
            Array(bytes.dropFirst(SNPReport.byteCount)), source: source, base: SNPReport.byteCount)
    }
}
