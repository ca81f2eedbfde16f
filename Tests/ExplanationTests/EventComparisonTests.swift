import Bytes
import Documents
import EventLogs
import Files
import Firmware
import Hashing
import LaunchMeasurement
import Testing
import Trace

@testable import Explanation

/// Logs and predictions made event by event.
struct SampleBoot {
    static let line = "console=ttyS0 root=/dev/vda quiet"
    var events: [(register: UInt32, type: EventType, data: [UInt8], hashed: [UInt8])] = []

    static func variable(_ name: String, _ value: [UInt8]) -> [UInt8] {
        UEFIVariableData(vendor: GUID(zeros: ()), name: name, data: value).encoded
    }

    static func wide(_ line: String) -> [UInt8] { Array(line.utf8).flatMap { [$0, 0] } + [0, 0] }

    /// A direct boot in a TD.
    init() {
        let absent = Self.variable("SecureBoot", [])
        add(1, .variableDriverConfig, absent)
        add(1, .separator, [0, 0, 0, 0])
        for item in ["loader", "pointer", "tables"] {
            add(1, .platformConfigFlags, Array("ACPI DATA".utf8), of: Array(item.utf8))
        }
        add(2, .bootServicesApplication, [], of: Array("kernel".utf8))
        add(1, .variableBoot, Self.variable("BootOrder", [0, 0]), of: [0, 0])
        add(2, .efiAction, Array("Calling EFI Application from Boot Option".utf8))
        add(2, .separator, [0, 0, 0, 0])
        add(3, .eventTag, TaggedEvent.loadOptions.encoded, of: Self.wide(Self.line))
        add(3, .eventTag, TaggedEvent.initrd.encoded, of: Array("initrd".utf8))
        add(2, .efiAction, Array("Exit Boot Services Invocation".utf8))
        add(2, .efiAction, Array("Exit Boot Services Returned with Success".utf8))
    }

    mutating func add(
        _ register: UInt32, _ type: EventType, _ data: [UInt8], of hashed: [UInt8]? = nil, at index: Int? = nil
    ) {
        events.insert((register, type, data, hashed ?? data), at: index ?? events.count)
    }

    mutating func change(_ type: EventType, _ data: [UInt8]?, of hashed: [UInt8], nth: Int = 0) {
        let places = events.indices.filter { events[$0].type == type }
        events[places[nth]].hashed = hashed
        if let data { events[places[nth]].data = data }
    }

    var log: EventLog {
        EventLog(
            registers: .tdx, header: .init(register: 1, algorithms: [.sha384]),
            records: events.map { event in
                .init(
                    register: event.register, type: event.type,
                    digests: [.init(Digest.of(event.hashed, .sha384))], data: event.data)
            })
    }

    /// The same as a prediction, in which what was hashed stands literally.
    var point: MeasurementRecord.Point {
        let registers = (UInt32(1)...4).map { number -> TraceNode in
            var value = Digest.zero(.sha384)
            let nodes = events.filter { $0.register == number }.enumerated().map { index, event -> TraceNode in
                let digest = Digest.of(event.hashed, .sha384)
                value = value.extended(by: digest)
                return TraceNode(
                    id: "RTMR\(number - 1)/\(index)", name: "\(event.type)", operation: .hash,
                    register: "RTMR\(number - 1)", digest: digest, source: .literal(event.hashed),
                    details: [
                        ("eventType", .string("\(event.type)")), ("eventData", .string(event.data.hex)),
                    ])
            }
            return TraceNode(
                id: "RTMR\(number - 1)", name: "", operation: .extend, register: "RTMR\(number - 1)", digest: value,
                children: nodes)
        }
        return MeasurementRecord.Point(
            axes: [], registers: registers.compactMap { node in node.digest.map { .init(node.id, $0) } },
            trace: TraceNode(id: "tdx", name: "boot", children: registers))
    }
}

