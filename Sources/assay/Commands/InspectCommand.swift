import ArgumentParser
import Bytes
import Documents
import Evidence
import Files

/// `assay inspect`: says what a file is and what is in it.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Say what a file is and what is in it.",
        discussion: """
            Knows: \(recognizers.map(\.kind).joined(separator: ", ")).

            Evidence is verified offline with the certificates that stand in it or are given:

              assay inspect report.bin --chain vcek.der cert_chain.pem
              assay inspect quote.bin --collateral tcb.json identity.json --chain signing.pem --crl root.crl pck.crl
              assay inspect hcl_report.bin --td-quote quote.bin --tpm-quote quote.msg --tpm-signature quote.sig
            """
    )

    @Argument(help: "The file.")
    var file: String
    @Flag(help: "Print the facts as JSON.")
    var json = false
    @OptionGroup(title: "Verifying reports and quotes") var evidence: EvidenceOptions

    /// What `inspect` knows, asked in this order; each format adds a line.
    static let recognizers: [FileRecognizer] = [
        .igvm, .svsm, .ovmf, .unifiedKernel, .peImage, .gptDisk, .fat, .erofs, .squashFS, .cpio, .acpiTables,
        .linkerScript, .eventLog, .snpReport, .snpCertificateTable, .tdxQuote, .tdReport, .hclReport, .azureEvidence,
        .tpmQuote, .certificates, .revocationList, .intelCollateral, .pcrSignatures, .compressedCPIO,
    ]

    func run() throws {
        let source = try InspectedFile(file)
        guard let recognizer = Self.recognizers.first(where: { $0.matches(source) }) else {
            throw CommandFailure(
                "\(file): not a file that is known here",
                hint: "known are: \(Self.recognizers.map(\.kind).joined(separator: ", "))")
        }
        let facts = try [("kind", Value.string(recognizer.kind))] + recognizer.describe(source)
        guard evidence.isAsked else { return show(facts) }
        let verdict = try evidence.verdict(on: source, recognizer)
        show(facts + (json ? [("verdict", verdict.document)] : []))
        if !json { print("\n" + EvidenceVerdictText(verdict: verdict).text, terminator: "") }
        if !verdict.isAccepted { throw ExitCode(Outcome.no.rawValue) }
    }

    private func show(_ facts: [(String, Value)]) {
        print(json ? ReadableJSON.encode(.object(facts)) : FactsText.render(facts), terminator: "")
    }
}

/// A file as recognizers see it: its first and last bytes without reading the rest.
struct InspectedFile {
    let file: InputFile
    /// At most 64 KiB from the start.
    let head: [UInt8]
    /// At most 4 KiB from the end.
    let tail: [UInt8]

    init(_ path: String) throws {
        file = try InputFile(path)
        head = try file.read(at: 0, count: min(file.size, 1 << 16))
        let count = min(file.size, 1 << 12)
        tail = try file.read(at: file.size - count, count: count)
    }

    /// The last part of the path.
    var name: String { file.path.split(separator: "/").last.map(String.init) ?? file.path }
    /// Whether `text` stands at `offset`.
    func begins(with text: String, at offset: Int = 0) -> Bool {
        head.dropFirst(offset).starts(with: Array(text.utf8))
    }

    /// The whole contents, of files that are known to be small.
    func contents(limit: Int) throws -> [UInt8] { try InputFile.contents(of: file.path, limit: limit) }
}

/// One kind of file: how it is told and what is said about it, in order.
struct FileRecognizer: Sendable {
    var kind: String
    var matches: @Sendable (InspectedFile) -> Bool
    var describe: @Sendable (InspectedFile) throws -> [(String, Value)]
}

/// Facts as indented text for people; what came from the file is made safe for a terminal.
enum FactsText {
    static func render(_ facts: [(String, Value)]) -> String {
        facts.map { line($0.0, $0.1, indent: 0) }.joined()
    }

    private static func line(_ key: String, _ value: Value, indent: Int) -> String {
        let space = String(repeating: " ", count: indent)
        switch value {
        case .object(let members):
            let inner = members.map { line($0.key, $0.node.value, indent: indent + 2) }.joined()
            return "\(space)\(key):\n\(inner)"
        case .array(let nodes) where nodes.isEmpty: return "\(space)\(key): none\n"
        case .array(let nodes):
            return "\(space)\(key):\n" + nodes.map { "\(space)  - \(flat($0.value))\n" }.joined()
        default: return "\(space)\(key): \(flat(value))\n"
        }
    }

    /// A value on one line.
    private static func flat(_ value: Value) -> String {
        switch value {
        case .null: "-"
        case .bool(let flag): flag ? "yes" : "no"
        case .integer(let number): String(number)
        case .string(let text), .plain(let text), .number(let text):
            // A line end inside would let a file write lines of its own.
            Console.escape(text).replacing("\n", with: "\\u{a}")
        case .array(let nodes): nodes.map { flat($0.value) }.joined(separator: ", ")
        case .object(let members): members.map { "\($0.key) \(flat($0.node.value))" }.joined(separator: ", ")
        }
    }
}
