import GuestImage

/// The difference of two images for people.
struct ImageDifferenceText {
    let difference: ImageDifference
    /// Places of an artifact that are shown.
    let most: Int

    var text: String {
        let title = "\(difference.names.old) to \(difference.names.new)"
        guard !difference.isEqual else { return Self.join([title, "equal, byte by byte"]) }
        var lines = [title]
        lines += section("packages", difference.packages.map(Self.line))
        for artifact in artifacts {
            let places = difference.findings.filter { $0.artifact == artifact }
            let shown = places.prefix(most).flatMap(Self.lines)
            let rest = places.count > most ? ["and \(places.count - most) more places (--most 0 shows all)"] : []
            lines += section(artifact, shown + rest)
        }
        lines += section("registers that move", registers)
        if difference.isUnmeasured {
            lines += ["", "To see which registers move, measure both builds: assay measure IMAGE --build FOLDER"]
        }
        if !difference.equalArtifacts.isEmpty {
            lines += ["", "equal: " + difference.equalArtifacts.joined(separator: ", ")]
        }
        return Self.join(lines)
    }

    private static func join(_ lines: [String]) -> String {
        // A name with a line end in it must not begin a line of its own.
        lines.map { Console.escape($0.replacing("\n", with: "\\u{a}")) + "\n" }.joined()
    }

    private func section(_ title: String, _ lines: [String]) -> [String] {
        lines.isEmpty ? [] : ["", title] + lines.map { "  " + $0 }
    }

    private var artifacts: [String] {
        var names: [String] = []
        for finding in difference.findings where !names.contains(finding.artifact) { names.append(finding.artifact) }
        return names
    }

    private static func line(_ package: ImageDifference.PackageChange) -> String {
        switch (package.old, package.new) {
        case (let old?, let new?): "~ \(package.name) \(old) to \(new)"
        case (let old?, nil): "- \(package.name) \(old)"
        default: "+ \(package.name) \(package.new ?? "")"
        }
    }

    private static func lines(_ finding: ImageDifference.Finding) -> [String] {
        let mark =
            switch finding.change {
            case .added: "+"
            case .removed: "-"
            case .changed: "~"
            }
        let place = finding.place.isEmpty ? "itself" : finding.place.joined(separator: ", ")
        let facts = finding.aspects.filter { $0.old != nil || $0.new != nil }.map(fact)
        let head = "\(mark) \(place)" + (facts.isEmpty ? "" : ": " + facts.joined(separator: "; "))
        return [head] + finding.aspects.flatMap(\.details).map { "    " + $0 }
    }

    private static func fact(_ aspect: ImageDifference.Aspect) -> String {
        switch (aspect.old, aspect.new) {
        case (let old?, let new?) where old == new: "\(aspect.name), still \(old)"
        case (let old?, let new?): "\(aspect.name) \(old) to \(new)"
        default: aspect.old ?? aspect.new ?? ""
        }
    }

    private var registers: [String] {
        difference.registers.map { moved in
            let points =
                moved.points == moved.commonPoints
                ? (moved.points == 1 ? "" : " at all \(moved.points) points")
                : " at \(moved.points) of \(moved.commonPoints) points"
            let causes = moved.artifacts.isEmpty ? "" : ": by " + moved.artifacts.joined(separator: ", ")
            return "\(moved.platform) \(moved.register)\(points)\(causes)"
        }
    }
}
