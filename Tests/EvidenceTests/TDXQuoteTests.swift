import Bytes
import Documents
import Evidence
import Hashing
import Signing
import TestSupport
import Testing

@Suite("TDX quote")
struct TDXQuoteTests {
    private static let platform = Result { try IntelPlatform() }

    private func bytes(_ change: (inout QuoteBytes) -> Void = { _ in }) throws -> [UInt8] {
        var platform = try Self.platform.get()
        change(&platform.quote)
        return try platform.quoteBytes()
    }

    private func quote(_ change: (inout QuoteBytes) -> Void = { _ in }) throws -> TDXQuote {
        try TDXQuote(bytes(change), source: "quote")
    }

    @Test("every field is where the format puts it, in both versions and bodies")
    func fields() throws {
        for (version, type) in [(4, 2), (5, 2), (5, 3)] as [(UInt16, UInt16)] {
            let quote = try quote { ($0.version, $0.bodyType) = (version, type) }
            #expect(quote.version == version && quote.qeSVN == 8 && quote.pceSVN == 11)
            #expect(quote.bodyType == (version == 4 ? nil : type))
            #expect(quote.qeVendorID == TDXQuote.intelVendorID && quote.userData.first == 0x0D)
            let body = quote.body
            #expect(body.teeTCBSVN.prefix(3) == [5, 1, 7] && body.mrSeam.bytes.first == 0x5E)
            #expect(body.mrSignerSeam.bytes.first == 0 && body.seamAttributes == 0 && body.xfam == 0x602E7)
            #expect(body.attributes.has(.septVEDisable) && !body.attributes.has(.debug))
            #expect(body.mrtd.bytes.first == 1 && body.mrConfigID.first == 2)
            #expect(body.mrOwner.first == 3 && body.mrOwnerConfig.first == 4)
            #expect(body.rtmrs.map(\.bytes.first) == [5, 6, 7, 8])
            #expect(body.reportData == (0..<64).map { UInt8($0) })
            #expect(body.teeTCBSVN2?.first == (type == 3 ? 5 : nil) && (body.mrServiceTD != nil) == (type == 3))
            #expect(quote.certification.report.isvProductID == 2 && quote.certification.report.isvSVN == 4)
            #expect(quote.certification.report.mrSigner.first == 0xDC)
            #expect(quote.certification.authenticationData.count == 32)
            #expect(try quote.certificates().map(\.name).last == "Intel SGX Root CA")
        }
    }

    @Test("what follows the quote is counted and no part of it")
    func trailing() throws {
        let bytes = try bytes { $0.trailing = Array(repeating: 0xA5, count: 70) }
        let quote = try TDXQuote(bytes, source: "quote")
        #expect(quote.trailingByteCount == 70 && quote.byteCount == bytes.count - 70)
        #expect(quote.facts.contains { $0.0 == "trailingBytes" && $0.1 == .integer(70) })
    }

    @Test("values that the format does not name are refused, with field and offset")
    func values() throws {
        func refused(_ text: String, _ change: (inout QuoteBytes) -> Void) throws {
            let bytes = try bytes(change)
            let error = #expect(throws: FormatError.self) { try TDXQuote(bytes, source: "quote") }
            #expect(error?.description.hasPrefix(text) == true, "\(error.map { "\($0)" } ?? text)")
        }
        try refused("quote+0x0: VERSION: found 3, expected 4 or 5") { $0.version = 3 }
        try refused("quote+0x0: VERSION: found 6") { $0.version = 6 }
        try refused("quote+0x2: attestation key type: found 0x3, expected 0x2") { $0.keyType = 3 }
        try refused("quote+0x4: TEE_TYPE: found 0x0, expected 0x81") { $0.teeType = 0 }
        try refused("quote+0x30: body type: found 1") { ($0.version, $0.bodyType) = (5, 1) }
        try refused("quote+0x32: body size: found 0x249") { ($0.version, $0.bodyType, $0.bodySize) = (5, 2, 585) }
        try refused("quote+0x2fc: certification data type: found 5, expected 6") { $0.outerType = 5 }
        try refused("quote+0x4e4: PCK certification data type: found 6") { $0.innerType = 6 }
        try refused("quote+0x27c: signature data: found") { $0.sizeError = 1 }
        try refused("quote") { $0.sizeError = -1 }
        try refused("quote") { $0.outerSizeError = 1 }
        try refused("quote") { $0.outerSizeError = -1 }
        try refused("quote") { $0.innerSizeError = 1 }
        try refused("quote") { $0.innerSizeError = -1 }
    }

    @Test("a quote that is cut anywhere is refused")
    func cut() throws {
        let good = try bytes()
        for count in 0..<good.count where count < 1400 || count % 97 == 0 || count == good.count - 1 {
            #expect(throws: FormatError.self) { try TDXQuote(Array(good.prefix(count)), source: "quote") }
        }
    }

