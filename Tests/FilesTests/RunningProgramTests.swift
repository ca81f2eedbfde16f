import Files
import Testing

@Suite("Running program") struct RunningProgramTests {
    @Test("lines go in and come out") func conversation() throws {
        let cat = try RunningProgram(Subprocess("cat", []))
        try cat.send(Array("one\ntwo\n".utf8))
        #expect(try cat.readLine() == Array("one".utf8))
        #expect(try cat.readLine() == Array("two".utf8))
        cat.stop()
        #expect(try cat.readLine() == nil)
    }

    @Test("a silent program is given up on, and what it complained of is kept") func silence() throws {
        let shell = try RunningProgram(Subprocess("sh", ["-c", "echo trouble >&2; sleep 60"]))
        #expect(throws: FileError.self) { try shell.readLine(within: 1) }
        #expect(shell.errorText == "trouble\n")
    }
}
