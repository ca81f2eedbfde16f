import Bytes
import DiskFormats
import Documents
import Testing
import YAMLDocuments

@testable import GuestImage

/// A complete small definition; tests change single lines of it.
let sampleDefinition = """
    name: sample
    version: 1.2
    architecture: amd64
    epoch: 1700000000
    archive:
      suites:
        - name: trixie
          components: [main]
      keys: [04B54C3CDCA79751B16BC6B5225629DF75B188BD]
      provided: [awk]
    kernel:
      package: linux-image-test
    stub:
      package: systemd-boot-efi
    root:
      packages: [base, tool]
      scripts:
        - package: base
          script: postinst
          sha256: a8076d3d28d21e02012b20eaf7dbf75409a6277134439025f282e368e3305abf
          reason: Does nothing.
      alternatives:
        - name: editor
          path: /usr/bin/tool
        - {name: pager, link: /usr/bin/more, path: /usr/bin/tool}
      sysctl:
        kernel.sysrq: 0
      exclude: [/usr/share]
      include: [/usr/share/doc/*/copyright]
      directories:
        - path: /srv
          mode: "1777"
      files:
        - path: /etc/hostname
          text: "sample\\n"
        - path: /etc/passwd
          copy: /usr/share/base/passwd.master
      links:
        - path: /etc/mtab
          to: ../proc/self/mounts
    initrd:
      packages: [tool]
      programs: [/usr/bin/tool]
      modules: [dm-verity]
      optionalModules: [sev-guest]
      files:
        - path: /init
          from: files/init
          mode: "0755"
    commandLine: [quiet]
    debug:
      commandLine: [debug]
      root:
        files:
          - path: /etc/hostname
            text: "debug\\n"
    """

func decode(_ text: String) throws -> ImageDefinition {
    try ImageDefinition(YAMLReader.parse(Array(text.utf8), source: "image.yaml"))
}

