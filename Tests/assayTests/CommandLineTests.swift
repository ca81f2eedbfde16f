import Files
import TestSupport
import Testing

@Suite("command line")
struct CommandLineTests {
    @Test("a wrong word is a usage error: exit 2, nothing on standard output")
    func wrongWord() throws {
        let result = try BuiltProgram.run("no-such-verb")
        #expect(result.status == 2)
        #expect(result.output.isEmpty)
        #expect(result.errorText.contains("no-such-verb"))
    }

    @Test("control characters reach no terminal, and a name with a line end begins no message of its own")
    func controlCharacters() throws {
        let name = "a\u{1B}[31m\nassay: error: b"
        for words in [[name], ["inspect", name], ["key", "generate", "-o", "k", "--algorithm", name]] {
            let result = try Subprocess(BuiltProgram.path, words).run()
            #expect(result.status == 2)
            #expect(!result.errors.contains(0x1B))
            #expect(result.errorText.contains("\\u{1b}[31m"))
        }
        let result = try BuiltProgram.run("inspect", name)
        #expect(result.errorText.split(separator: "\n").count { $0.hasPrefix("assay: error:") } == 1)
    }

    @Test("a very long name is shortened in the middle")
    func longName() throws {
        let result = try BuiltProgram.run("inspect", String(repeating: "x", count: 5000))
        #expect(result.status == 2)
        #expect(result.errors.count < 2000)
        #expect(result.errorText.contains("cannot open: file name too long"))
    }

    @Test("output that does not arrive is an error of the machine", .enabled(if: FileSystem.exists("/dev/full")))
    func fullOutput() throws {
        let program = try BuiltProgram.path
        let result = try Subprocess("sh", ["-c", "'\(program)' --help >/dev/full"]).run()
        #expect(result.status == 3)
        #expect(result.errorText.contains("standard output: cannot write: No space left on device"))
    }

    @Test("help and version go to standard output with exit 0")
    func help() throws {
        let help = try BuiltProgram.run("--help")
        #expect(help.status == 0)
        #expect(help.outputText.contains("USAGE: assay"))
        let version = try BuiltProgram.run("--version")
        #expect(version.status == 0)
        #expect(version.outputText.hasSuffix("\n"))
    }
}
