import TestSupport
import Testing

@testable import LaunchMeasurement

@Suite("Commands of a GRUB configuration")
struct GRUBScriptTests {
    /// The strings that GRUB measures for the commands of a text.
    private func strings(_ text: String, _ set: [String: String] = [:]) throws -> [String] {
        var environment = GRUBEnvironment(device: "hd0,gpt1", prefix: "/EFI/debian")
        for (name, value) in set.sorted(by: { $0.key < $1.key }) { _ = environment.set(name, value) }
        var script = try GRUBScript(Array(text.utf8), name: "grub.cfg", isFile: true)
        var result: [String] = []
        while let command = try script.command() {
            let words = try environment.expand(command, of: script) + (command.block.map { [$0] } ?? [])
            result.append(words.joined(separator: " "))
        }
        return result
    }

    private func reason(_ text: String) -> String {
        do {
            _ = try strings(text)
            return ""
        } catch { return (error as? GRUBNotComputed)?.reason ?? "\(error)" }
    }

    // Each text and its string as GRUB 2.12 logged them in a recorded boot.
    @Test(
        "quotes, variables, escapes and separators",
        arguments: [
            ("# top comment\n  # indented\nset a=1; set b=\"x 1 y\"", ["set a=1", "set b=x 1 y"]),
            ("set c='it''s' # trailing\n", ["set c=its"]),
            ("echo $a ${b} \"$b\" \\$b ab$a${a}c", ["echo 1 x 1 y x 1 y $b ab11c"]),
            ("set d=\\\nnext", ["set d=next"]), ("set x=$e\necho $e \"$e\" z", ["set x=", "echo  z"]),
            ("menuentry \"One\" --id one { linux /nothing\n}", ["menuentry One --id one { linux /nothing\n}"]),
            ("menuentry x {\n# column zero\n    # indented\n\tboot\n}", ["menuentry x {\n    # indented\n\tboot\n}"]),
            ("submenu \"Sub\" { menuentry \"Three\" { true } }", ["submenu Sub { menuentry \"Three\" { true } }"]),
            ("menuentry 'a b' { echo '}' \"}\" ${a} \\} # }\n}", ["menuentry a b { echo '}' \"}\" ${a} \\} # }\n}"]),
            ("echo in if fi; echo \"a\\q\\\"\"", ["echo in if fi", "echo a\\q\""]), ("", []), ("\n \n#x", []),
        ])
    func commands(_ text: String, _ expected: [String]) throws {
        #expect(try strings(text, ["a": "1", "b": "x 1 y", "e": ""]) == expected)
    }

    @Test(
        "what is no simple command is named with its line",
        arguments: [
            ("# c\nif true; then", "line 2: 'if'"), ("function f {", "line 1: 'function'"), ("for x in a", "'for'"),
            ("while true", "'while'"), ("! true", "'!'"), ("a | b", "'|'"), ("a && b", "'&'"), ("a > b", "'>'"),
            ("[[ a ]]", "'[['"), ("echo $unset", "'unset'"), ("echo $1", "'$'"), ("echo ${a", "'$'"),
            ("echo $?", "'$'"),
            ("echo *.cfg", "names of files"), ("echo 'open", "quote"), ("echo \"open", "quote"),
            ("echo 'a\nb'", "several"),
            ("menuentry x {", "does not end"), ("}", "'}'"), ("{ true }", "block"), (";", "';'"), ("a {b} c", "behind"),
            ("echo \\", "backslash"), ("a\r\n", "carriage"), ("echo $\"x\"", "'$'"),
        ])
    func refused(_ text: String, _ part: String) { #expect(reason(text).contains(part), "\(reason(text))") }

    @Test("variables that change what GRUB reads are refused, others keep their values")
    func variables() {
        var environment = GRUBEnvironment(device: "hd0,gpt1", prefix: "/x")
        #expect(environment["prefix"] == "(hd0,gpt1)/x" && environment["feature_menuentry_id"] == "y")
        for name in ["lang", "theme", "check_signatures", "superusers", "net_default_ip"] {
            let isSet = environment.set(name, "x")
            #expect(!isSet)
        }
        for (name, value) in [("root", "(hd1,gpt2)"), ("own", "1"), ("kept", "2")] {
            let isSet = environment.set(name, value)
            #expect(isSet)
        }
        #expect(environment["root"] == "hd1,gpt2")
        environment.export("kept")
        environment.dropOwn()
        #expect(environment["own"] == nil && environment["kept"] == "2" && environment["root"] == "hd1,gpt2")
    }

    @Test("garbage gives commands or a reason, never a trap")
    func garbage() {
        let seed: UInt64 = 42
        var random = SeededGenerator(seed: seed)
        let words = [
            "set a=", "menuentry", "{", "}", "$", "${", "\"", "'", "\\", "\n", "#", ";", " ", "if", "[", "é", "a",
        ]
        for _ in 0..<500 {
            var text = ""
            for _ in 0..<Int.random(in: 0..<30, using: &random) { text += words.randomElement(using: &random) ?? "" }
            _ = reason(text)
        }
        for _ in 0..<200 {
            let bytes = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
                UInt8.random(in: 0...255, using: &random)
            }
            do {
                var script = try GRUBScript(bytes, name: "x", isFile: Bool.random(using: &random))
                while try script.command() != nil {}
            } catch { #expect(!error.reason.isEmpty, "seed \(seed)") }
        }
    }
}
