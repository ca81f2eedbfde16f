private import Bytes
import Documents

/// What a profile for Intel TDX says beside the common part.
public struct TDXSection: Hashable, Sendable {
    /// A processor that the TD may run on: edk2 measures CPUID leaf 1 in the SMBIOS processor structure.
    public struct Processor: Hashable, Sendable {
        /// The axis' value, e.g. `SapphireRapids`.
        public var name: String
        /// EAX and EDX of CPUID leaf 1 as the guest sees them.
        public var signature, features: UInt32
    }

    /// Where the separator after the boot option's call goes.
    public enum Separator: String, Sendable, CaseIterable {
        case rtmr0 = "RTMR0"
        case rtmr1 = "RTMR1"
    }

    public var pageOrder: MRTD.PageOrder
    /// RAM of the machine in bytes.
    public var memory: UInt64
    /// Machine property `max-ram-below-4g` in bytes; nil where the machine is started without it.
    public var maximumBelow4G: UInt64?
    public var processors: [Processor]
    public var separator: Separator
    /// Whether the firmware measures fw_cfg items.
    public var firmwareConfiguration: EventRules.Presence
    public var initrdWord: EventRules.InitrdWord
    public var events: EventRules

    init(_ decoder: inout ObjectDecoder, rules: inout RuleDecoder) throws(DocumentError) {
        memory = try decoder.byteCount("memory")
        maximumBelow4G = try decoder.optionalByteCount("maxRAMBelow4G")
        processors = []
        for (node, path) in try decoder.list("processors") {
            var entry = try ObjectDecoder(node, path: path)
            processors.append(
                Processor(
                    name: try entry.string("name"), signature: try entry.number("signature"),
                    features: try entry.number("features")))
            try entry.finish()
        }
        guard !processors.isEmpty, Set(processors.map(\.name)).count == processors.count else {
            throw decoder.error("processors", "expected one or more, each with a name of its own")
        }
        pageOrder = try rules.choice("tdx.pageOrder")
        separator = try rules.choice("tdx.separator")
        firmwareConfiguration = try rules.choice("tdx.fwcfg")
        initrdWord = try rules.choice("events.initrdWord")
        events = try EventRules(&decoder, rules: &rules)
    }

    var document: Value {
        let list = processors.map { processor in
            Value.object([
                ("name", .string(processor.name)), ("signature", .hex(processor.signature)),
                ("features", .hex(processor.features)),
            ])
        }
        let limit = maximumBelow4G.map { [("maxRAMBelow4G", Value.hex($0))] } ?? []
        return .object([("memory", .hex(memory))] + limit + [("processors", .array(of: list))] + events.members)
    }
}

extension ObjectDecoder {
    /// A size such as `2G` where there is one.
    mutating func optionalByteCount(_ key: String) throws(DocumentError) -> UInt64? {
        guard let text = try optionalString(key) else { return nil }
        guard let value = parseByteCount(text), value > 0 else {
            throw error(key, "found '\(text)', expected a size such as 2G")
        }
        return UInt64(value)
    }

    /// A size such as `2G`.
    mutating func byteCount(_ key: String) throws(DocumentError) -> UInt64 {
        let text = try string(key)
        guard let value = parseByteCount(text), value > 0 else {
            throw error(key, "found '\(text)', expected a size such as 2G")
        }
        return UInt64(value)
    }
}
