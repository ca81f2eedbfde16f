import Bytes
import DiskFormats
import Documents
import Files
import Packages
import TestSupport
import Testing

@testable import GuestImage

@Suite("files in place of scripts")
struct GeneratedTests {
    @Test("names of libraries are sorted as the loader looks for them")
    func order() {
        let names = ["libb.so.9", "libb.so.10", "liba.so.1", "libb.so", "libB.so", "lib2.so", "libb.so.010"]
        let sorted = LoaderCache.sorted(names.map { .init(name: Array($0.utf8), path: []) })
        #expect(
            sorted.map { String(decoding: $0.name, as: UTF8.self) } == [
                "lib2.so", "libb.so.10", "libb.so.010", "libb.so.9", "libb.so", "liba.so.1", "libB.so",
            ])
    }

    /// The tree of a pinned package and where dpkg-deb unpacked it.
    private func unpacked(_ name: String, _ version: String) throws -> (tree: FileTree, folder: PoolPackage) {
        let pool = try #require(Outside.pool)
        let file = try #require(try FileSystem.list(pool).first { $0.hasPrefix("\(name)_\(version)") })
        let deb = try DebianPackage(InputFile.contents(of: "\(pool)/\(file)"), source: file)
        let entries = try deb.entries().map { entry -> (String, FileTree.Entry) in
            let kind: FileTree.Kind =
                switch entry.kind {
                case .directory: .directory
                case .file(let bytes): .file(.bytes(bytes))
                case .symlink(let target): .symlink(target)
                case .hardLink(let target): .hardLink(FileTree.Path(target))
                }
            return (String(decoding: entry.path, as: UTF8.self), FileTree.Entry(kind, mode: entry.mode))
        }
        return (try PackageMerge.tree(of: [package(name, entries)], epoch: 1), try PoolPackage(name, version: version))
    }

    @Test(
        "ldconfig finds in the cache what it would put there",
        .enabled(
            if: PoolPackage.has("libc6", version: "2.41-12+deb13u5") && Outside.has("ldconfig"),
            "libc6 2.41 is not in ASSAY_POOL, or ldconfig is not installed"))
    func cache() throws {
        var (tree, folder) = try unpacked("libc6", "2.41-12+deb13u5")
        try tree.addMergedLinks(epoch: 1)
        for name in ["lib", "lib64"] {
            let made = try Subprocess("ln", ["-s", "usr/\(name)", folder.path(name)]).run()
            #expect(made.status == 0, "\(made.errorText)")
        }
        let ours = folder.path("ours")
        try OutputFile.write(LoaderCache(of: tree).bytes, to: ours)
        func listed(_ file: String) throws -> [Substring] {
            try Subprocess("ldconfig", ["-p", "-C", file]).run().outputText.split(separator: "\n").filter {
                $0.contains("=>")
            }
        }
        let built = try Subprocess("ldconfig", ["-r", folder.path("")]).run()
        #expect(built.status == 0, "\(built.errorText)")
        let found = try listed(ours)
        #expect(found.count > 10)
        #expect(try found == listed(folder.path("etc/ld.so.cache")))
    }

    @Test(
        "certificates are linked as openssl rehash links them",
        .enabled(
            if: PoolPackage.has("ca-certificates", version: "20250419+deb13u1") && Outside.has("openssl"),
            "ca-certificates is not in ASSAY_POOL, or openssl is not installed"))
    func certificates() throws {
        var (tree, folder) = try unpacked("ca-certificates", "20250419+deb13u1")
        try CertificateFolder(tree).add(to: &tree, epoch: 1)
        var links: [String: String] = [:]
        let copies = try TemporaryFolder()
        for (path, entry) in tree.sorted where path.parent == "etc/ssl/certs" {
            guard case .symlink(let target) = entry.kind else { continue }
            let (name, to) = (String(decoding: path.name, as: UTF8.self), String(decoding: target, as: UTF8.self))
            if name.hasSuffix(".pem") {
                try copies.write(name, folder.contents(String(to.dropFirst())))
            } else {
                links[name] = to
            }
        }
        #expect(links.count > 100)
        let result = try Subprocess("openssl", ["rehash", copies.path]).run()
        #expect(result.status == 0, "\(result.errorText)")
        let listing = try Subprocess("find", [copies.path, "-type", "l", "-printf", "%P %l\\n"]).run().outputText
        #expect(listing.split(separator: "\n").sorted() == links.map { "\($0) \($1)"[...] }.sorted())
        let bundle = try tree.text("etc/ssl/certs/ca-certificates.crt")
        #expect(bundle.split(separator: "\n").filter { $0 == "-----BEGIN CERTIFICATE-----" }.count == links.count)
    }

    @Test("the list of packages is what dpkg would have written")
    func status() throws {
        let text = "Package: b\nVersion: 1\nDescription: short\n long\n .\n end\n"
        let stanzas = try ControlStanza.parse(Array((text + "\nPackage: a\nVersion: 2\n").utf8), source: "x")
        #expect(
            PackageStatus.text(of: stanzas)
                == "Package: a\nStatus: install ok installed\nVersion: 2\n\nPackage: b\nStatus: install ok installed\n"
                + "Version: 1\nDescription: short\n long\n .\n end\n")
    }

    @Test("kernel parameters, alternatives and the rules' own files are made where the definition has nothing")
    func defaults() throws {
        var setup = RootSetup()
        setup.sysctl = [KernelParameter(name: "kernel.sysrq", value: "0")]
        setup.alternatives = [ProgramChoice(name: "awk", link: "usr/bin/awk", path: "usr/bin/busybox")]
        let whole = try PackageMerge.tree(
            of: [
                package(
                    "mawk", [("usr/bin/mawk", file("m")), ("usr/bin/busybox", file("b")), ("etc/hosts", file("mine"))])
            ],
            epoch: 1)
        let rules = ScriptRule.all.filter { ["mawk", "netbase"].contains($0.package) }
        var tree = whole
        try GeneratedFiles(setup: setup, packages: [], rules: rules, whole: whole, epoch: 1).add(to: &tree)
        #expect(try tree.text("etc/sysctl.d/90-image.conf") == "kernel.sysrq = 0\n")
        #expect(try tree.text("usr/bin/awk") == "b" && tree.text("usr/bin/nawk") == "m")
        #expect(tree["etc/alternatives/awk"]?.kind == .symlink(Array("/usr/bin/busybox".utf8)))
        #expect(try tree.text("etc/hosts") == "mine" && tree.text("etc/networks").contains("loopback"))
        setup.users = [UserRequest(name: "a", uid: 1)]
        #expect(throws: ImageError.self) {
            try GeneratedFiles(setup: setup, packages: [], rules: [], whole: whole, epoch: 1).add(to: &tree)
        }
    }
}
