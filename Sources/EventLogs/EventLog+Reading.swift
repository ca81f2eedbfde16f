public import Bytes

extension EventLog {
    /// Most records that a log may have; the largest real ones have some hundreds.
    public static let recordLimit = 65_536

    /// Reads a log from the start of `reader`, which may hold unused space (0xFF or zero bytes) after it.
    ///
    /// Throws for a first record that is not `Spec ID Event03`, for a record that is cut off, for a digest of a hash
    /// that the header does not announce, and for anything but unused space after the last record.
    public init(parsing reader: inout ByteReader, registers: Registers) throws(FormatError) {
        self.registers = registers
        header = try SpecificationIdentifier(parsing: &reader)
        records = []
        while reader.remaining > 0 {
            if try Self.isUnused(&reader) { break }
            guard records.count < Self.recordLimit else {
                throw reader.error(
                    "event log", found: "more than \(Self.recordLimit) records", expected: "a boot's events")
            }
            records.append(try Record(parsing: &reader, algorithms: header.algorithms))
        }
    }

    /// Whether nothing but filler follows: edk2 fills the area with 0xFF, others with zeros. An all-zero record would
    /// be event type EV_PREBOOT_CERT with no digest, which no log has.
    private static func isUnused(_ reader: inout ByteReader) throws(FormatError) -> Bool {
        let start = reader.position
        let head = try reader.bytes(min(12, reader.remaining), "TCG_PCR_EVENT2")
        try reader.seek(to: start, "TCG_PCR_EVENT2")
        let zeros = head.allSatisfy { $0 == 0 }
        guard zeros || head.prefix(4).allSatisfy({ $0 == 0xFF }) else { return false }
        let filler: UInt8 = zeros ? 0 : 0xFF
        let rest = try reader.bytes(reader.remaining, "unused space")
        if let stray = rest.firstIndex(where: { $0 != filler }) {
            throw reader.error(
                "unused space", found: hexadecimal(rest[stray]), expected: hexadecimal(filler), at: start + stray,
                hint: "bytes after the end of the log: it is damaged, or two logs were joined")
        }
        return true
    }
}

extension EventLog.Record {
    /// | size | field |
    /// |---|---|
    /// | 4 | register |
    /// | 4 | event type |
    /// | 4 | number of digests, each: u16 TPM_ALG_ID, digest |
    /// | 4 | size of the event data |
    /// | n | event data |
    init(
        parsing reader: inout ByteReader, algorithms: [EventLog.SpecificationIdentifier.Algorithm]
    ) throws(FormatError) {
        offset = reader.sourceOffset
        register = try reader.read("TCG_PCR_EVENT2.pcrIndex")
        type = EventType(rawValue: try reader.read("TCG_PCR_EVENT2.eventType"))
        let count = try reader.read("TCG_PCR_EVENT2.digests.count", as: UInt32.self)
        guard count <= algorithms.count else {
            throw reader.error(
                "TCG_PCR_EVENT2.digests.count", found: "\(count)", expected: "at most \(algorithms.count)",
                at: reader.position - 4)
        }
        digests = []
        for _ in 0..<count {
            let identifier = try reader.read("TPMT_HA.hashAlg", as: UInt16.self)
            guard let algorithm = algorithms.first(where: { $0.identifier == identifier }) else {
                throw reader.error(
                    "TPMT_HA.hashAlg", found: hexadecimal(identifier),
                    expected: "one of " + algorithms.map { hexadecimal($0.identifier) }.joined(separator: ", "),
                    at: reader.position - 2)
            }
            guard !digests.contains(where: { $0.identifier == identifier }) else {
                throw reader.error(
                    "TPMT_HA.hashAlg", found: "\(hexadecimal(identifier)) twice", expected: "one digest a hash",
                    at: reader.position - 2)
            }
            digests.append(
                .init(identifier: identifier, bytes: try reader.bytes(Int(algorithm.byteCount), "TPMT_HA.digest")))
        }
        let size = try reader.read("TCG_PCR_EVENT2.eventSize", as: UInt32.self)
        data = try reader.bytes(Int(size), "TCG_PCR_EVENT2.event")
    }
}

extension EventLog.SpecificationIdentifier {
    static let signature = Array("Spec ID Event03".utf8) + [0]
    private static let notALog =
        "a log starts with a record Spec ID Event03; assay inspect says what the file is"

    /// | size | field |
    /// |---|---|
    /// | 4 | register |
    /// | 4 | EV_NO_ACTION |
    /// | 20 | zeros in place of a SHA-1 digest |
    /// | 4 | size of what follows |
    /// | 16 | `Spec ID Event03`, NUL |
    /// | 4, 1, 1, 1, 1 | platform class, minor, major version, errata, word size |
    /// | 4 | number of hashes, each: u16 TPM_ALG_ID, u16 size |
    /// | 1 | size of the vendor information, then that |
    init(parsing reader: inout ByteReader) throws(FormatError) {
        register = try reader.read("TCG_PCClientPCREvent.pcrIndex")
        let type = EventType(rawValue: try reader.read("TCG_PCClientPCREvent.eventType"))
        guard type == .noAction else {
            throw reader.error(
                "TCG_PCClientPCREvent.eventType", found: hexadecimal(type.rawValue),
                expected: hexadecimal(EventType.noAction.rawValue), at: reader.position - 4, hint: Self.notALog)
        }
        try reader.expectZeros(20, "TCG_PCClientPCREvent.digest")
        let size = try reader.read("TCG_PCClientPCREvent.eventDataSize", as: UInt32.self)
        var body = try reader.slice(Int(size), "TCG_EfiSpecIdEvent")
        try body.expect("TCG_EfiSpecIdEvent.signature", bytes: Self.signature, hint: Self.notALog)
        platformClass = try body.read("TCG_EfiSpecIdEvent.platformClass")
        versionMinor = try body.read("TCG_EfiSpecIdEvent.specVersionMinor")
        versionMajor = try body.read("TCG_EfiSpecIdEvent.specVersionMajor")
        errata = try body.read("TCG_EfiSpecIdEvent.specErrata")
        wordSize = try body.read("TCG_EfiSpecIdEvent.uintnSize")
        guard versionMajor == 2 else {
            throw body.error(
                "TCG_EfiSpecIdEvent.specVersionMajor", found: "\(versionMajor)", expected: "2", at: 21)
        }
        let count = try body.read("TCG_EfiSpecIdEvent.numberOfAlgorithms", as: UInt32.self)
        guard (1...16).contains(count) else {
            throw body.error("TCG_EfiSpecIdEvent.numberOfAlgorithms", found: "\(count)", expected: "1 to 16", at: 24)
        }
        algorithms = []
        for _ in 0..<count {
            let identifier = try body.read("digestSizes.algorithmId", as: UInt16.self)
            let byteCount = try body.read("digestSizes.digestSize", as: UInt16.self)
            guard (1...64).contains(byteCount), !algorithms.contains(where: { $0.identifier == identifier }) else {
                throw body.error(
                    "digestSizes", found: "\(hexadecimal(identifier)) of \(byteCount) bytes",
                    expected: "every hash once, 1 to 64 bytes", at: body.position - 4)
            }
            algorithms.append(Algorithm(identifier: identifier, byteCount: byteCount))
        }
        let vendor = try body.read("TCG_EfiSpecIdEvent.vendorInfoSize", as: UInt8.self)
        vendorInformation = try body.bytes(Int(vendor), "TCG_EfiSpecIdEvent.vendorInfo")
        try body.finish("TCG_EfiSpecIdEvent")
    }
}