@Suite("Comparing the events of two boots") struct EventComparisonTests {
    private func differences(
        _ change: (inout SampleBoot) -> Void, files: CandidateFiles = CandidateFiles()
    ) throws -> [EventDifference] {
        var other = SampleBoot()
        change(&other)
        let found = try other.log.histories()
        let expected = SampleBoot()
        let byLog = EventComparison(
            expected: try expected.log.histories(), found: found, files: files, expectsAllRegisters: true)
        let byPrediction = EventComparison(expected: expected.point.histories(), found: found, files: files)
        for comparison in [byLog, byPrediction] {
            let differing = comparison.registers.filter { !$0.isEqual }
            #expect(comparison.isEqual == differing.isEmpty)
        }
        #expect(
            byLog.registers.flatMap(\.differences).map(\.kind)
                == byPrediction.registers.flatMap(\.differences).map(\.kind))
        return byPrediction.registers.flatMap(\.differences)
    }

    @Test("equal boots have no difference, and a register without events is left out") func equal() throws {
        #expect(try differences { _ in }.isEmpty)
        let comparison = EventComparison(
            expected: SampleBoot().point.histories(), found: try SampleBoot().log.histories())
        #expect(comparison.isEqual && comparison.registers.map(\.name) == ["RTMR0", "RTMR1", "RTMR2"])
    }

    @Test("one event more makes one difference, not one for each event after it") func insertion() throws {
        for place in 0...13 {
            let found = try differences { $0.add(1, .variableAuthority, Array("db".utf8), at: place) }
            #expect(found.count == 1 && found.first?.kind == .extra, "at \(place)")
            #expect(found.first?.cause.input == .secureBootAuthority)
        }
    }

    @Test("one event less makes one difference") func removal() throws {
        for place in SampleBoot().events.indices {
            let found = try differences { $0.events.remove(at: place) }
            #expect(found.count == 1 && found.first?.kind == .missing, "event \(place)")
        }
    }

    @Test(
        "a word of the command line is named, with certainty, from what the log does not hold",
        arguments: [
            ("console=ttyS0 quiet", "'root=/dev/vda' is missing"),
            ("console=ttyS0 root=/dev/vda quiet ", "the same words with other blanks"),
            ("initrd=initrd console=ttyS0 root=/dev/vda quiet", "'initrd=initrd' is extra"),
            ("console=ttyS0  root=/dev/vda quiet", "the same words with other blanks"),
            ("console=ttyS0 root=/dev/vda quiet debug", "'debug' is extra"),
            ("init=/bin/sh console=ttyS0 root=/dev/vda quiet", "'init=/bin/sh' is extra"),
        ])
    func commandLine(_ line: String, _ detail: String) throws {
        let found = try differences { $0.change(.eventTag, nil, of: SampleBoot.wide(line)) }
        #expect(found.count == 1)
        let cause = try #require(found.first?.cause)
        #expect(cause.input == .commandLine && cause.certainty == .certain)
        #expect(cause.details.first?.hasPrefix(detail) == true, "\(cause.details)")
    }

    @Test("a command line beyond the usual changes is said to be unknown, and found if it is among the files")
    func foreignCommandLine() throws {
        let line = "console=hvc0 rw"
        func change(_ boot: inout SampleBoot) { boot.change(.eventTag, nil, of: SampleBoot.wide(line)) }
        #expect(try differences(change).first?.cause.certainty == .unknown)
        var files = CandidateFiles(algorithms: [.sha384])
        try files.add("other", path: "other", ByteSource(Array(line.utf8), name: "other"))
        let cause = try #require(try differences(change, files: files).first?.cause)
        #expect(cause.certainty == .certain)
        #expect(cause.details == ["'console=ttyS0' against 'console=hvc0'", "'root=/dev/vda quiet' against 'rw'"])
    }

    @Test("an initrd and a kernel are recognised among files") func files() throws {
        var files = CandidateFiles(algorithms: [.sha384])
        try files.add("initrd", path: "build/initrd", ByteSource(Array("other".utf8), name: "initrd"))
        let found = try differences(
            {
                $0.change(.eventTag, nil, of: Array("other".utf8), nth: 1)
                $0.change(.bootServicesApplication, nil, of: Array("nothing".utf8))
            }, files: files)
        #expect(found.map(\.cause.input) == [.image, .initrd])
        #expect(found.last?.cause.details == ["the found digest is that of build/initrd"])
        #expect(found.first?.cause.certainty == .certain)
    }

    @Test("a call of ExitBootServices that failed and was repeated is named") func retry() throws {
        let found = try differences {
            $0.add(2, .efiAction, Array("Exit Boot Services Returned with Failure".utf8), at: 12)
            $0.add(2, .efiAction, Array("Exit Boot Services Invocation".utf8), at: 13)
        }
        #expect(found.map(\.kind) == [.extra, .extra])
        #expect(found.allSatisfy { $0.cause.certainty == .certain && $0.cause.statement.contains("repeated") })
    }

    @Test("a separator in another register is one event that moved") func movedSeparator() throws {
        let found = try differences { boot in
            boot.events.removeAll { $0.register == 2 && $0.type == .separator }
            boot.add(1, .separator, [0, 0, 0, 0])
        }
        #expect(found.map(\.kind) == [.moved, .moved])
        #expect(Set(found.map(\.otherRegister)) == ["RTMR0", "RTMR1"])
        #expect(found.first?.cause.details.first?.contains("stable202411") == true)
    }

    @Test("variables are compared by their values") func variables() throws {
        let order = try differences { boot in
            boot.change(.variableBoot, SampleBoot.variable("BootOrder", [1, 0, 0, 0]), of: [1, 0, 0, 0])
        }
        #expect(order.first?.cause.details == ["Boot0000 against Boot0001, Boot0000"])
        let secure = SampleBoot.variable("SecureBoot", [1])
        let state = try differences { $0.change(.variableDriverConfig, secure, of: secure) }
        #expect(state.first?.cause.details == ["absent against 01"])
        #expect(state.first?.cause.input == .secureBootVariable && state.first?.cause.certainty == .certain)
    }

    @Test("a log whose data is not what was hashed is not believed") func lies() throws {
        let found = try differences {
            $0.change(.variableDriverConfig, SampleBoot.variable("SecureBoot", [1]), of: Array("other".utf8))
        }
        #expect(found.first?.cause.certainty == .unknown)
        #expect(found.first?.cause.statement.contains("not what was hashed") == true)
    }

    @Test("the memory of a TD is found from its hand-off list") func memory() throws {
        let metadata = TDVFMetadata(sections: [
            .init(
                dataOffset: 0, rawSize: 0, address: 0x80_9000, memorySize: 0x2000, kind: .tdHOB, attributes: 0,
                recordOffset: 0),
            .init(
                dataOffset: 0, rawSize: 0, address: 0x81_0000, memorySize: 0x1_0000, kind: .tempMem, attributes: 0,
                recordOffset: 0),
        ])
        let list = try TDHandoffBlock(memory: 2 << 30, metadata: metadata).measuredBytes
        for memory in [UInt64(3 << 30), 0xB000_0000, 64 << 30, 197 << 20] {
            let other = try TDHandoffBlock(memory: memory, metadata: metadata).measuredBytes
            #expect(MachineSearch.memory(list: list, digest: .of(other, .sha384)) == memory)
        }
        #expect(MachineSearch.memory(of: list) == 2 << 30)
        #expect(MachineSearch.memory(list: Array(list.dropLast()), digest: .zero(.sha384)) == nil)
    }

    @Test("a longest common part is found, and lists too long for it are still paired at their ends") func alignment() {
        #expect(Alignment.common([1, 2, 3, 4], [1, 3, 9, 4]).map(\.0) == [0, 2, 3])
        #expect(Alignment.common([1, 2], [2, 1]).count == 1)
        #expect(Alignment.common([Int](), [1]).isEmpty)
        let long = Array(0..<4000)
        let pairs = Alignment.common(long, [0] + long.reversed() + [3999])
        #expect(pairs.first?.0 == 0 && pairs.last?.0 == 3999)
    }

    @Test("words are compared in their order") func words() {
        #expect(WordDifference.lines("a b", "a b").isEmpty)
        #expect(WordDifference.lines("a=1 b", "a=2 b c") == ["'a=1' against 'a=2'", "'c' is extra"])
        #expect(WordDifference.lines("a b c", "b c") == ["'a' is missing"])
    }
}
