private import Bytes
import Documents
private import Hashing
import Trace

/// Walks two traces side by side and gathers what differs, in the order of hashing.
///
/// In a chain every digest after the first difference differs too, so that from there on only what the trace holds beside
/// the digest is compared: addresses, kinds, literal bytes.
struct TraceComparison {
    private(set) var differences: [LaunchDifference] = []
    /// Differences beyond these are not gathered.
    private static let most = 256
    /// Details that say where something was found and enter no digest.
    private static let remarks: Set = ["headerOffset", "fileGPA", "verifier", "directives", "vcpus"]

    private mutating func add(_ difference: LaunchDifference) {
        if differences.count < Self.most { differences.append(difference) }
    }

    /// Compares two nodes that stand for the same thing.
    mutating func compare(_ a: TraceNode, _ b: TraceNode, in parent: TraceNode? = nil) {
        if let digest = a.digest, digest == b.digest { return }
        let before = differences.count
        if a.isSaveArea, b.isSaveArea {
            compareSaveAreas(a, b)
        } else if a.detail("pageType") != b.detail("pageType") {
            add(Self.pageType(a, b))
        } else {
            if parent == nil { compareRules(a, b) }
            compareChildren(a, b)
            if differences.count == before { compareOwn(a, b, in: parent) }
        }
        // The digest differs for no reason that the nodes give: the bytes behind it do.
        guard differences.count == before, a.digest != nil else { return }
        if a.operation != .chain || before == 0 { add(Self.bytes(a, b, in: parent)) }
    }

    /// Rules that hold for a whole launch stand at its root.
    private mutating func compareRules(_ a: TraceNode, _ b: TraceNode) {
        for (name, first, second) in Self.details(a, b) {
            let rules = [
                "zeroPages": "igvm.zero_pages", "placement": "igvm.placement", "parameters": "igvm.parameters",
            ]
            add(LaunchDifference(a, .profileRule, name, first, second, rule: rules[name]))
        }
    }

    /// Members of the node itself.
    private mutating func compareOwn(_ a: TraceNode, _ b: TraceNode, in parent: TraceNode?) {
        if a.gpa != b.gpa {
            let values = (a.gpa.map { hexadecimal($0) }, b.gpa.map { hexadecimal($0) })
            add(LaunchDifference(a, a.kind(in: parent), "\(a.name): address", values.0, values.1))
        }
        if a.count != b.count {
            add(LaunchDifference(a, a.kind(in: parent), "\(a.name): pages", String(a.count), String(b.count)))
        }
        if let values = Self.sources(a.source, b.source) {
            add(LaunchDifference(a, a.kind(in: parent), a.cause, values.0, values.1))
        }
        for (name, first, second) in Self.details(a, b) {
            // The order in which pages are added and extended is the loader's.
            let rule = name == "order" ? "tdx.pageOrder" : nil
            let kind = rule == nil ? a.kind(in: parent) : .profileRule
            add(LaunchDifference(a, kind, "\(a.name): \(name)", first, second, rule: rule))
        }
    }

    /// Details that enter a digest and are not equal.
    private static func details(_ a: TraceNode, _ b: TraceNode) -> [(String, String?, String?)] {
        var names: [String] = []
        for (name, _) in a.details + b.details where !remarks.contains(name) && !names.contains(name) {
            names.append(name)
        }
        return names.map { ($0, a.detail($0), b.detail($0)) }.filter { $0.1 != $0.2 }
    }

    /// How two sources differ, nil if they read the same: a file's name is not hashed.
    private static func sources(_ a: TraceNode.Source?, _ b: TraceNode.Source?) -> (String?, String?)? {
        switch (a, b) {
        case (.literal(let first), .literal(let second)):
            first == second ? nil : (text(first), text(second))
        case (.range(let first, let start, let count), .range(let second, let otherStart, let otherCount)):
            (start, count) == (otherStart, otherCount)
                ? nil : (range(first, start, count), range(second, otherStart, otherCount))
        case (.zeros(let first), .zeros(let second)) where first == second: nil
        case (nil, nil): nil
        default: (a.map(describe), b.map(describe))
        }
    }

    private static func describe(_ source: TraceNode.Source) -> String {
        switch source {
        case .literal(let bytes): text(bytes)
        case .range(let artifact, let offset, let count): range(artifact, offset, count)
        case .zeros(let count): "\(count) zero bytes"
        }
    }

    private static func range(_ artifact: String, _ offset: Int, _ count: Int) -> String {
        "\(count) bytes of \(artifact)" + (offset == 0 ? "" : " at \(hexadecimal(offset))")
    }