    @Test("every byte is seen: a changed one is refused, or changes a field or the verdict")
    func everyByte() throws {
        let platform = try Self.platform.get()
        let good = try bytes { $0.version = 5 }
        let quote = try TDXQuote(good, source: "quote")
        let verifier = try platform.verifier()
        #expect(verifier.verify(quote).isAccepted)
        // The chain begins at 0x530; a certificate that is damaged there may stand whole among those that were given.
        for offset in 0..<0x530 {
            var bytes = good
            bytes[offset] ^= 0x01
            guard let changed = try? TDXQuote(bytes, source: "quote") else { continue }
            #expect(!verifier.verify(changed).isAccepted, "byte \(offset)")
        }
    }

    @Test("random bytes and random damage never crash a reader")
    func garbage() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let good = try bytes()
        let report = TDReportBytes().bytes
        for _ in 0..<300 {
            _ = try? TDXQuote(random.bytes(Int.random(in: 0...1500, using: &random)), source: "garbage")
            _ = try? TDReport(random.bytes(1024), source: "garbage")
            var damaged = good
            for _ in 0..<4 {
                damaged[Int.random(in: 0..<1300, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if let quote = try? TDXQuote(damaged, source: "garbage") { _ = TDXVerifier().verify(quote).document }
            var other = report
            other[Int.random(in: 0..<other.count, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
            _ = try? TDReport(other, source: "garbage").facts
        }
    }
}

/// A TD report written field by field.
struct TDReportBytes {
    var version: UInt8 = 1
    var reportData = (0..<64).map { UInt8($0) }
    /// From VALID to the reserved bytes.
    var tcbInfo: [UInt8] =
        [0xFF, 1, 3, 0, 0, 0, 0, 0] + [5, 1, 7] + [UInt8](repeating: 0, count: 13)
        + [UInt8](repeating: 0x5E, count: 48) + [UInt8](repeating: 0, count: 48 + 8 + 16 + 95)
    var info: [UInt8] =
        [0, 0, 0, 0x10, 0, 0, 0, 0, 0xE7, 2, 6, 0, 0, 0, 0, 0]
        + (1...8).flatMap { [UInt8](repeating: UInt8($0), count: 48) } + [UInt8](repeating: 0x5D, count: 48)
        + [UInt8](repeating: 0, count: 64)

    var bytes: [UInt8] {
        [0x81, 0, version, 0] + [UInt8](repeating: 0, count: 12) + [UInt8](repeating: 4, count: 16)
            + Digest.of(tcbInfo, .sha384).bytes + Digest.of(info, .sha384).bytes + reportData
            + [UInt8](repeating: 0, count: 32) + [UInt8](repeating: 0xAC, count: 32) + tcbInfo
            + [UInt8](repeating: 0, count: 17) + info
    }
}

@Suite("TD report")
struct TDReportTests {
    @Test("every field is where the module's interface puts it, and the hashes are those of the parts")
    func fields() throws {
        let report = try TDReport(TDReportBytes().bytes, source: "report")
        #expect(report.version == 1 && report.cpuSVN.first == 4 && report.mac.first == 0xAC && report.valid == 0x301FF)
        #expect(report.teeTCBSVN.prefix(3) == [5, 1, 7] && report.mrSeam.bytes.first == 0x5E)
        #expect(report.mrtd.bytes.first == 1 && report.rtmrs.map(\.bytes.first) == [5, 6, 7, 8])
        #expect(report.mrConfigID.first == 2 && report.mrOwner.first == 3 && report.mrOwnerConfig.first == 4)
        #expect(report.serviceTDHash.bytes.first == 0x5D && report.hashesMatch)
        #expect(report.attributes.hex == "0000001000000000" && report.xfam == 0x602E7)
    }

    @Test("every byte is seen: a changed one is refused, breaks a hash, or changes a field")
    func everyByte() throws {
        let good = TDReportBytes().bytes
        let report = try TDReport(good, source: "report")
        for offset in good.indices {
            var bytes = good
            bytes[offset] ^= 0x02
            guard let changed = try? TDReport(bytes, source: "report") else { continue }
            #expect(changed.facts.map(\.1) != report.facts.map(\.1), "byte \(offset)")
        }
    }

    @Test("reserved bytes, other types and other sizes are refused")
    func refused() throws {
        let good = TDReportBytes().bytes
        for (offset, field) in [
            (0, "TYPE"), (1, "SUBTYPE"), (2, "VERSION"), (3, "reserved"), (15, "reserved"),
            (0xC0, "reserved"), (0x1F0, "reserved"), (0x3FF, "reserved"),
        ] {
            var bytes = good
            bytes[offset] ^= 0x40
            let error = #expect(throws: FormatError.self) { try TDReport(bytes, source: "report") }
            #expect(error?.field.contains(field) == true && error?.offset == offset, "\(offset)")
        }
        #expect(throws: FormatError.self) { try TDReport(good + [0], source: "report") }
        #expect(throws: FormatError.self) { try TDReport(Array(good.dropLast()), source: "report") }
    }
}
