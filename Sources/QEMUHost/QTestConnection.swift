private import Bytes
private import Files

/// A QEMU whose processors never run, driven through its test protocol (QEMU `docs/devel/testing/qtest.rst`): port I/O
/// and memory accesses as lines of text, answered by `OK` and a value.
final class QTestConnection {
    /// Longest time for an answer, in seconds: a machine of many vCPUs takes some to start, on a busy host far more.
    private static let patience = 300
    private let program: RunningProgram
    private let name: String

    /// Starts the machine stopped, with the protocol on standard input and output.
    init(program name: String, arguments: [String]) throws {
        self.name = name
        let words = arguments + ["-S", "-qtest", "stdio", "-qtest-log", "none"]
        program = try RunningProgram(Subprocess(name, words))
    }

    /// Ends the machine.
    func close() { program.stop() }

    func writePort(_ port: UInt16, _ value: UInt32) throws {
        _ = try send("outl \(hexadecimal(port)) \(hexadecimal(value))")
    }
    func writePort(_ port: UInt16, byte value: UInt8) throws {
        _ = try send("outb \(hexadecimal(port)) \(hexadecimal(value))")
    }
    func writePort(_ port: UInt16, word value: UInt16) throws {
        _ = try send("outw \(hexadecimal(port)) \(hexadecimal(value))")
    }

    func readPort(_ port: UInt16) throws -> UInt32 {
        let answer = try send("inl \(hexadecimal(port))")
        guard let value = parseInteger(answer).flatMap({ UInt32(exactly: $0 & 0xFFFF_FFFF) }) else {
            throw unexpected(answer)
        }
        return value
    }

    func writeMemory(_ address: UInt64, _ bytes: [UInt8]) throws {
        _ = try send("write \(hexadecimal(address)) \(hexadecimal(bytes.count)) 0x\(bytes.hex)")
    }

    func readMemory(_ address: UInt64, _ count: Int) throws -> [UInt8] {
        let answer = try send("read \(hexadecimal(address)) \(hexadecimal(count))")
        guard answer.hasPrefix("0x"), let bytes = [UInt8](hex: answer.dropFirst(2)), bytes.count == count else {
            throw unexpected(answer)
        }
        return bytes
    }

    /// Sends a command; gives what follows `OK`.
    private func send(_ command: String) throws -> String {
        do {
            try program.send(Array((command + "\n").utf8))
            while let line = try program.readLine(within: Self.patience) {
                let text = String(decoding: line, as: UTF8.self)
                if text.hasPrefix("IRQ ") { continue }
                guard text == "OK" || text.hasPrefix("OK ") else { throw unexpected(text) }
                return String(text.dropFirst(3))
            }
        } catch let error as FileError {
            throw QEMUError(name, "\(error.reason)\(complaint)", hint: error.hint)
        }
        throw QEMUError(
            name, "it ended\(complaint)", hint: "the machine's arguments may not suit this version of QEMU")
    }

    private func unexpected(_ answer: String) -> QEMUError {
        QEMUError(name, "answered '\(answer.prefix(80))' on its test protocol, expected 'OK'\(complaint)")
    }

    /// The last thing that QEMU printed, for errors.
    private var complaint: String {
        let text = program.errorText.split(separator: "\n").suffix(3).joined(separator: "; ")
        return text.isEmpty ? "" : " (\(text))"
    }
}
