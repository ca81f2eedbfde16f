import Bytes
import Documents
import EventLogs
import Files
import Hashing
import TestSupport
import Testing

/// Logs of real machines; skipped by name where `ASSAY_VECTORS` is not set.
@Suite("Event logs of real machines", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct EventLogVectorTests {
    static func file(_ path: String) throws -> [UInt8] {
        let input = try InputFile((Outside.vectors ?? "") + "/" + path)
        return try input.read(at: 0, count: input.size)
    }

    static func cases(_ kind: String) throws -> [Value] {
        let document = try JSONReader.parse(try file("tdx/public.json"), source: "public.json", mode: .foreign)
        guard case .array(let nodes) = document.value["cases"] else { return [] }
        return nodes.map(\.value).filter { $0["kind"]?.text == kind }
    }

    @Test("every CCEL replays to the recorded RTMRs") func ccel() throws {
        let cases = try Self.cases("rtmr-replay")
        #expect(cases.count >= 6)
        for vector in cases {
            let name = vector["name"]?.text ?? ""
            let path = vector["inputs"]?["ccel"]?["file"]?.text ?? ""
            let log = try SmallLog.parse(try Self.file("tdx/" + path), .tdx)
            let values = try log.replay(.sha384)
            guard case .array(let expected) = vector["expected"]?["rtmr"] else { continue }
            for (index, node) in expected.enumerated() {
                #expect((values[UInt32(index + 1)] ?? .zero(.sha384)).hex == node.value.text, "\(name) RTMR\(index)")
            }
            #expect(log.records.count == vector["expected"]?["n_events_after_header"]?.number, "\(name)")
            let encoded = log.encoded
            #expect(encoded.count == vector["expected"]?["log_end_offset"]?.number, "\(name)")
            #expect(encoded == Array(try Self.file("tdx/" + path).prefix(encoded.count)), "\(name)")
        }
    }

    @Test("damaged logs are refused") func damaged() throws {
        for vector in try Self.cases("ccel-parse-error") {
            let path = vector["inputs"]?["ccel"]?["file"]?.text ?? ""
            #expect(throws: FormatError.self, "\(path)") { try SmallLog.parse(try Self.file("tdx/" + path), .tdx) }
        }
    }

    /// Logs of peers by name, with the records of each and those whose data the digests vouch for.
    @Test(
        "every log of a peer is read whole, replays, and says nothing that its digests contradict",
        arguments: [
            ("dstack-ccel.bin", 18, 12), ("cmc-edk2-202408-layout.ccel.bin", 19, 12), ("gcp-cos113.ccel.bin", 43, 31),
            ("lunal-live1.ccel.bin", 20, 12), ("lunal-live2.ccel.bin", 20, 12), ("dstack-gcp-tpm_eventlog.bin", 45, 24),
            ("tpm/cos-101-amd-sev.bin", 48, 40), ("tpm/rhel8-uefi.bin", 82, 25),
            ("tpm/ubuntu-2104-no-secure-boot.bin", 105, 92),
        ])
    func peers(_ name: String, _ records: Int, _ measured: Int) throws {
        let bytes = try Self.file("peers/eventlogs/" + name)
        var log = try SmallLog.parse(bytes, name.hasSuffix("ccel.bin") ? .tdx : .tpm)
        #expect(log.findings.isEmpty, "\(log.findings.map(\.description))")
        #expect(log.records.count == records)
        #expect(log.records.count { $0.dataStanding == .measured } == measured)
        #expect(log.encoded == Array(bytes.prefix(log.encoded.count)))
        for algorithm in log.algorithms { #expect(try !log.replay(algorithm).isEmpty) }
        #expect(!log.records.contains { $0.summary.contains("that are no") })
        // Any event whose data is what was hashed is caught when the data is changed.
        for index in log.records.indices where log.records[index].dataStanding == .measured {
            let saved = log.records[index].data
            guard !saved.isEmpty, ![.ipl, .nonHostInformation].contains(log.records[index].type) else { continue }
            log.records[index].data[saved.count - 1] ^= 1
            #expect(log.findings.map(\.record) == [index], "event \(index + 1)")
            log.records[index].data = saved
        }
    }

    @Test("TPM logs of recorded boots replay to the PCRs that the guest read, in every bank") func firmwareRuns() throws
    {
        let folder = (Outside.vectors ?? "") + "/firmware-runs/runs"
        var logs = 0
        for name in try FileSystem.list(folder) {
            let run = try JSONReader.parse(
                try Self.file("firmware-runs/runs/" + name), source: name, mode: .foreign
            ).value
            guard let sha = run["files"]?["eventlog"]?["sha256"]?.text else { continue }
            let log = try SmallLog.parse(try Self.file("firmware-runs/blobs/" + sha))
            logs += 1
            #expect(log.findings.isEmpty, "\(name): \(log.findings.map(\.description))")
            for algorithm in log.algorithms {
                guard let recorded = run["pcrs"]?[algorithm.rawValue] else { continue }
                let values = try log.replay(algorithm)
                for index in 0..<16 where index != 10 {
                    let value = values[UInt32(index)] ?? .zero(algorithm)
                    #expect(value.hex == recorded["\(index)"]?.text, "\(name) \(algorithm) PCR\(index)")
                }
            }
        }
        #expect(logs >= 15)
    }
}

extension Value {
    var text: String? { if case .string(let text) = self { text } else { nil } }
    var number: Int? { if case .integer(let number) = self { Int(number) } else { nil } }
}
