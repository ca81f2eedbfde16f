import Bytes
import Packages
import TestSupport
import Testing

@Suite("control stanzas")
struct ControlStanzaTests {
    private func parse(_ text: String) throws -> [ControlStanza] {
        try ControlStanza.parse(Array(text.utf8), source: "control")
    }

    @Test("give fields without case, with continuation lines, and pass over comments")
    func fields() throws {
        let stanzas = try parse("# c\nPackage: a\nDepends: b,\n c\n# c\n .\n\n\nPackage:d\r\n\t e \n")
        #expect(stanzas.count == 2)
        #expect(stanzas[0]["package"] == "a" && stanzas[0]["DEPENDS"] == "b,\nc\n.")
        #expect(stanzas[0].fields.map(\.name) == ["Package", "Depends"])
        #expect(stanzas[1]["Package"] == "d\ne")
        #expect(stanzas[1]["Version"] == nil)
        #expect(try parse("\n \n").isEmpty)
    }

    @Test(
        "are refused where a line is no field",
        arguments: ["a\n", ": a\n", " a\n", "a: b\nA: c\n", "a b: c\n", "a: b\n\n c\n"])
    func refused(text: String) {
        let error = #expect(throws: FormatError.self) { _ = try parse(text) }
        #expect(error?.field.hasPrefix("line ") == true)
    }

    @Test("are refused when they are not UTF-8")
    func encoding() {
        #expect(throws: FormatError.self) { _ = try ControlStanza.parse([0x61, 0x3A, 0xFF], source: "control") }
    }

    @Test("survive random bytes")
    func garbage() {
        var random = SeededGenerator(seed: 0xC0)
        for _ in 0..<500 {
            let text = random.bytes(60).map { [0x0A, 0x20, 0x3A, 0x61, 0x23][Int($0) % 5] as UInt8 }
            _ = try? ControlStanza.parse(text, source: "seed 0xC0")
        }
    }
}
