import Documents
public import Hashing

/// What a profile for a virtual TPM says beside the common part.
public struct VTPMSection: Hashable, Sendable {
    /// Banks of the TPM, in the order of the log's header.
    public var banks: [HashAlgorithm]
    /// PCRs that values are given for.
    public var registers: [UInt32]
    public var stub: StubRules
    public var events: EventRules

    init(_ decoder: inout ObjectDecoder, rules: inout RuleDecoder) throws(DocumentError) {
        banks = []
        for name in try decoder.strings("banks") {
            guard let bank = HashAlgorithm.registers.first(where: { $0.rawValue == name }), !banks.contains(bank) else {
                throw decoder.error(
                    "banks", "found '\(name)', expected each of sha1, sha256, sha384, sha512 at most once")
            }
            banks.append(bank)
        }
        registers = []
        for (node, path) in try decoder.list("registers") {
            registers.append(UInt32(try ObjectDecoder.integer(node, path: path, in: 0...15)))
        }
        guard !banks.isEmpty, !registers.isEmpty, registers == Set(registers).sorted() else {
            throw decoder.error("registers", "expected PCR numbers in rising order, and one bank or more")
        }
        let list = try rules.take("stub.sections")
        let sections = list.value.split(separator: " ").map { String($0) }
        guard !sections.isEmpty, sections.allSatisfy({ StubRules.known.contains($0) }) else {
            throw rules.error(list, "found '\(list.value)', expected section names among \(StubRules.known)")
        }
        stub = StubRules(
            sections: sections, innerImage: try rules.choice("stub.innerImage"),
            initrd: try rules.choice("stub.initrd"))
        events = try EventRules(&decoder, rules: &rules)
    }

    var document: Value {
        .object(
            [
                ("banks", .array(of: banks.map { .string($0.rawValue) })),
                ("registers", .array(of: registers.map { .count(Int($0)) })),
            ] + events.members)
    }
}
