import Bytes
import Files
import Testing

@Suite("programs read while they run")
struct StreamingTests {
    @Test("are ended when their reader has had enough")
    func endless() throws {
        struct Enough: Error {}
        var count = 0
        #expect(throws: Enough.self) {
            _ = try Subprocess("yes", []).stream { piece in
                count += piece.byteCount
                if count > 1 << 20 { throw Enough() }
            }
        }
    }

    @Test("give their exit code and what they said")
    func status() throws {
        var output: [UInt8] = []
        let result = try Subprocess("sh", ["-c", "echo out; echo err >&2; exit 7"]).stream { piece in
            output += [UInt8](copying: piece)
        }
        #expect(result.status == 7)
        #expect(String(decoding: output, as: UTF8.self) == "out\n")
        #expect(result.errorText == "err\n")
    }
}
