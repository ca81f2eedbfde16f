import Bytes
import Documents
import Files
import Hashing
import Packages
import TestSupport

@testable import GuestImage

/// A small image of packages made on the spot: the definition of `sampleDefinition`, a pool, and the lock.
struct SampleImage {
    let folder: TemporaryFolder
    let definition: ImageDefinition
    let lock: ImageLock
    let overlays = OverlayFiles(["files/init": Array("#!/bin/tool\n".utf8)])

    init(_ text: String = sampleDefinition) throws {
        folder = try TemporaryFolder()
        definition = try decode(text)
        var packages: [Value] = []
        for (name, deb) in Self.packages.sorted(by: { $0.key < $1.key }) {
            try folder.write("pool/\(name).deb", deb)
            packages.append(Self.locked(name, deb, isExtra: ["linux-image-test", "systemd-boot-efi"].contains(name)))
        }
        lock = try Self.lock(of: definition, packages)
    }

    var pool: String { folder.file("pool") }

    func builder(_ variant: ImageVariant = .release) -> ImageBuilder {
        ImageBuilder(
            definition: definition, variant: variant, lock: lock, lockDigest: .zero(.sha256), overlays: overlays,
            sources: PackageSources(pools: [pool]))
    }

    private static var packages: [String: [UInt8]] {
        let stub = PEFile.stub.bytes
        let tool = ELFSample.program(interpreter: "/lib64/ld.so", needed: ["liba.so.1"])
        return [
            "base": deb(
                "base",
                [
                    ("etc/", nil), ("etc/hostname", Array("packaged\n".utf8)),
                    ("usr/share/base/passwd.master", Array("root:*:0:0::/:\n".utf8)),
                    ("usr/share/doc/base/copyright", Array("free\n".utf8)),
                    ("usr/share/doc/base/changelog", Array("long\n".utf8)),
                    ("var/big", (0..<20_000).map { UInt8(truncatingIfNeeded: $0 / 7) }),
                ], scripts: [("postinst", "#!/bin/sh\n"), ("prerm", "#!/bin/sh\n")]),
            "tool": deb(
                "tool",
                [
                    ("usr/bin/tool", tool), ("usr/lib/liba.so.1", ELFSample.program()),
                    ("lib64/ld.so", ELFSample.program()),
                ]),
            "linux-image-test": deb(
                "linux-image-test",
                [
                    ("boot/vmlinuz-6.1-test", stub), ("usr/lib/modules/6.1-test/modules.builtin", []),
                    ("usr/lib/modules/6.1-test/dm-verity.ko", ELFSample.module(["depends=dm-mod"])),
                    ("usr/lib/modules/6.1-test/dm-mod.ko", ELFSample.module(["depends="])),
                    ("usr/lib/modules/6.1-test/sev-guest.ko", ELFSample.module(["depends="])),
                ]),
            "systemd-boot-efi": deb(
                "systemd-boot-efi", [("usr/lib/systemd/boot/efi/linuxx64.efi.stub", stub)]),
        ]
    }

    /// A package with these files; nil is a directory.
    private static func deb(
        _ name: String, _ files: [(path: String, contents: [UInt8]?)], scripts: [(name: String, text: String)] = []
    ) -> [UInt8] {
        var control = TarBytes()
        let fields = "Package: \(name)\nVersion: 1\nArchitecture: amd64\n"
        control.add(Array("./control".utf8), contents: Array(fields.utf8))
        for script in scripts { control.add(Array("./\(script.name)".utf8), contents: Array(script.text.utf8)) }
        var data = TarBytes()
        for (path, contents) in files {
            data.add(Array("./\(path)".utf8), type: contents == nil ? "5" : "0", contents: contents ?? [], mtime: 99)
        }
        var result = Array("!<arch>\n".utf8)
        for (member, bytes) in [
            ("debian-binary", Array("2.0\n".utf8)), ("control.tar", control.closed), ("data.tar", data.closed),
        ] {
            let fields = [(member, 16), ("0", 12), ("0", 6), ("0", 6), ("100644", 8), ("\(bytes.count)", 10)]
            for (text, width) in fields {
                result += Array(text.utf8) + Array(repeating: 0x20, count: width - text.count)
            }
            result += [0x60, 0x0A] + bytes
        }
        return result
    }

    private static func locked(_ name: String, _ deb: [UInt8], isExtra: Bool) -> Value {
        .object([
            ("name", .string(name)), ("version", .string("1")), ("architecture", .string("amd64")),
            ("source", .string("\(name)-source")), ("sourceVersion", .string("1")),
            ("path", .string("pool/main/\(name).deb")), ("size", .count(deb.count)),
            ("sha256", .string(Digest.of(deb, .sha256).hex)), ("archive", .string("debian")),
            ("suite", .string("trixie")), ("component", .string("main")), ("extra", .bool(isExtra)),
        ])
    }

    private static func lock(of definition: ImageDefinition, _ packages: [Value]) throws -> ImageLock {
        let nothing: [(String, Value)] = [
            ("path", .string("lock/x")), ("size", .count(1)), ("sha256", .string(String(repeating: "0", count: 64))),
        ]
        let index = nothing.dropFirst() + [("component", .string("main")), ("path", .string("main/Packages"))]
        let suite: [(String, Value)] = [
            ("name", .string("trixie")), ("archive", .string("debian")), ("inRelease", .object(nothing)),
            ("date", .count(1)), ("signedBy", .array([])), ("indexes", .array(of: [.object(Array(index))])),
        ]
        let question = definition.resolutionRequest
        let request: [(String, Value)] = [
            ("architecture", .string("amd64")),
            (
                "suites",
                .array(of: [
                    .object([
                        ("name", .string("trixie")), ("archive", .string("debian")), ("components", .strings(["main"])),
                    ])
                ])
            ),
            ("keys", .strings(question.keys)), ("packages", .strings(question.packages)),
            ("extras", .strings(question.extras)), ("provided", .strings(question.provided)),
        ]
        let document = Value.object([
            ("version", .count(1)), ("request", .object(request)), ("keyring", .object(nothing)),
            ("suites", .array(of: [.object(suite)])), ("packages", .array(of: packages)),
        ])
        return try ImageLock(parsing: Array(ReadableJSON.encode(document).utf8), source: "image.lock.json")
    }
}
