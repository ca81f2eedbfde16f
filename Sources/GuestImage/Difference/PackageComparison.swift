internal import Documents

/// Compares the packages that two bills of materials (SPDX 2.3) name.
enum PackageComparison {
    static func changes(_ old: Node?, _ new: Node?) -> [ImageDifference.PackageChange] {
        guard let old, let new else { return [] }
        let (left, right) = (versions(old), versions(new))
        return Set(left.keys).union(right.keys).sorted().compactMap { name in
            left[name] == right[name] ? nil : .init(name: name, old: left[name], new: right[name])
        }
    }

    /// Versions by name; the image itself is no package of it.
    private static func versions(_ bill: Node) -> [String: String] {
        guard case .array(let packages)? = bill.value["packages"] else { return [:] }
        var result: [String: String] = [:]
        for package in packages {
            guard case .string(let name)? = package.value["name"],
                case .string(let version)? = package.value["versionInfo"]
            else { continue }
            if case .string("OPERATING-SYSTEM")? = package.value["primaryPackagePurpose"] { continue }
            result[name] = version
        }
        return result
    }
}

/// Compares what two builds were measured to, and says which artifacts moved a register.
struct RegisterComparison {
    var changedArtifacts: Set<String>

    func moved(
        _ old: [(platform: String, document: Node)], _ new: [(platform: String, document: Node)]
    ) -> [ImageDifference.MovedRegister] {
        old.flatMap { left -> [ImageDifference.MovedRegister] in
            guard let right = new.first(where: { $0.platform == left.platform }) else { return [] }
            return moved(left.platform, left.document.value, right.document.value)
        }
    }

    private func moved(_ platform: String, _ old: Value, _ new: Value) -> [ImageDifference.MovedRegister] {
        let (left, right) = (points(of: old), points(of: new))
        let common = left.keys.filter { right[$0] != nil }
        let inputs = inputs(of: new)
        var counts: [String: Int] = [:]
        for axes in common {
            guard let one = left[axes], let other = right[axes] else { continue }
            for name in Set(one.keys).union(other.keys) where one[name] != other[name] { counts[name, default: 0] += 1 }
        }
        return counts.keys.sorted { Self.order($0).lexicographicallyPrecedes(Self.order($1)) }.map { name in
            .init(
                platform: platform, register: name, points: counts[name] ?? 0, commonPoints: common.count,
                artifacts: (inputs[name] ?? []).intersection(changedArtifacts).sorted())
        }
    }

    /// `PCR4` before `PCR11`.
    private static func order(_ name: String) -> [String] {
        name.split(separator: ".").map { part in
            let letters = part.prefix { !$0.isNumber }
            let digits = part.dropFirst(letters.count)
            return letters + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
    }

    /// Registers of each point, by the axes' values.
    private func points(of document: Value) -> [String: [String: String]] {
        guard case .array(let points)? = document["points"] else { return [:] }
        var result: [String: [String: String]] = [:]
        for point in points {
            let axes = Self.texts(point.value["axes"]).sorted { $0.key < $1.key }
            result[axes.map { "\($0.key)=\($0.value)" }.joined(separator: ",")] = Self.texts(point.value["registers"])
        }
        return result
    }

    private static func texts(_ value: Value?) -> [String: String] {
        guard case .object(let members)? = value else { return [:] }
        var result: [String: String] = [:]
        for member in members { if case .string(let text) = member.node.value { result[member.key] = text } }
        return result
    }

    /// Artifacts that enter a register, from the trace of the first point; nodes below one belong to its register.
    private func inputs(of document: Value) -> [String: Set<String>] {
        guard let trace = document["trace"], case .array(let children)? = trace["children"], let point = children.first
        else { return [:] }
        var result: [String: Set<String>] = [:]
        var stack: [(value: Value, register: String?)] = [(point.value, nil)]
        while let (value, outer) = stack.popLast() {
            var register = outer
            if case .string(let name)? = value["register"] { register = name }
            if let register, case .string(let artifact)? = value["source"]?["artifact"] {
                result[register, default: []].insert(artifact)
            }
            if case .array(let nodes)? = value["children"] { stack += nodes.map { ($0.value, register) } }
        }
        return result
    }
}
