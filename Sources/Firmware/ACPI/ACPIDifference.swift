private import Bytes

/// Names what differs between the tables of two machines.
public enum ACPIDifference {
    /// At most this many lines.
    private static let limit = 64

    /// One line for each table, named object or window that differs; empty if all tables are equal.
    ///
    /// An object is named once, not with all that it holds; a container is not named for what changed inside it.
    public static func describe(pinned: ACPITables, found: ACPITables) -> [String] {
        var lines: [String] = []
        let names = pinned.tables.map(\.signature)
        for name in names where !found.tables.contains(where: { $0.signature == name }) {
            lines.append("\(name): pinned, not found")
        }
        for table in found.tables {
            guard names.contains(table.signature) else {
                lines.append("\(table.signature): found, not pinned")
                continue
            }
            guard let old = pinned[table.signature], old != table else { continue }
            lines += objects(old, table) ?? [bytes(old, table)]
        }
        guard lines.count > limit else { return lines }
        return lines.prefix(limit) + ["and \(lines.count - limit) more"]
    }

    /// The first byte that differs, and the lengths.
    private static func bytes(_ old: ACPITable, _ new: ACPITable) -> String {
        // The length field stands at 4 and differs whenever the lengths do.
        let start = old.bytes.count == new.bytes.count ? 0 : 8
        let place = zip(old.bytes, new.bytes).enumerated().dropFirst(start).first { $0.element.0 != $0.element.1 }
        var text = old.signature
        if let place {
            text +=
                "+\(hexadecimal(place.offset)): pinned \(hexadecimal(place.element.0)), "
                + "found \(hexadecimal(place.element.1))"
        }
        return old.bytes.count == new.bytes.count
            ? text : text + (place == nil ? ": " : "; ") + "pinned \(old.bytes.count) bytes, found \(new.bytes.count)"
    }

    /// Objects of a DSDT or SSDT; nil for other tables, unreadable ones, and changes outside of all named objects.
    private static func objects(_ old: ACPITable, _ new: ACPITable) -> [String]? {
        guard ["DSDT", "SSDT"].contains(old.signature), let pinned = try? AMLTable(old), let found = try? AMLTable(new)
        else { return nil }
        let before = Listing(pinned)
        let after = Listing(found)
        var lines = before.missing(in: after).map { "\(old.signature) \($0): pinned, not found" }
        lines += after.missing(in: before).map { "\(old.signature) \($0): found, not pinned" }
        for path in before.order {
            guard let first = before.objects[path], let second = after.objects[path] else { continue }
            guard pinned.table.bytes[first.range] != found.table.bytes[second.range] else { continue }
            if first.children.contains(where: { $0.kind.defines }) { continue }
            lines.append("\(old.signature) \(path): \(change(pinned, first, found, second))")
        }
        return lines.isEmpty ? nil : lines
    }

    private static func change(
        _ pinned: AMLTable, _ first: AMLObject, _ found: AMLTable, _ second: AMLObject
    ) -> String {
        if let old = (try? pinned.resources(of: first)) ?? nil, let new = (try? found.resources(of: second)) ?? nil,
            old.map(\.text) != new.map(\.text)
        {
            let gone = old.map(\.text).filter { !new.map(\.text).contains($0) }
            let come = new.map(\.text).filter { !old.map(\.text).contains($0) }
            return "pinned \(gone.joined(separator: ", ")), found \(come.joined(separator: ", "))"
        }
        if let old = first.value, let new = second.value, old != new, case .integer(let one) = old,
            case .integer(let other) = new
        {
            return "pinned \(hexadecimal(one)), found \(hexadecimal(other))"
        }
        return "another \(first.kind.rawValue) (pinned \(first.range.count) bytes, found \(second.range.count))"
    }

    /// Objects by path, each path once, in order.
    private struct Listing {
        var order: [String] = []
        var objects: [String: AMLObject] = [:]

        init(_ table: AMLTable) {
            for object in table.all where object.kind.defines && objects[object.path] == nil {
                order.append(object.path)
                objects[object.path] = object
            }
        }

        /// Paths that `other` does not have, without those inside one that it does not have either.
        func missing(in other: Listing) -> [String] {
            order.filter { path in
                guard other.objects[path] == nil else { return false }
                guard let dot = path.lastIndex(of: "."), let parent = objects[String(path[..<dot])] else { return true }
                return other.objects[parent.path] != nil
            }
        }
    }
}

extension AMLResource {
    /// `memory 0x80000000 to 0xdfffffff`.
    public var text: String {
        switch kind {
        case .interrupt, .dma: "\(kind.rawValue) mask \(hexadecimal(minimum))"
        case .other: "other descriptor"
        default:
            "\(kind.rawValue) \(hexadecimal(minimum)) to \(hexadecimal(length == 0 ? maximum : minimum &+ length &- 1))"
        }
    }
}
