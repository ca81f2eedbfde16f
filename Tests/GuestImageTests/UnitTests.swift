import DiskFormats
import Files
import TestSupport
import Testing

@testable import GuestImage

@Suite("units of systemd")
struct UnitTests {
    private static let units: [(String, String)] = [
        (
            "a.service",
            "[Unit]\nWantedBy=no.target\n[Install]\nWantedBy=multi-user.target x.target\nAlias=b.service\nAlso=a.socket\n"
        ),
        ("a.socket", "[Install]\nRequiredBy=sockets.target\n"),
        ("static.service", "[Service]\nExecStart=/bin/true\n"),
        ("t@.service", "[Install]\nWantedBy=%i.target \\\n  z.target\nDefaultInstance=one\n"),
        ("plain@.service", "[Install]\nWantedBy=multi-user.target\n"),
        ("up.service", "[Install]\n# note\nUpheldBy=multi-user.target\n; note\nWantedBy=gone.target\nWantedBy=\n"),
        ("multi-user.target", "[Unit]\n"), ("off.service", "[Install]\nWantedBy=multi-user.target\n"),
    ]

    private func tree(_ more: [(String, FileTree.Entry)] = []) throws -> FileTree {
        let units = Self.units.map { ("usr/lib/systemd/system/\($0.0)", file($0.1)) }
        let preset = (
            "usr/lib/systemd/system-preset/90-a.preset", file("# x\nenable plain@.service p q\ndisable off.*\n")
        )
        return try PackageMerge.tree(of: [package("a", units + [preset] + more)], epoch: 1)
    }

    private func links(_ settings: UnitSettings, _ more: [(String, FileTree.Entry)] = []) throws -> [String: String] {
        var tree = try tree(more)
        try UnitEnablement.add(settings, to: &tree, epoch: 1)
        var result: [String: String] = [:]
        for (path, entry) in tree.sorted
        where path.components.starts(with: FileTree.Path("etc/systemd/system").components) {
            if case .symlink(let target) = entry.kind {
                result[String(path.description.dropFirst("/etc/systemd/system/".count))] = String(
                    decoding: target, as: UTF8.self)
            }
        }
        return result
    }

    private func settings(enable: [String] = [], _ change: (inout UnitSettings) -> Void = { _ in }) -> UnitSettings {
        var settings = UnitSettings()
        settings.enable = enable
        change(&settings)
        return settings
    }

    @Test("enabling follows WantedBy, RequiredBy, Alias and Also")
    func enable() throws {
        let service = "/usr/lib/systemd/system/a.service"
        #expect(
            try links(settings(enable: ["a.service"])) == [
                "b.service": service, "multi-user.target.wants/a.service": service, "x.target.wants/a.service": service,
                "sockets.target.requires/a.socket": "/usr/lib/systemd/system/a.socket",
            ])
    }

    @Test("templates use their instance or the default one")
    func templates() throws {
        let template = "/usr/lib/systemd/system/t@.service"
        #expect(
            try links(settings(enable: ["t@.service", "t@two.service"])) == [
                "one.target.wants/t@one.service": template, "z.target.wants/t@one.service": template,
                "two.target.wants/t@two.service": template, "z.target.wants/t@two.service": template,
            ])
        let error = #expect(throws: ImageError.self) { try links(settings(enable: ["plain@.service"])) }
        #expect(error?.hint?.contains("plain@NAME.service") == true)
    }

    @Test("presets decide by their first line that fits, and enable what none does")
    func presets() throws {
        let found = try links(
            settings {
                $0.presets = true; $0.disable = ["a.service"]
            })
        #expect(
            found.keys.sorted() == [
                "multi-user.target.upholds/up.service", "multi-user.target.wants/plain@p.service",
                "multi-user.target.wants/plain@q.service", "one.target.wants/t@one.service",
                "sockets.target.requires/a.socket", "z.target.wants/t@one.service",
            ])
    }

    @Test("masks and the default target are links")
    func masks() throws {
        let found = try links(
            settings {
                $0.mask = ["any.service"]; $0.defaultTarget = "multi-user.target"
            })
        #expect(found == ["any.service": "/dev/null", "default.target": "/usr/lib/systemd/system/multi-user.target"])
    }

    @Test("what cannot be is refused with what to do")
    func refused() {
        for (settings, problem) in [
            (settings(enable: ["none.service"]), "unit none.service: is in no package and no file of the definition"),
            (settings(enable: ["static.service"]), "has nothing in [Install]"),
            (settings { $0.defaultTarget = "none.target" }, "unit none.target: is in no package"),
        ] {
            let error = #expect(throws: ImageError.self) { try links(settings) }
            #expect(error?.description.contains(problem) == true && error?.hint != nil)
        }
        let wants = ("usr/lib/systemd/system/x.target.wants/off.service", link("../off.service"))
        let error = #expect(throws: ImageError.self) { try links(settings { $0.disable = ["off.service"] }, [wants]) }
        #expect(error?.hint?.contains("'mask'") == true)
        let own = ("etc/systemd/system/a.service", file("x"))
        #expect(throws: ImageError.self) { try links(settings { $0.mask = ["a.service"] }, [own]) }
    }

    @Test("drop-ins count, and units of /etc come before those of packages")
    func dropIns() throws {
        let found = try links(
            settings(enable: ["static.service", "off.service"]),
            [
                ("etc/systemd/system/static.service.d/a.conf", file("[Install]\nWantedBy=y.target\n")),
                ("etc/systemd/system/off.service", file("[Install]\nWantedBy=w.target\n")),
            ])
        #expect(
            found == [
                "y.target.wants/static.service": "/usr/lib/systemd/system/static.service",
                "w.target.wants/off.service": "/etc/systemd/system/off.service",
            ])
    }

    @Test(
        "systemctl makes the same links",
        .enabled(if: Outside.has("systemctl"), "systemctl is not installed"))
    func peer() throws {
        let names = ["a.service", "t@.service", "t@two.service", "plain@p.service"]
        let ours = try links(
            settings(enable: names) {
                $0.mask = ["off.service"]; $0.defaultTarget = "multi-user.target"
            })
        let folder = try TemporaryFolder()
        for (name, text) in Self.units { try folder.write("usr/lib/systemd/system/\(name)", Array(text.utf8)) }
        for arguments in [["enable"] + names, ["mask", "off.service"], ["set-default", "multi-user.target"]] {
            let result = try Subprocess("systemctl", ["--root=\(folder.path)"] + arguments).run()
            #expect(result.status == 0, "\(result.errorText)")
        }
        let listing = try Subprocess(
            "find", [folder.file("etc/systemd/system"), "-type", "l", "-printf", "%P %l\\n"]
        ).run().outputText
        var theirs: [String: String] = [:]
        for line in listing.split(separator: "\n") {
            let words = line.split(separator: " ").map { String($0) }
            // Links may be relative or leave out usr, which is the same place in the image.
            let name = words[1].split(separator: "/").last.map { String($0) } ?? ""
            theirs[words[0]] = words[1] == "/dev/null" ? words[1] : "/usr/lib/systemd/system/" + name
        }
        #expect(theirs == ours)
    }
}