@Suite("image definition")
struct DefinitionTests {
    @Test("every key reaches its field")
    func complete() throws {
        let definition = try decode(sampleDefinition)
        #expect(definition.name == "sample")
        #expect(definition.version == "1.2")
        #expect(definition.epoch == 1_700_000_000)
        #expect(definition.archive.suites.map(\.name) == ["trixie"])
        #expect(definition.root.packages == ["base", "tool"])
        #expect(definition.root.edits.directories.map(\.mode) == [0o1777])
        #expect(
            definition.root.edits.files.map(\.source) == [.text("sample\n"), .package("usr/share/base/passwd.master")])
        #expect(definition.initrd.modules == ["dm-verity"])
        #expect(definition.packages == ["base", "linux-image-test", "systemd-boot-efi", "tool"])
        #expect(definition.overlays == ["files/init"])
    }

    @Test("the debug variant replaces and adds, and the release has none of it")
    func variants() throws {
        let definition = try decode(sampleDefinition)
        let release = try definition.resolved(for: .release)
        let debug = try definition.resolved(for: .debug)
        #expect(release.commandLine == ["quiet"])
        #expect(debug.commandLine == ["quiet", "debug"])
        #expect(release.debug == nil)
        #expect(release.root.edits.files.first?.source == .text("sample\n"))
        #expect(debug.root.edits.files.filter { $0.path == "etc/hostname" }.map(\.source) == [.text("debug\n")])
    }

    @Test("the digest follows the values, not their spelling")
    func digest() throws {
        let first = try decode(sampleDefinition)
        let respelt = try decode("# a comment\n" + sampleDefinition.replacing("[base, tool]", with: "['base', tool]"))
        let other = try decode(sampleDefinition.replacing("epoch: 1700000000", with: "epoch: 1700000001"))
        #expect(try first.digest() == respelt.digest())
        #expect(try first.digest() != other.digest())
    }

    @Test(
        "what is wrong is named with line and key path",
        arguments: [
            ("version: 1.2", "versoin: 1.2", "versoin: unknown key, and 'version' is missing"),
            ("commandLine: [quiet]", "commandLines: [quiet]", "50:15: commandLines: unknown key"),
            ("name: sample", "name: Sample", "1:7: name: found 'Sample'"),
            ("epoch: 1700000000", "epoch: soon", "4:8: epoch: found 'soon', expected an integer"),
            ("epoch: 1700000000", "epoch: 3", "4:8: epoch: found 3, expected 315532800 to 2147483647"),
            ("architecture: amd64", "architecture: vax", "architecture: found 'vax', expected one of amd64"),
            ("[base, tool]", "[base, base]", "root.packages[1]: 'base' is listed twice"),
            ("[base, tool]", "{a: b}", "root.packages: found an object, expected a list"),
            ("mode: \"1777\"", "mode: \"1788\"", "root.directories[0].mode: found '1788'"),
            ("path: /srv", "path: /srv/../etc", "root.directories[0].path: found '/srv/../etc'"),
            ("path: /srv", "path: srv", "root.directories[0].path: found 'srv'"),
            ("exclude: [/usr/share]", "exclude: [usr/share]", "root.exclude[0]: found 'usr/share'"),
            ("[quiet]", "[roothash=00]", "commandLine[0]: 'roothash=' is set by Assay"),
            ("[quiet]", "['a b']", "commandLine[0]: found 'a b', expected one word"),
            ("from: files/init", "from: ../init", "initrd.files[0].from: found '../init'"),
            ("from: files/init", "mode: \"0700\"", "duplicate key"),
            (
                "text: \"sample\\n\"", "copy: /etc/hostname\n      text: x",
                "needs exactly one of 'from', 'text', 'copy' and 'url', found 2"
            ),
            ("path: /etc/passwd", "path: /etc/hostname", "root: /etc/hostname is given twice"),
            ("keys: [04B54C3CDCA79751B16BC6B5225629DF75B188BD]", "keys: []", "archive.keys: is empty"),
            ("keys: [04B54C3CDCA79751B16BC6B5225629DF75B188BD]", "keys: [04b5]", "archive.keys[0]: found '04b5'"),
            ("programs: [/usr/bin/tool]", "exclude: [/usr]", "initrd.exclude: unknown key"),
        ])
    func errors(original: String, replacement: String, expected: String) throws {
        let text = sampleDefinition.replacing(original, with: replacement, maxReplacements: 1)
        #expect(text != sampleDefinition)
        let error = #expect(throws: DocumentError.self) { try decode(text) }
        #expect(error?.description.contains(expected) == true, "\(error?.description ?? "nothing")")
    }

    @Test("a definition without a debug variant says so when asked for it")
    func noDebug() throws {
        let text = String(sampleDefinition.prefix(upTo: try #require(sampleDefinition.range(of: "debug:")).lowerBound))
        let definition = try decode(text)
        #expect(throws: ImageError.self) { try definition.resolved(for: .debug) }
    }
}

@Suite("path pattern")
struct PathPatternTests {
    @Test(
        "covers what it matches and everything below",
        arguments: [
            ("/usr/share", "usr/share/doc/a", true), ("/usr/share", "usr/shared", false), ("/usr/share", "usr", false),
            ("/usr/*/doc", "usr/share/doc", true), ("/usr/*/doc", "usr/share/local/doc", false),
            ("/usr/**/doc", "usr/share/local/doc/x", true), ("/usr/**/doc", "usr/doc", true),
            ("/etc/*.conf", "etc/host.conf", true), ("/etc/*.conf", "etc/host.config", false),
            ("/etc/a?c", "etc/abc", true), ("/etc/a?c", "etc/ac", false), ("/etc/*a*b*", "etc/xxaxxbxx", true),
        ])
    func covers(pattern: String, path: String, expected: Bool) throws {
        let pattern = try #require(PathPattern(pattern))
        #expect(pattern.covers(FileTree.Path(path).components) == expected)
    }

    @Test("is absolute and clean", arguments: ["usr", "/", "/a//b", "/a/../b", "/a/./b", ""])
    func refused(text: String) {
        #expect(PathPattern(text) == nil)
    }
}
