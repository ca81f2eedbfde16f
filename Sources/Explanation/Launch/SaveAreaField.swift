private import Bytes
import Documents
import Trace

/// A field of a vCPU's save area (AMD64 APM volume 2, table B-4) and what decides its value.
struct SaveAreaField {
    var name: String
    var offset, size: Int
    /// The key or rule of a profile behind it on the boot processor and on every other one.
    var rules: (boot: String, others: String)?
    /// What the value stands for, where the name does not say it.
    var meaning: String?

    private init(_ name: String, _ offset: Int, _ size: Int, _ rule: String? = nil, _ meaning: String? = nil) {
        self.name = name
        self.offset = offset
        self.size = size
        rules = rule.map { ($0, $0) }
        self.meaning = meaning
    }

    private static let start = "where the processor starts: the firmware's SEV-ES reset address, or the reset vector"

    /// In the order of offsets.
    static let all: [SaveAreaField] =
        segments + [
            SaveAreaField("EFER", 0x0D0, 8), SaveAreaField("CR4", 0x148, 8), SaveAreaField("CR3", 0x150, 8),
            SaveAreaField("CR0", 0x158, 8), SaveAreaField("DR7", 0x160, 8), SaveAreaField("DR6", 0x168, 8),
            SaveAreaField("RFLAGS", 0x170, 8), SaveAreaField("RIP", 0x178, 8, nil, start),
            SaveAreaField("RSP", 0x1D8, 8), SaveAreaField("RAX", 0x1F8, 8),
            SaveAreaField("G_PAT", 0x268, 8, "vmsa.g_pat"), SaveAreaField("RCX", 0x308, 8),
            SaveAreaField("RDX", 0x310, 8, "snp.models or vmsa.rdx", "the CPU model's signature"),
            SaveAreaField("RBX", 0x318, 8), SaveAreaField("RBP", 0x328, 8), SaveAreaField("RSI", 0x330, 8),
            SaveAreaField("RDI", 0x338, 8), SaveAreaField("SEV_FEATURES", 0x3B0, 8, "snp.features"),
            SaveAreaField("XCR0", 0x3E8, 8), SaveAreaField("MXCSR", 0x408, 4, "vmsa.mxcsr"),
            SaveAreaField("X87_FCW", 0x410, 2, "vmsa.x87_fcw"),
        ]

    private static let segments = [
        "ES", "CS", "SS", "DS", "FS", "GS", "GDTR", "LDTR", "IDTR", "TR",
    ].enumerated().flatMap { index, name -> [SaveAreaField] in
        var attributes = SaveAreaField("\(name) attributes", index * 16 + 2, 2)
        switch name {
        case "CS": attributes.rules = ("vmsa.cs.bsp", "vmsa.cs.ap")
        case "SS": attributes.rules = ("vmsa.ss", "vmsa.ss")
        case "TR": attributes.rules = ("vmsa.tr", "vmsa.tr")
        default: break
        }
        return [
            SaveAreaField("\(name) selector", index * 16, 2), attributes,
            SaveAreaField("\(name) limit", index * 16 + 4, 4),
            SaveAreaField("\(name) base", index * 16 + 8, 8, nil, name == "CS" ? start : nil),
        ]
    }

    /// The field's value in a page, little-endian.
    func value(in page: [UInt8]) -> UInt64 {
        page[offset..<offset + size].reversed().reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension TraceNode {
    /// The page that the runs of bytes in the detail `content` make up; nil if there is none, or they are not inside it.
    var page: [UInt8]? {
        guard case .object(let runs)? = details.first(where: { $0.name == "content" })?.value else { return nil }
        var page = [UInt8](repeating: 0, count: 4096)
        for run in runs {
            guard let offset = parseInteger(run.key), offset < 4096, case .string(let text) = run.node.value,
                let bytes = [UInt8](hex: text), bytes.count <= 4096 - Int(offset)
            else { return nil }
            page.replaceSubrange(Int(offset)..<Int(offset) + bytes.count, with: bytes)
        }
        return page
    }
}
