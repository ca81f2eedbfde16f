private import Bytes
public import Documents
public import Signing

/// Evidence of an Azure confidential VM as attesters for it send it: one JSON object with the HCL report, a quote of the
/// vTPM with its PCRs, and the VCEK certificate or the TD quote. Byte strings are hex in `tpm_quote`, base64url elsewhere.
public struct AzureEvidence: Sendable {
    /// Largest file that is read, in bytes.
    public static let maximumByteCount = 1 << 20

    public let report: HCLReport
    public let tpmQuote: TPMQuote
    public let tpmSignature: TPMSignature
    /// PCR 0 first.
    public let registers: [[UInt8]]
    /// SNP: the chip's certificate.
    public let vcek: Certificate?
    /// TDX: the quote over the report.
    public let tdQuote: TDXQuote?

    /// Reads the object, alone or as member `evidence` of another.
    public init(_ bytes: [UInt8], source: String) throws(DocumentError) {
        let whole = try JSONReader.parse(bytes, source: source, mode: .foreign, limit: Self.maximumByteCount)
        var outer = try ObjectDecoder(whole)
        let inner = try outer.optionalObject("evidence")
        var decoder = try ObjectDecoder(whole)
        if let inner { decoder = inner }
        var quote = try decoder.object("tpm_quote")
        let (message, signature) = (try quote.hex("message"), try quote.hex("signature"))
        var registers: [[UInt8]] = []
        for (node, path) in try quote.list("pcrs") {
            let text = try ObjectDecoder.string(node, path: path)
            guard let value = [UInt8](hex: text) else { throw DocumentError(node.location, path: path, "expected hex") }
            registers.append(value)
        }
        self.registers = registers
        let report = try decoder.base64("hcl_report")
        let certificate = try decoder.optionalBase64("vcek")
        let tdQuote = try decoder.optionalBase64("td_quote")
        do throws(FormatError) {
            self.report = try HCLReport(report, source: "\(source): hcl_report")
            tpmQuote = try TPMQuote(message, source: "\(source): tpm_quote.message")
            tpmSignature = try TPMSignature(signature, source: "\(source): tpm_quote.signature")
            vcek = try certificate.map { bytes throws(FormatError) in
                try Certificate(der: bytes, source: "\(source): vcek")
            }
            self.tdQuote = try tdQuote.map { bytes throws(FormatError) in
                try TDXQuote(bytes, source: "\(source): td_quote")
            }
        } catch {
            throw DocumentError(whole.location, error.description)
        }
    }

    /// Every field by name.
    public var facts: [(String, Value)] {
        var facts: [(String, Value)] = [("hclReport", .object(report.facts)), ("tpmQuote", .object(tpmQuote.facts))]
        let values = registers.enumerated().map { ("pcr\($0.offset)", Value.string($0.element.hex)) }
        facts.append(("pcrs", .object(values)))
        if let vcek { facts.append(("vcek", .string(vcek.name))) }
        if let tdQuote { facts.append(("tdQuote", .object(tdQuote.facts))) }
        return facts
    }
}

extension ObjectDecoder {
    fileprivate mutating func base64(_ key: String) throws(DocumentError) -> [UInt8] {
        guard let bytes = try optionalBase64(key) else { throw error(key, "missing; it is required") }
        return bytes
    }

    fileprivate mutating func optionalBase64(_ key: String) throws(DocumentError) -> [UInt8]? {
        guard let text = try optionalString(key) else { return nil }
        guard let bytes = Base64.decode(unpadded: text) else { throw error(key, "expected base64url") }
        return bytes
    }
}
