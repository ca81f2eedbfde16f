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
