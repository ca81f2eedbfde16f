import DiskFormats
import Files
import Packages
import TestSupport
import Testing

@testable import GuestImage

@Suite("users and groups")
struct AccountTests {
    private static let passwd = "root:*:0:0:root:/root:/bin/bash\nbin:*:2:2:bin:/bin:/usr/sbin/nologin\n"
    private static let group = "root:*:0:\nbin:*:2:\nshadow:*:42:\n"

    private func tree(_ files: [(String, String)]) throws -> FileTree {
        let master = [
            ("usr/share/base-passwd/passwd.master", Self.passwd), ("usr/share/base-passwd/group.master", Self.group),
        ]
        return try PackageMerge.tree(
            of: [package("a", (master + files).map { ($0.0, file($0.1)) })], epoch: 86400 * 100)
    }

    private func made(_ lines: String, setup: RootSetup = RootSetup()) throws -> [String: String] {
        var tree = try tree([("usr/lib/sysusers.d/a.conf", lines)])
        try AccountFiles(setup: setup, epoch: 86400 * 100).add(to: &tree, packages: tree)
        var result: [String: String] = [:]
        for name in ["passwd", "group", "shadow", "gshadow"] {
            result[name] = try tree.text(FileTree.Path("etc/\(name)"))
        }
        #expect(tree["etc/shadow"]?.mode == 0o640 && tree["etc/shadow"]?.gid == 42 && tree["etc/passwd"]?.mode == 0o644)
        return result
    }

    @Test("base-passwd's lists come first, and the date of passwords is the image's")
    func master() throws {
        let files = try made("")
        #expect(files["passwd"] == "root:x:0:0:root:/root:/bin/bash\nbin:x:2:2:bin:/bin:/usr/sbin/nologin\n")
        #expect(files["group"] == "root:x:0:\nbin:x:2:\nshadow:x:42:\n")
        #expect(files["shadow"] == "root:*:100:0:99999:7:::\nbin:*:100:0:99999:7:::\n")
        #expect(files["gshadow"] == "root:*::\nbin:*::\nshadow:*::\n")
    }

    @Test("lines of sysusers.d are followed, u! too")
    func lines() throws {
        let files = try made(
            """
            # comment
            u! locked 300 "A, B's" /home/x /bin/sh
            u plain 301:bin
            g extra 302
            m plain extra
            r - 500-600
            """)
        #expect(
            files["passwd"]?.hasSuffix("locked:x:300:300:A, B's:/home/x:/bin/sh\nplain:x:301:2::/:/usr/sbin/nologin\n")
                == true)
        #expect(files["shadow"]?.hasSuffix("locked:!*:100:::::1:\nplain:!*:100::::::\n") == true)
        #expect(files["group"]?.hasSuffix("locked:x:300:\nextra:x:302:plain\n") == true)
        #expect(files["gshadow"]?.hasSuffix("locked:!*::\nextra:!*::plain\n") == true)
    }

    @Test("a number comes from the line, the definition or the table, never from what is free")
    func numbers() throws {
        #expect(try made("u systemd-network - - -")["passwd"]?.contains("\nsystemd-network:x:998:998:") == true)
        var setup = RootSetup()
        setup.users = [UserRequest(name: "systemd-network", uid: 77)]
        #expect(try made("u systemd-network -", setup: setup)["passwd"]?.contains("\nsystemd-network:x:77:77:") == true)
        let error = #expect(throws: ImageError.self) { try made("u unheard-of -") }
        #expect(
            error?.description
                == "user unheard-of: is asked for by a package without a number, and would get the next free one")
        #expect(error?.hint == "pin it: 'root: users: [{name: unheard-of, uid: …}]'")
        #expect(throws: ImageError.self) { try made("u a 300\nu b 300") }
        #expect(throws: ImageError.self) { try made("u a 300:none") }
    }

    @Test("the definition adds users, groups and members")
    func definition() throws {
        var setup = RootSetup()
        setup.users = [UserRequest(name: "node", uid: 900, comment: "Node", home: "/run/node")]
        setup.groups = [
            GroupRequest(name: "bin", gid: nil, members: ["node"]), GroupRequest(name: "own", gid: 55, members: []),
        ]
        let files = try made("", setup: setup)
        #expect(files["passwd"]?.hasSuffix("node:x:900:900:Node:/run/node:/usr/sbin/nologin\n") == true)
        #expect(files["group"]?.contains("bin:x:2:node\n") == true)
        #expect(files["group"]?.hasSuffix("own:x:55:\nnode:x:900:\n") == true)
        setup.users = [UserRequest(name: "bin", uid: 9)]
        #expect(throws: ImageError.self) { try made("", setup: setup) }
    }

    @Test(
        "what is no line is named with its place",
        arguments: ["u", "x a 1", "u a b", "m a", "u a 1 \"open", "u a 1 a:b", "u a 1:"])
    func malformed(line: String) {
        let error = #expect(throws: ImageError.self) { try SystemUsersFile("\n" + line, source: "a.conf") }
        #expect(error?.subject == "a.conf:2")
    }

    @Test(
        "systemd-sysusers makes the same of the same lines",
        .enabled(if: Outside.has("systemd-sysusers"), "systemd-sysusers is not installed"))
    func peer() throws {
        let lines = "u one 300 \"Some one\" /srv /bin/sh\nu two 301:bin - -\ng three 302\nm one three\nm two bin\n"
        let folder = try TemporaryFolder()
        let ours = try made(lines)
        let before = try made("")
        for (name, text) in before { try folder.write("etc/\(name)", Array(text.utf8)) }
        try folder.write("usr/lib/sysusers.d/a.conf", Array(lines.utf8))
        let result = try Subprocess(
            "systemd-sysusers", ["--root=\(folder.path)"],
            environment: ["PATH": "/usr/bin:/bin", "SOURCE_DATE_EPOCH": "\(86400 * 100)"]
        ).run()
        #expect(result.status == 0, "\(result.errorText)")
        for (name, text) in ours {
            let theirs = String(decoding: try InputFile.contents(of: folder.file("etc/\(name)")), as: UTF8.self)
            #expect(theirs.split(separator: "\n").sorted() == text.split(separator: "\n").sorted(), "\(name)")
        }
    }
}
