private import Bytes
import EventLogs
import Firmware
private import Hashing

extension CauseFinder {
    /// SecureBoot, PK, KEK, db, dbx, and what a shim adds; or the entry by which an image was allowed.
    func secureBoot(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        let input = input(of: b)
        guard let first = a.variable, let second = b.variable else {
            return EventCause(input, .unknown, "the event data is no variable")
        }
        guard b.standing == .measured else {
            return EventCause(input, .likely, "the value of \(second.name) is another")
        }
        guard first.name == second.name, first.vendor == second.vendor else {
            return EventCause(input, .certain, "\(second.name) in the place of \(first.name)")
        }
        return EventCause(
            input, .certain, "the value of \(second.name) is another", Self.values(first.name, first.data, second.data))
    }

    /// The lines that tell two values apart.
    private static func values(_ name: String, _ a: [UInt8], _ b: [UInt8]) -> [String] {
        if let first = entries(a), let second = entries(b), !(first.isEmpty && second.isEmpty) {
            let gone = first.filter { !second.contains($0) }
            let come = second.filter { !first.contains($0) }
            if gone.isEmpty, come.isEmpty { return ["the same entries in another order or division into lists"] }
            return limited(
                gone.map { "entry is missing: \(describe($0))" } + come.map { "entry is extra: \(describe($0))" })
        }
        return ["\(short(a)) against \(short(b))"]
    }

    /// The entries of a signature database; empty for an absent variable, nil for a value that is no database.
    private static func entries(_ value: [UInt8]) -> [SignatureDatabase.Entry]? {
        try? value.withReader(
            source: "variable", { reader throws(FormatError) in try SignatureDatabase(parsing: &reader).entries })
    }

    private static func describe(_ entry: SignatureDatabase.Entry) -> String {
        let owner = ", owner \(entry.owner)"
        switch entry.type {
        case SignatureDatabase.x509: return "certificate with SHA-256 \(Digest.of(entry.data, .sha256).hex)\(owner)"
        case SignatureDatabase.sha256: return "image with SHA-256 \(entry.data.hex)\(owner)"
        default: return "\(entry.data.count) bytes of type \(entry.type)\(owner)"
        }
    }

    /// BootOrder and Boot####.
    func bootVariable(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        guard let first = a.variable, let second = b.variable else {
            return EventCause(.bootVariable, .unknown, "the event data is no variable")
        }
        guard b.standing == .measured else {
            return EventCause(.bootVariable, .likely, "the value of \(second.name) is another")
        }
        guard first.name == second.name else {
            return EventCause(
                .bootVariable, .certain, "\(second.name) in the place of \(first.name)",
                ["found \(b.name)", "expected \(a.name)"])
        }
        let statement = "the value of \(second.name) is another"
        if let order = first.bootOrder, let other = second.bootOrder {
            return EventCause(
                .bootVariable, .certain, statement,
                ["\(order.joined(separator: ", ")) against \(other.joined(separator: ", "))"])
        }
        guard let option = first.loadOption, let other = second.loadOption else {
            return EventCause(
                .bootVariable, .certain, statement, ["\(Self.short(first.data)) against \(Self.short(second.data))"])
        }
        return EventCause(.bootVariable, .certain, statement, Self.options(option, other))
    }

    private static func options(_ a: LoadOption, _ b: LoadOption) -> [String] {
        var lines: [String] = []
        func add(_ name: String, _ first: String, _ second: String) {
            if first != second { lines.append("\(name): \(first) against \(second)") }
        }
        add("description", "'\(a.description.printable)'", "'\(b.description.printable)'")
        add("attributes", hexadecimal(a.attributes), hexadecimal(b.attributes))
        add("path", "\(a.path)".printable, "\(b.path)".printable)
        add("optional data", short(a.optionalData), short(b.optionalData))
        return lines
    }

    /// Bytes in hex, or how many there are.
    static func short(_ bytes: [UInt8]) -> String {
        bytes.isEmpty ? "absent" : bytes.count <= 32 ? bytes.hex : "\(bytes.count) bytes"
    }

    /// At most 16 lines.
    static func limited(_ lines: [String]) -> [String] {
        lines.count <= 16 ? lines : lines.prefix(16) + ["and \(lines.count - 16) more"]
    }

    /// The partition table of the disk that was booted.
    func partitionTable(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        let statement = "the disk's partition table is another"
        guard b.standing == .measured, let first = Self.table(a), let second = Self.table(b) else {
            return EventCause(.partitionTable, .certain, statement)
        }
        var lines: [String] = []
        for (field, other) in zip(first.headerFields, second.headerFields) where field.value != other.value {
            lines.append("\(field.name): \(field.value) against \(other.value)")
        }
        let (old, new) = (first.partitions, second.partitions)
        for index in 0..<max(old.count, new.count) {
            let label = "partition \(index + 1)"
            guard index < old.count else {
                lines.append("\(label) is extra: '\(new[index].name)' of type \(new[index].type)")
                continue
            }
            guard index < new.count else {
                lines.append("\(label) is missing: '\(old[index].name)' of type \(old[index].type)")
                continue
            }
            lines += Self.partition(label, old[index], new[index])
        }
        return EventCause(.partitionTable, .certain, statement, Self.limited(lines))
    }

    private static func table(_ event: RegisterEvent) -> GPTEvent? {
        event.data.flatMap { bytes in
            try? bytes.withReader(
                source: "event data", { reader throws(FormatError) in try GPTEvent(parsing: &reader) })
        }
    }

    private static func partition(
        _ label: String, _ a: GPTEvent.Partition, _ b: GPTEvent.Partition
    ) -> [String] {
        var lines: [String] = []
        func add(_ name: String, _ first: String, _ second: String) {
            if first != second { lines.append("\(label) '\(a.name)', \(name): \(first) against \(second)") }
        }
        add("type", a.type, b.type)
        add("GUID", a.identifier, b.identifier)
        add("first block", "\(a.first)", "\(b.first)")
        add("last block", "\(a.last)", "\(b.last)")
        add("attributes", hexadecimal(a.attributes), hexadecimal(b.attributes))
        add("name", "'\(a.name)'", "'\(b.name)'")
        return lines
    }
}
