import Documents
import Files
import Hashing
import Packages
import TestSupport
import Testing

@testable import GuestImage

private func script(_ kind: MaintainerScript.Kind, _ text: String = "#!/bin/sh\n") -> MaintainerScript {
    MaintainerScript(kind: kind, sha256: .of(Array(text.utf8), .sha256))
}

private func accepted(
    _ package: String, _ script: AcceptedScript.Script, _ text: String = "#!/bin/sh\n"
) -> AcceptedScript {
    AcceptedScript(
        package: package, script: script, sha256: Digest.of(Array(text.utf8), .sha256).hex, reason: "read it")
}

@Suite("maintainer scripts")
struct ScriptTests {
    private func tool(_ scripts: [MaintainerScript]) -> PackageFiles {
        PackageFiles(package: "tool", entries: [], scripts: scripts)
    }

    @Test("what runs at an installation needs a rule or the definition's word, the rest has a reason by its kind")
    func grounds() throws {
        let own = tool(MaintainerScript.Kind.allCases.map { script($0) })
        let coverage = try ScriptCoverage(
            of: [own], accepted: [accepted("tool", .preinst), accepted("tool", .postinst)])
        #expect(coverage.verdicts.map(\.script.kind) == MaintainerScript.Kind.allCases)
        #expect(coverage.verdicts.map(\.ground) == [.definition, .definition, .kind, .kind, .kind, .kind])
        #expect(coverage.verdicts.allSatisfy { !$0.reason.isEmpty })
    }

    @Test("a script that nobody knows is refused with what to write to accept it")
    func refused() {
        let error = #expect(throws: ImageError.self) {
            try ScriptCoverage(of: [tool([script(.preinst), script(.prerm), script(.postinst, "b")])], accepted: [])
        }
        let first = Digest.of(Array("#!/bin/sh\n".utf8), .sha256).hex
        let second = Digest.of(Array("b".utf8), .sha256).hex
        #expect(
            error?.description
                == """
                maintainer scripts: are not run, and nothing is known to stand for these:
                  tool preinst, SHA-256 \(first)
                  tool postinst, SHA-256 \(second)
                """)
        #expect(error?.hint?.contains("- {package: tool, script: preinst, sha256: \(first), reason: …}") == true)
        #expect(error?.hint?.contains("- {package: tool, script: postinst, sha256: \(second), reason: …}") == true)
    }

    @Test("a script that changed after it was accepted asks again and says so")
    func changed() {
        let error = #expect(throws: ImageError.self) {
            try ScriptCoverage(of: [tool([script(.postinst, "new")])], accepted: [accepted("tool", .postinst)])
        }
        #expect(error?.description.hasSuffix("which has changed since it was read") == true)
    }

    @Test("a script of another version than the rules know is unknown")
    func otherVersion() {
        let package = PackageFiles(package: "base-passwd", entries: [], scripts: [script(.postinst)])
        let error = #expect(throws: ImageError.self) { try ScriptCoverage(of: [package], accepted: []) }
        #expect(error?.description.contains("base-passwd postinst") == true)
        #expect(error?.description.hasSuffix("which has changed since it was read") == true)
    }

    @Test("an entry for a script that no package has is refused")
    func stray() {
        let error = #expect(throws: ImageError.self) {
            try ScriptCoverage(of: [tool([])], accepted: [accepted("tool", .postinst)])
        }
        #expect(error?.description == "root.scripts: accepts a postinst of tool that no package of the root has")
    }

    @Test("the paths that a script would have made must be there")
    func makes() throws {
        let rule = try #require(ScriptRule.all.first { $0.package == "base-passwd" && $0.kind == .postinst })
        let digest = try #require(Digest(.sha256, hex: rule.digests[0]))
        let package = PackageFiles(
            package: "base-passwd", entries: [], scripts: [MaintainerScript(kind: .postinst, sha256: digest)])
        let coverage = try ScriptCoverage(of: [package], accepted: [])
        var tree = try PackageMerge.tree(of: [GuestImageTests.package("a", [("etc/passwd", file("x"))])], epoch: 1)
        let error = #expect(throws: ImageError.self) { try coverage.check(tree) }
        #expect(
            error?.description == "package base-passwd: its postinst, which is not run, would make /etc/group")
        tree["etc/group"] = file("y")
        try coverage.check(tree)
    }

    @Test("each script has one rule, its digest is one, and its reason is a sentence without an end")
    func table() {
        var seen: Set<[String]> = []
        for rule in ScriptRule.all {
            #expect(rule.kind == .preinst || rule.kind == .postinst)
            #expect(seen.insert([rule.package, rule.kind.rawValue]).inserted, "\(rule.package) \(rule.kind)")
            #expect(rule.digests.allSatisfy { Digest(.sha256, hex: $0)?.hex == $0 } && !rule.digests.isEmpty)
            #expect(rule.reason.count > 10 && !rule.reason.hasSuffix(".") && rule.reason.first?.isLowercase == true)
        }
    }

    @Test(
        "the rules know the scripts of the pinned packages",
        .enabled(if: Outside.pool != nil, "ASSAY_POOL is not set"))
    func pool() throws {
        let pool = try #require(Outside.pool)
        var known = 0
        for name in try FileSystem.list(pool) where name.hasSuffix(".deb") {
            let package = name.prefix { $0 != "_" }
            let rules = ScriptRule.all.filter { $0.package == package }
            guard !rules.isEmpty else { continue }
            let deb = try DebianPackage(InputFile.contents(of: "\(pool)/\(name)"), source: name)
            for script in deb.scripts where ScriptRule.reason(for: script.kind) == nil {
                #expect(ScriptRule.rule(for: script, of: deb.name) != nil, "\(name) \(script.kind)")
                known += 1
            }
        }
        #expect(known > 40)
    }

    @Test(
        "an entry is read strictly",
        arguments: [
            ("sha256: \(String(repeating: "0", count: 64))", "sha256: 00", "sha256: found '00'"),
            ("script: postinst", "script: prerm", "script: found 'prerm', expected one of preinst, postinst"),
            ("package: tool", "package: _", "package: found '_'"),
            ("reason: none", "reason: ' '", "reason: is empty"),
        ])
    func strict(change: (old: String, new: String, problem: String)) throws {
        let entry = "package: tool, script: postinst, sha256: \(String(repeating: "0", count: 64)), reason: none"
        func text(_ entry: String) -> String {
            let start = sampleDefinition.split(separator: "  scripts:\n")[0]
            let rest = sampleDefinition.split(separator: "reason: Does nothing.\n")[1]
            return "\(start)  scripts: [{\(entry)}]\n\(rest)"
        }
        let definition = try decode(text(entry))
        #expect(definition.root.setup.scripts.map(\.package) == ["tool"])
        #expect(try definition.digest() != decode(sampleDefinition).digest())
        let error = #expect(throws: DocumentError.self) {
            try decode(text(entry.replacing(change.old, with: change.new)))
        }
        #expect(error?.description.contains("root.scripts[0].\(change.problem)") == true)
    }
}
