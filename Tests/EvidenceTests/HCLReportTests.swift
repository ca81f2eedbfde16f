import Bytes
import Documents
import Evidence
import Hashing
import Signing
import TestSupport
import Testing

/// A TPMS_ATTEST of type quote written field by field.
struct TPMQuoteBytes {
    var magic: [UInt8] = [0xFF, 0x54, 0x43, 0x47]
    var type: [UInt8] = [0x80, 0x18]
    var signer = [UInt8](repeating: 0x51, count: 34)
    var extraData = Array("nonce".utf8)
    var safe: UInt8 = 1
    /// TPM_ALG_ID and bit map of each bank.
    var banks: [(algorithm: UInt8, map: [UInt8])] = [(0x0B, [0x05, 0x80, 0x00])]
    var digest = [UInt8](repeating: 0xD1, count: 32)

    private static func sized(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes
    }

    var bytes: [UInt8] {
        magic + type + Self.sized(signer) + Self.sized(extraData) + [0, 0, 0, 0, 0, 0, 0x12, 0x34]
            + [0, 0, 0, 2, 0, 0, 0, 3] + [safe] + [0x20, 0x20, 3, 0x12, 0, 0x12, 0, 3]
            + [0, 0, 0, UInt8(banks.count)]
            + banks.flatMap { [0, $0.algorithm, UInt8($0.map.count)] + $0.map } + Self.sized(digest)
    }

    /// A TPMT_SIGNATURE.
    static func signature(_ scheme: UInt8, _ hash: UInt8, _ parts: [UInt8]...) -> [UInt8] {
        [0, scheme, 0, hash] + parts.flatMap { sized($0) }
    }
}

@Suite("TPM quote")
struct TPMQuoteTests {
    private func quote(_ change: (inout TPMQuoteBytes) -> Void = { _ in }) throws -> TPMQuote {
        var bytes = TPMQuoteBytes()
        change(&bytes)
        return try TPMQuote(bytes.bytes, source: "quote")
    }

    private let registers = (0..<24).map { [UInt8](repeating: UInt8($0), count: 32) }

    @Test("every field is where the library's specification puts it")
    func fields() throws {
        let quote = try quote()
        #expect(quote.qualifiedSigner.count == 34 && quote.extraData == Array("nonce".utf8))
        #expect(quote.clock == 0x1234 && quote.resetCount == 2 && quote.restartCount == 3 && quote.isClockSafe)
        #expect(quote.firmwareVersion == 0x2020_0312_0012_0003)
        #expect(quote.selections.map(\.registers) == [[0, 2, 15]] && quote.selections.first?.hash == .sha256)
        #expect(quote.pcrDigest.first == 0xD1)
    }

    @Test("other values and sizes are refused, with field")
    func refused() throws {
        func refused(_ field: String, _ change: (inout TPMQuoteBytes) -> Void) {
            let error = #expect(throws: FormatError.self) { try quote(change) }
            #expect(error?.field.contains(field) == true, "\(error.map { "\($0)" } ?? field)")
        }
        refused("magic") { $0.magic[0] = 0 }
        refused("type") { $0.type = [0x80, 0x17] }
        refused("safe") { $0.safe = 2 }
        refused("pcrSelect.sizeofSelect") { $0.banks[0].map = [1, 2, 3, 4, 5] }
        refused("pcrSelect.count") { $0.banks = Array(repeating: $0.banks[0], count: 17) }
        let good = TPMQuoteBytes().bytes
        #expect(throws: FormatError.self) { try TPMQuote(good + [0], source: "quote") }
        for count in good.indices {
            #expect(throws: FormatError.self) { try TPMQuote(Array(good.prefix(count)), source: "quote") }
        }
    }

