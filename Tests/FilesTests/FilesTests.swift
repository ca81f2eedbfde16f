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
        let directory = #expect(throws: FileError.self) { try InputFile.contents(of: folder.path) }
        #expect(directory?.description == "\(folder.path): cannot read: not a file")
        #expect(directory?.outcome == .unusable)
        let long = #expect(throws: FileError.self) { try InputFile(String(repeating: "x", count: 5000)) }
        #expect(long?.hint == "choose a shorter name")
        #expect(long?.outcome == .unusable)
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

@Suite("holes")
struct HoleTests {
    @Test("zero pages stay unwritten and the contents are the same", arguments: [0, 1, 4095, 4096, 9000, 20_480])
    func holes(count: Int) throws {
        let folder = try TemporaryFolder()
        // Pages of ones, zeros, zeros, ones, zeros: the last one may be cut.
        let bytes = (0..<count).map { UInt8([1, 0, 0, 1, 0][$0 / 4096]) }
        let output = try OutputFile(folder.file("f"))
        try output.appendZeros(100 + count)
        try output.writeLeavingHoles(bytes.raw, at: 100)
        try output.commit()
        #expect(try InputFile.contents(of: folder.file("f")) == [UInt8](repeating: 0, count: 100) + bytes)
    }
}

@Suite("byte sources")
struct ByteSourceTests {
    @Test("a window reads like a file of its own, and errors name the place in the whole")
    func window() throws {
        let folder = try TemporaryFolder()
        let bytes = (0..<100).map { UInt8($0) }
        for source in [ByteSource(bytes, name: "f"), try ByteSource(path: folder.write("f", bytes))] {
            let window = try source.window(at: 40, count: 20, "part").window(at: 5, count: 10, "inner")
            #expect(window.count == 10 && window.base == 45)
            #expect(try window.read(at: 2, count: 3, "x") == [47, 48, 49])
            var seen: [UInt8] = []
            try window.forEachChunk(in: 1..<9) { seen += [UInt8](copying: $0) }
            #expect(seen == Array(bytes[46..<54]))
            let error = #expect(throws: FormatError.self) { try window.read(at: 8, count: 3, "field") }
            #expect(error?.offset == 53 && error?.field == "field" && error?.source == source.name)
            for (offset, count) in [(-1, 1), (0, -1), (Int.max, 1), (1, Int.max)] {
                #expect(throws: FormatError.self) { try window.read(at: offset, count: count, "field") }
            }
            let place = #expect(throws: FormatError.self) {
                try window.withReader(at: 4, count: 4, "word") { try $0.expect("word", UInt32(0)) }
            }
            #expect(place?.offset == 49)
        }
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

@Suite("file locks")
struct FileLockTests {
    @Test("a directory is locked without a file in it, and whoever comes second is told before waiting")
    func directory() throws {
        let folder = try TemporaryFolder()
        var first: FileLock? = try FileLock(directory: folder.path) { Issue.record("nobody holds it") }
        var waits = 0
        let second = try FileLock(directory: folder.path) {
            waits += 1
            first = nil
        }
        #expect(waits == 1 && first == nil)
        #expect(try FileSystem.list(folder.path).isEmpty)
        withExtendedLifetime(second) {}
        #expect(throws: FileError.self) { try FileLock(directory: folder.file("none")) }
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
