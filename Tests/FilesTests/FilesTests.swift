import Bytes
import Files
import TestSupport
import Testing

@Suite("atomic output")
struct OutputFileTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test("appears whole on commit, and not at all without")
    func commit() throws {
        let path = folder.file("out")
        do {
            let file = try OutputFile(path)
            try file.append([1, 2, 3])
            #expect(!FileSystem.exists(path))
        }
        #expect(try FileSystem.list(folder.path).isEmpty)
        let file = try OutputFile(path)
        try file.append([1, 2])
        try file.appendZeros(3)
        try file.append([9])
        try file.write([7], at: 1)
        try file.commit()
        #expect(try InputFile.contents(of: path) == [1, 7, 0, 0, 0, 9])
        #expect(try FileSystem.list(folder.path) == ["out"])
    }

    @Test("a directory is replaced in one step and the old one goes")
    func replaceDirectory() throws {
        let path = folder.file("build")
        for round in ["one", "two"] {
            let new = try FileSystem.temporaryDirectory(beside: path)
            try OutputFile.write(Array(round.utf8), to: new + "/file")
            try FileSystem.replaceDirectory(path, with: new)
            #expect(try InputFile.contents(of: path + "/file") == Array(round.utf8))
        }
        #expect(try FileSystem.list(folder.path) == ["build"])
    }

    @Test("an error names the path, the reason and the way out")
    func missing() {
        let error = #expect(throws: FileError.self) { try InputFile("/no/such/file") }
        #expect(error?.description == "/no/such/file: cannot open: no such file or directory")
        #expect(error?.hint == "check the path")
        #expect(error?.outcome == .unusable)
        #expect(FileError("write", "x", code: 28).outcome == .environment)
    }

    @Test("what is not a file is refused")
    func notAFile() {
        #expect(throws: FileError.self) { try InputFile("/dev/null") }
        #expect(throws: FileError.self) { try InputFile.contents(of: folder.path) }
    }

    @Test("chunks cover a range exactly once")
    func chunks() throws {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        let file = try InputFile(folder.write("f", bytes))
        var seen: [UInt8] = []
        try file.forEachChunk(from: 10, to: 990, chunk: 64) { seen += [UInt8](copying: $0) }
        #expect(seen == Array(bytes[10..<990]))
    }
}

@Suite("host programs")
struct SubprocessTests {
    @Test("gives status, output and errors; arguments are words, not shell")
    func run() throws {
        let script = "cat; echo \"$1\" >&2; exit 3"
        let result = try Subprocess("sh", ["-c", script, "sh", "a b; c"]).run(input: Array("in".utf8))
        #expect(result.status == 3)
        #expect(result.outputText == "in")
        #expect(result.errorText == "a b; c\n")
    }

    @Test("passes only the named environment and the directory")
    func environment() throws {
        let result = try Subprocess("sh", ["-c", "echo $A$USER; pwd"], environment: ["A": "x"], directory: "/").run()
        #expect(result.outputText == "x\n/\n")
    }

    @Test("a missing program is named, with the machine to blame")
    func missing() {
        let error = #expect(throws: FileError.self) { try Subprocess("no-such-program-here", []).run() }
        #expect(error?.description == "no-such-program-here: cannot run: not installed")
        #expect(error?.outcome == .environment)
    }
}

@Suite("finding programs")
struct FindTests {
    @Test("looks in every folder of PATH")
    func path() throws {
        let folders = (FileSystem.environment("PATH") ?? "").split(separator: ":").map { String($0) }
        let last = try #require(folders.last { FileSystem.exists($0) && (try? FileSystem.list($0).isEmpty) == false })
        let program = try #require(
            try FileSystem.list(last).first { Subprocess.find(last + "/" + $0) != nil })
        #expect(Subprocess.find(program) != nil)
    }
}