    @Test("a quote is as good as its key: signed by it, over these PCRs and no others")
    func verified() throws {
        let key = try PrivateKey.generate(.p256)
        let message = registers[0] + registers[2] + registers[15]
        var attest = TPMQuoteBytes()
        attest.digest = Digest.of(message, .sha256).bytes
        let bytes = attest.bytes
        let raw = try key.signRaw(bytes)
        let signature = try TPMSignature(
            TPMQuoteBytes.signature(0x18, 0x0B, Array(raw.prefix(32)), Array(raw.suffix(32))), source: "signature")
        let certificateKey = try CertificateKey(key.publicKey.encoding, source: "key")
        var verifier = TPMQuoteVerifier(signature: signature, key: .trusted(certificateKey))
        let quote = try TPMQuote(bytes, source: "quote")
        #expect(verifier.verify(quote).isAccepted)
        verifier.registers = registers
        #expect(verifier.verify(quote).failures == ["pcr-digest"], "PCRs that nobody quoted were given")
        verifier.registers = Array(registers.prefix(3))
        #expect(verifier.verify(quote).failures == ["pcr-digest"])
        var changed = bytes
        changed[50] ^= 1
        #expect(verifier.verify(try TPMQuote(changed, source: "quote")).failures.contains("tpm-signature"))
        let other = try CertificateKey(PrivateKey.generate(.p256).publicKey.encoding, source: "key")
        verifier = TPMQuoteVerifier(signature: signature, key: .trusted(other))
        #expect(!verifier.verify(quote).isAccepted)
        verifier.key = .trusted(nil)
        #expect(!verifier.verify(quote).isAccepted)
    }

    @Test("a certified key needs a root that was given")
    func certified() throws {
        let (key, rootKey) = (try PrivateKey.generate(.p256), try PrivateKey.generate(.p384))
        let bytes = TPMQuoteBytes().bytes
        let raw = try key.signRaw(bytes)
        let signature = try TPMSignature(
            TPMQuoteBytes.signature(0x18, 0x0B, Array(raw.prefix(32)), Array(raw.suffix(32))), source: "signature")
        let root = CertificateRecipe(
            subject: "Root", issuer: "Root", key: rootKey.publicKey.encoding, algorithm: TestDER.ecdsaSHA384,
            extensions: TestDER.authority())
        let leaf = CertificateRecipe(
            subject: "AK", issuer: "Root", key: key.publicKey.encoding, algorithm: TestDER.ecdsaSHA384)
        let rootCertificate = try Certificate(der: root.signed(rootKey.sign), source: "root")
        var verifier = TPMQuoteVerifier(
            signature: signature, key: .certified(try Certificate(der: leaf.signed(rootKey.sign), source: "ak")))
        let quote = try TPMQuote(bytes, source: "quote")
        #expect(verifier.verify(quote).failures == ["chain"] && !verifier.verify(quote).isAccepted)
        verifier.certificates = [rootCertificate]
        #expect(verifier.verify(quote).failures == ["root"])
        verifier.roots = [rootCertificate]
        #expect(verifier.verify(quote).isAccepted)
        verifier.time = 2_300_000_000
        #expect(verifier.verify(quote).failures == ["validity"])
    }

    @Test("signatures of other schemes and hashes are refused")
    func signatures() {
        for (scheme, hash) in [(0x14, 0x04), (0x05, 0x0B), (0x1A, 0x0B), (0x14, 0x27)] as [(UInt8, UInt8)] {
            #expect(throws: FormatError.self) {
                try TPMSignature(TPMQuoteBytes.signature(scheme, hash, [1, 2, 3]), source: "signature")
            }
        }
        #expect(throws: FormatError.self) {
            try TPMSignature(TPMQuoteBytes.signature(0x14, 0x0B, [1]) + [0], source: "signature")
        }
    }
}

/// An HCL report written field by field.
struct HCLReportBytes {
    var version: UInt32 = 1
    var requestType: UInt32 = 2
    var reportType: UInt32 = 4
    var hashType: UInt32 = 1
    var claims = "{\"keys\":[]}"
    var sizeError: UInt32 = 0, dataSizeError: UInt32 = 0
    var padding = [UInt8](repeating: 0, count: 100)
    /// The hardware report, given REPORT_DATA.
    var hardware: ([UInt8]) -> [UInt8] = { reportData in
        var report = TDReportBytes()
        report.reportData = reportData
        return report.bytes + [UInt8](repeating: 0, count: 160)
    }