    /// Bytes as the text that they are, or in hex.
    private static func text(_ bytes: [UInt8]) -> String {
        guard bytes.allSatisfy({ (0x20..<0x7F).contains($0) }) else { return bytes.hex }
        return "'\(String(decoding: bytes, as: UTF8.self))'"
    }
}

extension TraceComparison {
    /// Pairs children: in a chain by identifier, in a register by the digest that extends it.
    private mutating func compareChildren(_ a: TraceNode, _ b: TraceNode) {
        let byDigest = a.operation == .extend
        func key(_ node: TraceNode) -> String { byDigest ? node.digest?.hex ?? node.id : node.id }
        var left = Counted(a.children.map(key))
        var right = Counted(b.children.map(key))
        while let x = left.next, let y = right.next {
            let (first, second) = (a.children[left.position], b.children[right.position])
            switch (x == y, left.hasLater(y), right.hasLater(x)) {
            case (true, _, _):
                compare(first, second, in: a)
                left.step()
                right.step()
            case (_, true, false):
                add(Self.only(first, in: a, isFirst: true))
                left.step()
            case (_, false, true):
                add(Self.only(second, in: b, isFirst: false))
                right.step()
            case (_, true, true):
                add(Self.order(first, second))
                return comparePairs(a.children[left.position...], b.children[right.position...], key, in: a)
            case (_, false, false):
                if first.name == second.name {
                    compare(first, second, in: a)
                } else {
                    add(LaunchDifference(first, first.kind(in: a), first.cause, first.name, second.name))
                }
                left.step()
                right.step()
            }
        }
        for node in a.children[left.position...] { add(Self.only(node, in: a, isFirst: true)) }
        for node in b.children[right.position...] { add(Self.only(node, in: b, isFirst: false)) }
    }

    /// Compares the rest of two lists that stand in different orders.
    private mutating func comparePairs(
        _ a: ArraySlice<TraceNode>, _ b: ArraySlice<TraceNode>, _ key: (TraceNode) -> String, in parent: TraceNode
    ) {
        let others = Dictionary(b.map { (key($0), $0) }, uniquingKeysWith: { first, _ in first })
        for node in a {
            guard let other = others[key(node)] else {
                add(Self.only(node, in: parent, isFirst: true))
                continue
            }
            compare(node, other, in: parent)
        }
        let known = Set(a.map(key))
        for node in b where !known.contains(key(node)) { add(Self.only(node, in: parent, isFirst: false)) }
    }

    private mutating func compareSaveAreas(_ a: TraceNode, _ b: TraceNode) {
        if a.gpa != b.gpa {
            let values = (a.gpa.map { hexadecimal($0) }, b.gpa.map { hexadecimal($0) })
            add(LaunchDifference(a, .profileRule, "address of VMSA pages", values.0, values.1, rule: "vmsa.gpa"))
        }
        let isBoot = a.id == "vmsa-boot"
        if let first = a.page, let second = b.page {
            for field in SaveAreaField.all where field.value(in: first) != field.value(in: second) {
                let cause = field.name + (field.meaning.map { " (\($0))" } ?? "")
                add(
                    LaunchDifference(
                        a, .saveAreaField, cause, hexadecimal(field.value(in: first)),
                        hexadecimal(field.value(in: second)), rule: isBoot ? field.rules?.boot : field.rules?.others))
            }
            addUnnamed(a, first, second)
        } else {
            compareOwn(a, b, in: nil)
        }
        if a.count != b.count { add(Self.vcpus(a, a.count + 1, b.count + 1)) }
    }

    /// The first byte that differs and that no field covers.
    private mutating func addUnnamed(_ node: TraceNode, _ first: [UInt8], _ second: [UInt8]) {
        var rest = Set(first.indices.filter { first[$0] != second[$0] })
        for field in SaveAreaField.all { rest.subtract(field.offset..<field.offset + field.size) }
        guard let offset = rest.min() else { return }
        add(
            LaunchDifference(
                node, .saveAreaField, "byte \(hexadecimal(offset))", hexadecimal(first[offset]),
                hexadecimal(second[offset])))
    }
}

/// A list that is walked, and what of it is still to come.
private struct Counted {
    private let keys: [String]
    private var later: [String: Int]
    private(set) var position = 0

    init(_ keys: [String]) {
        self.keys = keys
        later = Dictionary(keys.map { ($0, 1) }, uniquingKeysWith: +)
    }

    var next: String? { position < keys.count ? keys[position] : nil }

    func hasLater(_ key: String) -> Bool { later[key, default: 0] > 0 }

    mutating func step() {
        later[keys[position], default: 1] -= 1
        position += 1
    }
}
