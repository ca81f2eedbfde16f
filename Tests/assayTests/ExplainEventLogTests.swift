import Bytes
import Documents
import Files
import TestSupport
import Testing

/// A log of SHA-256 put together byte by byte.
private struct LogBytes {
    private static let header =
        ([UInt8](hex: "0000000003000000" + String(repeating: "00", count: 20) + "21000000") ?? [])
        + Array("Spec ID Event03\0".utf8) + ([UInt8](hex: "000000000002000201000000" + "0b002000" + "00") ?? [])
    /// SHA-256 of four zero bytes, and of the action below, as sha256sum prints them.
    static let separator = "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"
    static let called = "3d6772b4f84ed47595d72a2c4c5ffd15f5bb72c7507fe26f2aaee2c69d5633ba"

    private(set) var bytes = header

    mutating func add(_ register: UInt32, _ type: UInt32, _ digest: String, _ data: [UInt8]) {
        var writer = ByteWriter()
        writer.append(register)
        writer.append(type)
        writer.append(UInt32(1))
        writer.append(UInt16(0x0B))
        writer.append([UInt8](hex: digest) ?? [])
        writer.append(UInt32(data.count))
        writer.append(data)
        bytes += writer.bytes
    }

    /// A boot option's call, a separator in PCR 4, and on request an image between them.
    static func boot(image: Bool = false) -> LogBytes {
        var log = LogBytes()
        log.add(4, 0x8000_0007, called, Array("Calling EFI Application from Boot Option".utf8))
        if image { log.add(4, 0x8000_0003, String(repeating: "ab", count: 32), [UInt8](repeating: 0, count: 32)) }
        log.add(4, 4, separator, [0, 0, 0, 0])
        return log
    }
}

@Suite("assay explain of event logs") struct ExplainEventLogTests {
    private let folder: TemporaryFolder
    private let plain, withImage, prediction: String

    init() throws {
        folder = try TemporaryFolder()
        plain = try folder.write("plain.log", LogBytes.boot().bytes)
        withImage = try folder.write("image.log", LogBytes.boot(image: true).bytes)
        // SHA-256(SHA-256(32 zero bytes ‖ action) ‖ separator), made with Python's hashlib.
        let value = "7a94ffe8a7729a566d3d3c577fcb4b6b1e671f31540375f80eae6382ab785e35"
        func event(_ index: Int, _ type: String, _ digest: String, _ literal: String) -> String {
            """
            {"id": "PCR4.sha256/\(index)", "name": "event \(index)", "operation": "hash", "register": "PCR4.sha256",
             "digest": "\(digest)", "algorithm": "sha256", "source": {"literal": "\(literal)"},
             "details": {"eventType": "\(type)"}}
            """
        }
        let text = Array("Calling EFI Application from Boot Option".utf8).hex
        prediction = try folder.write(
            "prediction.json",
            Array(
                """
                {"pcrs": {"sha256": {"4": "\(value)"}}, "exitBootServices": "first", "events": [], "unpredicted": [],
                 "trace": {"id": "vtpm", "name": "boot", "operation": "group", "children": [
                   {"id": "PCR4.sha256", "name": "PCR4.sha256", "operation": "extend", "register": "PCR4.sha256",
                    "digest": "\(value)", "algorithm": "sha256", "children": [
                      \(event(0, "EV_EFI_ACTION", LogBytes.called, text)),
                      \(event(1, "EV_SEPARATOR", LogBytes.separator, "00000000"))]}]}}
                """.utf8))
    }

    @Test("a log alone is told register by register, with what was hashed") func alone() throws {
        let result = try BuiltProgram.run("explain", plain)
        #expect(result.status == 0, "\(result.errorText)")
        let lines = result.outputText.split(separator: "\n")
        #expect(lines.first == "PCR4")
        #expect(lines.contains("  1. EV_EFI_ACTION Calling EFI Application from Boot Option"))
        #expect(lines.contains("     hashed: the event data; that the firmware did this"))
    }

    @Test("a log is compared with a prediction, in either order") func predicted() throws {
        for (first, second) in [(plain, prediction), (prediction, plain)] {
            let result = try BuiltProgram.run("explain", first, "--against", second)
            #expect(result.status == 0 && result.outputText == "equal: PCR4\n", "\(result.errorText)")
        }
        let result = try BuiltProgram.run("explain", withImage, "--against", prediction)
        #expect(result.status == 1)
        let lines = result.outputText.split(separator: "\n").map(String.init)
        #expect(lines.first == "PCR4 differs: 2 events expected, 3 found")
        #expect(lines.count { $0.contains("event ") } == 1, "\(result.outputText)")
        #expect(lines.contains("    certain: boot image: one more image was started"))
    }

    @Test("two logs are compared by explain and by eventlog diff alike, as text and as JSON") func logs() throws {
        let explained = try BuiltProgram.run("explain", withImage, "--against", plain)
        let compared = try BuiltProgram.run("eventlog", "diff", plain, withImage)
        #expect(explained.status == 1 && compared.status == 1)
        #expect(explained.outputText == compared.outputText)
        let json = try BuiltProgram.run("eventlog", "diff", plain, withImage, "--json")
        let document = try JSONReader.parse(json.output, source: "output").value
        #expect(document["equal"] == .bool(false))
        guard case .array(let registers)? = document["registers"],
            case .array(let differences)? = registers.first?.value["differences"]
        else { throw TestFailure("no differences") }
        #expect(differences.count == 1 && differences.first?.value["kind"] == .string("extra"))
        #expect(differences.first?.value["certainty"] == .string("certain"))
        #expect(try BuiltProgram.run("eventlog", "diff", plain, plain).status == 0)
    }

    @Test("a log that says what was not hashed, or has a second separator, is told and not believed") func lies() throws
    {
        var log = LogBytes.boot()
        log.add(4, 4, LogBytes.separator, [0, 0, 0, 0])
        log.add(4, 0x8000_0007, LogBytes.separator, Array("nothing".utf8))
        let file = try folder.write("lies.log", log.bytes)
        let result = try BuiltProgram.run("eventlog", "replay", file)
        #expect(result.status == 1 && result.outputText.hasPrefix("PCR4.sha256 "))
        #expect(result.errorText.contains("event 3 (PCR4 EV_SEPARATOR)"))
        #expect(result.errorText.contains("event 4 (PCR4 EV_EFI_ACTION)"))
        #expect(try BuiltProgram.run("eventlog", "show", file).outputText.contains("not to be trusted: event 3"))
    }

    @Test("inspect knows a log") func inspect() throws {
        let result = try BuiltProgram.run("inspect", plain)
        #expect(result.status == 0 && result.outputText.hasPrefix("kind: event log\nregistersOf: a TPM\n"))
    }

    @Test("a launch measurement and a log, and files that are neither, are refused") func refused() throws {
        let launch = try folder.write("snp.json", Array(#"{"mode": "snp"}"#.utf8))
        let result = try BuiltProgram.run("explain", launch, "--against", plain)
        #expect(result.status == 2 && result.errorText.contains("print the measurement with --trace"))
        let text = try folder.write("text", Array("hello, this is text and no log".utf8))
        let other = try BuiltProgram.run("explain", text)
        #expect(other.status == 2 && other.errorText.contains("Spec ID Event03"))
    }
}