    var reportData: [UInt8] {
        let hash: HashAlgorithm = [.sha256, .sha384, .sha512][Int(min(max(hashType, 1), 3)) - 1]
        let digest = Digest.of(Array(claims.utf8), hash).bytes
        return digest + [UInt8](repeating: 0, count: 64 - digest.count)
    }

    var bytes: [UInt8] {
        var writer = ByteWriter()
        writer.append(Array("HCLA".utf8))
        writer.append(version)
        writer.append(UInt32(32 + 1184 + 20 + claims.utf8.count) + sizeError)
        writer.append(requestType)
        writer.append(repeating: 0, count: 16)
        writer.append(hardware(reportData))
        writer.append(UInt32(20 + claims.utf8.count) + dataSizeError)
        writer.append(UInt32(1))
        writer.append(reportType)
        writer.append(hashType)
        writer.append(UInt32(claims.utf8.count))
        writer.append(Array(claims.utf8) + padding)
        return writer.bytes
    }
}

@Suite("Azure HCL report")
struct HCLReportTests {
    private func report(_ change: (inout HCLReportBytes) -> Void = { _ in }) throws -> HCLReport {
        var bytes = HCLReportBytes()
        change(&bytes)
        return try HCLReport(bytes.bytes, source: "report")
    }

    @Test("hardware report and claims are found, bound by every hash")
    func fields() throws {
        for type in UInt32(1)...3 {
            let report = try report { $0.hashType = type }
            #expect(report.bindsClaims && report.version == 1)
            guard case .tdx(let td) = report.hardware else { throw TestFailure("no TD report") }
            #expect(td.mrtd.bytes.first == 1 && td.hashesMatch)
        }
        let snp = try report {
            $0.reportType = 2
            $0.hardware = { data in
                var report = SNPReportBytes()
                report.reportData = data
                return report.bytes
            }
        }
        #expect(snp.bindsClaims)
        guard case .snp = snp.hardware else { throw TestFailure("no SNP report") }
    }

    @Test("other values and sizes are refused, with field and offset")
    func refused() throws {
        func refused(_ text: String, _ change: (inout HCLReportBytes) -> Void) {
            let error = #expect(throws: FormatError.self) { try report(change) }
            #expect(error?.description.hasPrefix(text) == true, "\(error.map { "\($0)" } ?? text)")
        }
        refused("report+0x4: version: found 3") { $0.version = 3 }
        refused("report+0xc: request type") { $0.requestType = 1 }
        refused("report+0x8: size") { $0.sizeError = 1 }
        refused("report+0x8: size") { $0.dataSizeError = 1 }
        refused("report+0x4c8: claims.reportType: found 1") { $0.reportType = 1 }
        refused("report+0x4cc: claims.hashType: found 4") { $0.hashType = 4 }
        refused("report+0x4d4: claims") { $0.claims = "{" }
        refused("report") { $0.padding[99] = 1 }
        refused("report+0x20: VERSION") { $0.reportType = 2 }
        let good = HCLReportBytes().bytes
        for count in 0..<good.count - 100 {
            #expect(throws: FormatError.self) { try HCLReport(Array(good.prefix(count)), source: "report") }
        }
    }

    @Test("claims that the hardware did not bind are refused")
    func binding() throws {
        let report = try report { $0.hardware = { _ in TDReportBytes().bytes + [UInt8](repeating: 0, count: 160) } }
        #expect(!report.bindsClaims)
        let verdict = HCLVerifier().verify(report)
        #expect(verdict.failures == ["claims-binding", "hardware-report"] && !verdict.isAccepted)
    }

