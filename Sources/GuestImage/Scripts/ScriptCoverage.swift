internal import DiskFormats
private import Hashing
private import Packages

/// Holds the maintainer scripts of a root's packages against the rules and what the definition accepts.
///
/// The packages of `root.packages` are asked: they stand for installed ones. From kernel, stub and the initrd's
/// packages single files are taken, as an initrd's generator would on an installed system; no script ever ran there.
struct ScriptCoverage {
    /// Every script of the packages, sorted by package and kind.
    let verdicts: [ScriptVerdict]
    /// The rules that stand for them.
    let rules: [ScriptRule]

    /// Requires that each script that would run at the installation is covered.
    init(of packages: [PackageFiles], accepted: [AcceptedScript]) throws(ImageError) {
        var verdicts: [ScriptVerdict] = []
        var rules: [ScriptRule] = []
        var unknown: [(package: String, script: MaintainerScript)] = []
        var unused = accepted
        for package in packages.sorted(by: { $0.package < $1.package }) {
            for script in package.scripts {
                var verdict = ScriptVerdict(package: package.package, script: script, ground: .kind, reason: "")
                if let reason = ScriptRule.reason(for: script.kind) {
                    verdict.reason = reason
                } else if let own = accepted.first(where: { $0.covers(script, of: package.package) }) {
                    (verdict.ground, verdict.reason) = (.definition, own.reason)
                    unused.removeAll { $0 == own }
                } else if let rule = ScriptRule.rule(for: script, of: package.package) {
                    (verdict.ground, verdict.reason) = (.rule, rule.reason)
                    rules.append(rule)
                } else {
                    unknown.append((package.package, script))
                }
                verdicts.append(verdict)
            }
        }
        self.verdicts = verdicts
        self.rules = rules
        guard unknown.isEmpty else { throw Self.refusal(unknown, accepted) }
        if let stray = unused.first {
            throw ImageError(
                "root.scripts",
                "accepts a \(stray.script.rawValue) of \(stray.package) that no package of the root has",
                hint: "remove the entry with sha256 \(stray.sha256)")
        }
    }

    private static func refusal(
        _ unknown: [(package: String, script: MaintainerScript)], _ accepted: [AcceptedScript]
    ) -> ImageError {
        let lines = unknown.map { item -> String in
            let kind = item.script.kind.rawValue
            let changed =
                accepted.contains { $0.package == item.package && $0.script.rawValue == kind }
                || ScriptRule.all.contains { $0.package == item.package && $0.kind == item.script.kind }
            return "\n  \(item.package) \(kind), SHA-256 \(item.script.sha256)"
                + (changed ? ", which has changed since it was read" : "")
        }
        let entries = unknown.map { item in
            "\n  - {package: \(item.package), script: \(item.script.kind.rawValue), sha256: \(item.script.sha256), reason: …}"
        }
        return ImageError(
            "maintainer scripts", "are not run, and nothing is known to stand for these:" + lines.joined(),
            hint:
                "read them ('dpkg-deb -e PACKAGE.deb DIRECTORY'), make by 'files' and 'links' what the image needs of "
                + "their work, and accept them under 'root: scripts:', each with a reason:" + entries.joined())
    }

    /// Requires the paths that programs look for and a script would have made.
    func check(_ tree: FileTree) throws(ImageError) {
        for rule in rules {
            for path in rule.makes where tree[path] == nil {
                throw ImageError(
                    "package \(rule.package)", "its \(rule.kind.rawValue), which is not run, would make \(path)",
                    hint: "make it by 'files' or 'links', or accept the script under 'root: scripts:' "
                        + "if the image needs no such path")
            }
        }
    }
}

extension AcceptedScript {
    fileprivate func covers(_ script: MaintainerScript, of package: String) -> Bool {
        self.package == package && self.script.kind == script.kind && sha256 == script.sha256.hex
    }
}
