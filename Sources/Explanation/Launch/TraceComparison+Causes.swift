import Documents
private import Hashing
import Trace

extension TraceComparison {
    /// Bytes that the traces name and do not hold.
    static func bytes(_ a: TraceNode, _ b: TraceNode, in parent: TraceNode?) -> LaunchDifference {
        var names: [String] = []
        for name in a.artifacts + b.artifacts where !names.contains(name) && names.count < 8 { names.append(name) }
        guard !names.isEmpty else {
            return LaunchDifference(
                a, .untold, "the traces hold the same inputs here; the digest follows from others",
                a.digest?.hex, b.digest?.hex)
        }
        let kind = a.kind(in: parent)
        let cause =
            kind == .artifact || kind == .untold
            ? "bytes of \(names.joined(separator: " or "))" : "\(a.cause): bytes of \(names.joined(separator: " or "))"
        return LaunchDifference(a, kind == .untold ? .artifact : kind, cause)
    }

    /// A node that one launch alone has.
    static func only(_ node: TraceNode, in parent: TraceNode, isFirst: Bool) -> LaunchDifference {
        if node.id == "vmsa-others" {
            let count = node.count + 1
            return isFirst ? vcpus(node, count, 1) : vcpus(node, 1, count)
        }
        let there = node.digest.map { "there, \($0.hex)" } ?? "there"
        return LaunchDifference(
            node, node.kind(in: parent), node.cause, isFirst ? there : "missing", isFirst ? "missing" : there)
    }

    static func vcpus(_ node: TraceNode, _ first: Int, _ second: Int) -> LaunchDifference {
        LaunchDifference(node, .vcpuCount, "vCPUs", String(first), String(second), rule: "snp.vcpus")
    }

    /// Two nodes that both launches have, in different order.
    static func order(_ a: TraceNode, _ b: TraceNode) -> LaunchDifference {
        let isCPUID = a.detail("pageType") == "6" || b.detail("pageType") == "6"
        return LaunchDifference(
            a, isCPUID ? .profileRule : a.kind(in: nil), "order: which comes first", a.name, b.name,
            rule: isCPUID ? "pages.cpuid" : nil)
    }

    /// Pages that are measured as another kind (SEV-SNP firmware ABI, PAGE_TYPE).
    static func pageType(_ a: TraceNode, _ b: TraceNode) -> LaunchDifference {
        let names = ["1": "normal", "2": "VMSA", "3": "zero", "4": "unmeasured", "5": "secrets", "6": "CPUID"]
        let types = (a.detail("pageType") ?? "none", b.detail("pageType") ?? "none")
        let values = (names[types.0] ?? types.0, names[types.1] ?? types.1)
        if [a, b].contains(where: { $0.detail("tableOffset") != nil }) {
            return LaunchDifference(
                a, .kernelHashTable, "kernel hashes", a.children.isEmpty ? "off" : "on",
                b.children.isEmpty ? "off" : "on", rule: "snp.kernelHashes")
        }
        let isSecMem = Set([types.0, types.1]) == ["3", "4"]
        return LaunchDifference(
            a, isSecMem ? .profileRule : a.kind(in: nil), "\(a.name): page type", values.0, values.1,
            rule: isSecMem ? "pages.sec_mem" : nil)
    }
}

extension TraceNode {
    /// Whether it stands for save areas of vCPUs.
    var isSaveArea: Bool { detail("pageType") == "2" }

    /// What kind of input the node stands for, by its identifier and its place.
    func kind(in parent: TraceNode?) -> LaunchDifference.Kind {
        if isSaveArea { return .saveAreaField }
        if id.hasPrefix("section-") || id.hasPrefix("MRTD/section-") { return .firmwareSection }
        if id.hasPrefix("directive-") { return .directive }
        if parent?.operation == .extend || parent?.operation == .concatenation { return .event }
        if ["cmdline", "initrd", "kernel", "kernel-hashes"].contains(id) { return .kernelHashTable }
        return artifacts.isEmpty ? .untold : .artifact
    }

    /// What people call it, with the file that it comes from.
    var cause: String {
        guard case .range(let artifact, _, _)? = source, artifact != name else { return name }
        return "\(name) (\(artifact))"
    }

    /// Names of the files that the node and those below it hash.
    var artifacts: [String] {
        var names: [String] = []
        if case .range(let artifact, _, _)? = source { names.append(artifact) }
        return names + children.flatMap(\.artifacts)
    }
}
