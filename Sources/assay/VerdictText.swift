import ReferenceValues

/// A verdict for people: every check on a line of its own, then what may be relied on.
struct VerdictText {
    private let verdict: Verdict
    private let bundle, policy: String

    init(_ verdict: Verdict, bundle: String, policy: String) {
        self.verdict = verdict
        self.bundle = bundle
        self.policy = policy
    }

    var text: String {
        var lines = [
            "bundle     \(bundle)",
            "policy     \(policy), version \(verdict.policyVersion), SHA-256 \(verdict.policyDigest)",
            "time       \(verdict.time)",
        ]
        if let digest = verdict.statementDigest { lines.append("statement  SHA-256 \(digest)") }
        lines.append("")
        for check in verdict.checks {
            lines.append("\(Self.word(check.answer)) \(Self.padded(check.kind.rawValue, 16)) \(Self.sentence(check))")
            if check.answer == .failed, let hint = check.hint { lines.append("             hint: \(hint)") }
        }
        lines.append("")
        for platform in verdict.acceptedPlatforms { lines += Self.summary(platform) }
        let waived = verdict.waived.count
        let failed = verdict.checks.count { $0.answer == .failed }
        lines.append(
            verdict.isAccepted
                ? "accepted" + (waived == 0 ? "" : ", with \(waived) checks waived by the policy (listed above)")
                : "REFUSED: \(failed) \(failed == 1 ? "check" : "checks") failed")
        return lines.map { Self.oneLine($0) + "\n" }.joined()
    }

    private static func word(_ answer: Check.Answer) -> String {
        switch answer {
        case .passed: "passed      "
        case .failed: "FAILED      "
        case .waived: "WAIVED      "
        case .notChecked: "not checked "
        }
    }

    private static func sentence(_ check: Check) -> String {
        check.subject.isEmpty ? check.detail : "\(check.subject): \(check.detail)"
    }

    private static func summary(_ platform: Platform) -> [String] {
        let facts = platform.facts
        var lines = [
            "platform   \(facts.name) (\(facts.technology.rawValue)), profile \(platform.profileDigest)",
            "           root of trust: \(facts.rootOfTrust)",
        ]
        let axes = platform.axes.map { axis in
            let range =
                axis.values.count > 1 ? "\(axis.values[0])…\(axis.values[axis.values.count - 1])" : axis.values[0]
            return "\(axis.name) \(range) (\(axis.values.count))"
        }
        let sets = platform.valueSets.count
        lines.append(
            "           \(sets) \(sets == 1 ? "value set" : "value sets")"
                + (axes.isEmpty ? "" : " over " + axes.joined(separator: ", ")))
        for name in (platform.valueSets.first?.registers.keys.sorted() ?? []) {
            let values = Set(platform.valueSets.compactMap { $0.registers[name] })
            let shown = values.count == 1 ? values.first.map { "\($0)" } ?? "" : "\(values.count) values"
            lines.append("             \(padded(name, 14)) \(shown)")
        }
        lines.append("           not covered: \(facts.notCovered.joined(separator: ", "))")
        let demands = facts.conditions.filter { condition in
            if case .demand = condition.requirement { return true }
            return false
        }
        if !demands.isEmpty {
            lines.append("           the operator must say: \(demands.map(\.name).joined(separator: ", "))")
        }
        return lines
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// Text from input must not make lines of its own.
    private static func oneLine(_ text: String) -> String {
        Console.escape(text).replacing("\n", with: "\\n").replacing("\t", with: "\\t")
    }
}