    @Test("the attestation key is HCLAkPub, an RSA key in base64url, once")
    func key() throws {
        func problem(_ keys: String) -> String {
            do throws(FormatError) {
                let report: HCLReport
                do { report = try self.report { $0.claims = "{\"keys\":\(keys)}" } } catch { return "\(error)" }
                _ = try report.attestationKey()
                return "none"
            } catch { return "\(error)" }
        }
        #expect(problem("{}").contains("no list"))
        #expect(problem("[]").contains("found 0"))
        #expect(problem("[{\"kid\":\"HCLAkPub\"},{\"kid\":\"HCLAkPub\"}]").contains("found 2"))
        #expect(problem("[{\"kid\":\"HCLAkPub\",\"kty\":\"EC\"}]").contains("not RSA"))
        #expect(problem("[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"AQAB\",\"e\":\"AQAB\"}]").contains("modulus"))
    }

    @Test(
        "the whole chain: Intel, TD quote, TD report, claims, vTPM key, PCRs",
        .enabled(if: Outside.has("openssl"), "openssl is not installed: no RSA key can be made"))
    func chain() throws {
        let key = try OpenSSLKey(bits: 2048)
        func base64(_ bytes: some Sequence<UInt8>) -> String {
            Base64.encode(Array(bytes)).replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        }
        let modulus = base64(key.publicEncoding.dropLast(5).suffix(256))
        var bytes = HCLReportBytes()
        bytes.claims = "{\"keys\":[{\"kid\":\"HCLAkPub\",\"kty\":\"RSA\",\"n\":\"\(modulus)\",\"e\":\"AQAB\"}]}"
        var platform = try IntelPlatform()
        platform.quote.reportData = bytes.reportData
        let report = try HCLReport(bytes.bytes, source: "report")

        let registers = (0..<24).map { [UInt8](repeating: UInt8($0), count: 32) }
        var attest = TPMQuoteBytes()
        attest.banks = [(0x0B, [0xFF, 0xFF, 0xFF])]
        attest.digest = Digest.of(registers.flatMap { $0 }, .sha384).bytes
        let signature = try TPMSignature(
            TPMQuoteBytes.signature(0x16, 0x0C, key.sign(attest.bytes)), source: "signature")

        var verifier = HCLVerifier()
        verifier.tdx = try platform.verifier()
        verifier.tdQuote = try TDXQuote(platform.quoteBytes(), source: "quote")
        verifier.tpm = (try TPMQuote(attest.bytes, source: "attest"), signature, registers)
        let verdict = verifier.verify(report)
        #expect(verdict.isAccepted, "\(verdict.checks)")

        var other = verifier
        var changed = registers
        changed[4][0] = 0xFF
        other.tpm?.registers = changed
        #expect(other.verify(report).failures == ["pcr-digest"])
        other = verifier
        other.tdQuote = nil
        #expect(other.verify(report).failures == ["hardware-report"] && !other.verify(report).isAccepted)
        platform.quote.registers[0][0] ^= 1
        other.tdQuote = try TDXQuote(platform.quoteBytes(), source: "quote")
        #expect(other.verify(report).failures == ["hardware-report"])
        other = verifier
        other.tpm?.signature = try TPMSignature(
            TPMQuoteBytes.signature(0x16, 0x0C, OpenSSLKey(bits: 2048).sign(attest.bytes)), source: "signature")
        #expect(other.verify(report).failures == ["tpm-signature"])
    }

    @Test("random damage never crashes a reader")
    func garbage() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let (good, quote) = (HCLReportBytes().bytes, TPMQuoteBytes().bytes)
        for _ in 0..<300 {
            var damaged = good
            for _ in 0..<3 {
                damaged[Int.random(in: 0..<damaged.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if let report = try? HCLReport(damaged, source: "garbage") { _ = HCLVerifier().verify(report) }
            var other = quote
            other[Int.random(in: 0..<other.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            _ = try? TPMQuote(other, source: "garbage").facts
            _ = try? TPMSignature(random.bytes(Int.random(in: 0...100, using: &random)), source: "garbage")
        }
    }
}
