private import Bytes
private import Files

/// Which build a QEMU is: the package that it came in, and the file that runs.
public struct QEMUBuild: Hashable, Sendable {
    /// Name and version of the package.
    public var package, version: String
    /// Path of the program itself, behind a script that starts it.
    public var binary: String

    public init(package: String, version: String, binary: String) {
        self.package = package
        self.version = version
        self.binary = binary
    }

    /// Finds out about `program`: a program that a package of this host installed, or the starter of an unpacked root
    /// as `ci/qemu-root` makes it (a `version` file beside it, the program below `usr/bin`).
    public init(of program: String) throws {
        guard let path = Subprocess.find(program) else {
            throw QEMUError(program, "not found", hint: "install qemu-system-x86, or name a QEMU with --qemu")
        }
        let folder = FileSystem.parent(of: path)
        if FileSystem.exists(folder + "/version"), FileSystem.exists(folder + "/usr/bin/qemu-system-x86_64") {
            try self.init(root: folder)
        } else {
            try self.init(installed: path)
        }
    }

    private init(root folder: String) throws {
        let text = String(decoding: try InputFile.contents(of: folder + "/version", limit: 4096), as: UTF8.self)
        let words = text.split(whereSeparator: { $0 == " " || $0 == "\n" })
        guard words.count >= 2 else {
            throw QEMUError(folder + "/version", "expected 'PACKAGE VERSION SUITE'", hint: "make it with ci/qemu-root")
        }
        self.init(
            package: String(words[0]), version: String(words[1]), binary: folder + "/usr/bin/qemu-system-x86_64")
    }

    private init(installed path: String) throws {
        let unknown = QEMUError(
            path, "no package of this host installed it",
            hint: "name a QEMU from a package, or unpack one with ci/qemu-root")
        guard Subprocess.find("dpkg-query") != nil else { throw unknown }
        let owner = try Subprocess("dpkg-query", ["--search", path]).run()
        guard owner.status == 0, let name = owner.outputText.split(separator: ":").first else { throw unknown }
        let version = try Subprocess("dpkg-query", ["--show", "--showformat=${Version}", String(name)]).run()
        guard version.status == 0, !version.output.isEmpty else { throw unknown }
        self.init(package: String(name), version: version.outputText, binary: path)
    }
}
