import Bytes
import Documents
import Explanation
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing
import Trace

/// One launch, of which each test changes one thing.
private struct Launch {
    var firmware = SyntheticFirmware()
    var change: (offset: Int, byte: UInt8)?
    var kernel: KernelInputs? = kernelInputs()
    var vmm = KnownVMM.all[0]
    var model = "EPYC-Milan"
    var features: UInt64 = 1
    var vcpus = 2

    func point() throws -> MeasurementRecord.Point {
        var bytes = firmware.bytes
        if let change { bytes[change.offset] ^= change.byte }
        let image = try OVMFImage(bytes, name: "OVMF.fd")
        let launch = try SNPLaunch(
            firmware: SNPFirmware(image, lookForVerifier: false), kernel: kernel, rules: vmm.rules,
            features: features, trust: .unverifiedAllowed)
        let signature = try #require(VCPUSignature(named: model))
        let point = try #require(launch.points(signature, vcpus: vcpus...vcpus).first)
        let measurement = Measurement(
            platform: "test", tee: .snp, axes: [.init("vcpus", String(vcpus))],
            registers: [.init("LAUNCH_DIGEST", point.digest)], trace: point.trace)
        // Through the text, as a file would hold it.
        let text = Array(ReadableJSON.encode(.array(of: [measurement.document])).utf8)
        return try MeasurementRecord(text, source: "test.json").points[0]
    }
}

private func kernelInputs(_ line: String = "root=x", kernel: String = "kernel") -> KernelInputs {
    func file(_ name: String, _ content: String) -> KernelInputs.File {
        .init(artifact: name, size: content.utf8.count, sha256: .of(Array(content.utf8), .sha256))
    }
    return KernelInputs(
        kernel: file("vmlinuz", kernel), initrd: file("initrd", "initrd"), commandLine: Array(line.utf8))
}

/// The differences of one register of two launches that differ by a change.
private func differences(_ change: (inout Launch) throws -> Void) throws -> [LaunchDifference] {
    var other = Launch()
    try change(&other)
    let comparison = LaunchComparison(try Launch().point(), try other.point())
    try #require(comparison.different.map(\.name) == ["LAUNCH_DIGEST"])
    return comparison.different[0].differences
}

@Suite("what makes two launches differ")
struct LaunchComparisonTests {
    @Test("nothing: all registers are equal")
    func equal() throws {
        let comparison = LaunchComparison(try Launch().point(), try Launch().point())
        #expect(comparison.isEqual && comparison.equal == ["LAUNCH_DIGEST"] && comparison.facts.isEmpty)
    }

    @Test("the number of vCPUs, one and several, and one against none")
    func vcpus() throws {
        for count in [1, 5] {
            let found = try differences { $0.vcpus = count }
            #expect(found.map(\.kind) == [.vcpuCount], "\(found)")
            #expect(found[0].first == "2" && found[0].second == String(count) && found[0].rule == "snp.vcpus")
        }
    }

    @Test("the CPU model: RDX of every save area")
    func model() throws {
        let found = try differences { $0.model = "EPYC-Genoa" }
        #expect(found.map(\.node) == ["vmsa-boot", "vmsa-others"])
        #expect(found[0].kind == .saveAreaField && found[0].cause.hasPrefix("RDX"))
        #expect(found[0].first == "0xa00f11" && found[0].second == "0xa10f10")
    }

    @Test("SEV features: the field of that name")
    func features() throws {
        let found = try differences { $0.features = 0x21 }
        #expect(found[0].cause == "SEV_FEATURES" && found[0].rule == "snp.features")
        #expect(found[0].first == "0x1" && found[0].second == "0x21" && found[0].gpa == 0xFFFF_FFFF_F000)
    }

    @Test("the command line with both texts, and the kernel by its file")
    func kernel() throws {
        let line = try differences { $0.kernel = kernelInputs("root=x ") }
        #expect(line.count == 1 && line[0].kind == .kernelHashTable && line[0].node == "cmdline")
        #expect(line[0].first == "'root=x'" && line[0].second == "'root=x '")
        let kernel = try differences { $0.kernel = kernelInputs(kernel: "kerneL") }
        #expect(kernel.count == 1 && kernel[0].kind == .kernelHashTable)
        #expect(kernel[0].node == "kernel" && kernel[0].cause.contains("vmlinuz"))
        let none = try differences { $0.kernel = nil }
        #expect(none[0].kind == .kernelHashTable && none[0].rule == "snp.kernelHashes")
        #expect(none[0].first == "on" && none[0].second == "off")
    }

    @Test("a byte of the firmware: the file")
    func firmware() throws {
        let found = try differences { $0.change = (0x1800, 1) }
        #expect(found.map(\.kind) == [.artifact], "\(found)")
        #expect(found[0].cause == "bytes of OVMF.fd" && found[0].node == "firmware")
    }

    @Test("a firmware that starts processors elsewhere, and one with another section")
    func metadata() throws {
        let reset = try differences { $0.firmware.resetAddress = 0x80_C008 }
        #expect(reset[0].kind == .artifact)
        #expect(reset.dropFirst().map(\.cause).contains { $0.hasPrefix("RIP (where the processor starts") })
        let section = try differences { $0.firmware.sections?[5].size = 0xE000 }
        #expect(section[0].kind == .artifact)
        #expect(section[1].kind == .firmwareSection && section[1].first == "15" && section[1].second == "14")
    }

    @Test(
        "the VMM: its rules by name",
        arguments: [
            ("ec2", "pages.cpuid", "order"), ("gce", "pages.sec_mem", "SNP_SEC_MEM"),
            ("krun", "vmsa.cs.bsp", "CS attributes"), ("QEMU-before-init2", "vmsa.mxcsr", "MXCSR"),
        ])
    func vmm(name: String, rule: String, cause: String) throws {
        let found = try differences { $0.vmm = try #require(KnownVMM.named(name)) }
        #expect(found[0].rule == rule, "\(found)")
        #expect(found[0].cause.hasPrefix(cause), "\(found[0].cause)")
        #expect(found.allSatisfy { $0.rule != nil && [.profileRule, .saveAreaField].contains($0.kind) }, "\(found)")
    }

    @Test("an event that is changed, added or gone, in a register that is extended")
    func events() throws {
        func event(_ name: String, _ index: Int) -> TraceNode {
            TraceNode(
                id: "RTMR1/\(index)", name: name, operation: .hash, register: "RTMR1",
                digest: .of(Array(name.utf8), .sha384), source: .literal(Array(name.utf8)))
        }
        func point(_ names: [String]) throws -> MeasurementRecord.Point {
            var value = Digest.zero(.sha384)
            let nodes = names.enumerated().map { index, name in event(name, index) }
            for node in nodes { value = value.extended(by: try #require(node.digest)) }
            let root = TraceNode(
                id: "RTMR1", name: "RTMR1", operation: .extend, register: "RTMR1", digest: value, children: nodes)
            return MeasurementRecord.Point(
                axes: [], facts: [], registers: [.init("RTMR1", value)],
                trace: TraceNode(id: "tdx", name: "tdx", children: [root]))
        }
        func causes(_ names: [String]) throws -> [LaunchDifference] {
            let comparison = LaunchComparison(try point(["a", "b", "c"]), try point(names))
            return comparison.different.flatMap(\.differences)
        }
        let added = try causes(["a", "x", "b", "c"])
        #expect(added.map(\.cause) == ["x"] && added[0].first == "missing" && added[0].kind == .event)
        let gone = try causes(["a", "c"])
        #expect(gone.map(\.cause) == ["b"] && gone[0].second == "missing")
        #expect(try causes(["a", "c", "b"]).map(\.cause) == ["order: which comes first"])
        #expect(try causes(["a", "y", "c"]).map(\.second) == ["y"])
    }
}

@Suite("measurement files")
struct MeasurementRecordTests {
    private func text(_ edits: [(String, String)] = []) throws -> String {
        let trace = TraceNode(
            id: "snp", name: "launch", operation: .chain, register: "LAUNCH_DIGEST", digest: .of([1], .sha384),
            children: [
                TraceNode(
                    id: "firmware", name: "firmware", operation: .chain, gpa: 0xFFC0_0000, digest: .of([2], .sha384),
                    source: .range(artifact: "OVMF.fd", offset: 0, count: 4096),
                    details: [("content", .object([("0x10", .string("ff"))]))], count: 3)
            ])
        var text = ReadableJSON.encode(
            .object([
                ("mode", .string("snp")), ("launchDigest", .string(Digest.of([1], .sha384).hex)), ("vcpus", .count(1)),
                ("vmm", .string("QEMU")), ("trace", trace.document),
            ]))
        for (old, new) in edits {
            try #require(text.contains(old), "\(old)")
            text = text.replacing(old, with: new)
        }
        return text
    }

    @Test("are read whole")
    func reads() throws {
        let record = try MeasurementRecord(Array(text().utf8), source: "a.json")
        #expect(record.points.map(\.label) == ["vcpus=1"])
        #expect(record.points[0].facts == [.init("mode", "snp"), .init("vmm", "QEMU")])
        let node = record.points[0].trace.children[0]
        #expect(node.gpa == 0xFFC0_0000 && node.count == 3 && node.details.count == 1)
        #expect(node.source == .range(artifact: "OVMF.fd", offset: 0, count: 4096))
        #expect(record.point([.init("vcpus", "2")]) == nil)
    }

    @Test(
        "that were changed or are no measurement are refused, with the place",
        arguments: [
            ("\"launchDigest\": \"", "\"launchDigest\": \"00", "registers are not those"),
            ("\"vcpus\": 1", "\"vcpus\": 1, \"vcpus\": 1", "duplicate key"),
            ("\"operation\": \"chain\"", "\"operation\": \"sum\"", "expected one of group"),
            ("\"algorithm\": \"sha384\"", "\"algorithm\": \"sha256\"", "64 lower-case hex digits"),
            ("\"count\": 3", "\"count\": -3", "expected 0 to"),
            ("\"id\": \"firmware\"", "\"idd\": \"firmware\"", "idd"),
            ("\"artifact\"", "\"artefact\"", "did you mean 'artifact'"),
            ("\"gpa\": \"0xffc00000\"", "\"gpa\": \"0xfffffffffffffffff\"", "expected a decimal or 0x integer"),
            ("\"trace\"", "\"traces\"", "trace: missing"), ("\"mode\"", "\"node\"", "mode"),
        ])
    func refuses(old: String, new: String, problem: String) throws {
        let changed = Array(try text([(old, new)]).utf8)
        let error = #expect(throws: DocumentError.self) { try MeasurementRecord(changed, source: "a.json") }
        let message = "\(error.map { "\($0) \($0.hint ?? "")" } ?? "")"
        #expect(message.contains(problem), "\(message)")
        #expect(message.hasPrefix("a.json:"))
    }

    @Test("of a build are read with a trace for each point, and a trace that was changed is refused")
    func platform() throws {
        let traces = ["vcpus=1", "vcpus=2"].map { label in
            TraceNode(
                id: label, name: "launch", operation: .chain, register: "R", digest: .of(Array(label.utf8), .sha384))
        }
        let trace = TraceNode(id: "p", name: "profile", children: traces)
        let points = traces.enumerated().map { index, node in
            Value.object([
                ("axes", .object([("vcpus", .string("\(index + 1)"))])),
                ("registers", .object([("R", .string(node.digest?.hex ?? ""))])),
            ])
        }
        let document = Value.object([
            ("platform", .string("p")), ("tee", .string("snp")), ("profileDigest", .string("00")),
            ("points", .array(of: points)), ("traceDigest", .string(try trace.documentDigest().hex)),
            ("trace", trace.document),
        ])
        let text = String(decoding: try CanonicalJSON.encode(document), as: UTF8.self)
        let record = try MeasurementRecord(Array(text.utf8), source: "p.json")
        #expect(record.points.map(\.label) == ["vcpus=1", "vcpus=2"])
        let comparison = LaunchComparison(record.points[0], record.points[1])
        #expect(comparison.different.first?.differences.map(\.kind) == [.untold])
        let changed = Array(text.replacing("\"launch\"", with: "\"lunch\"").utf8)
        let error = #expect(throws: DocumentError.self) { try MeasurementRecord(changed, source: "p.json") }
        #expect(error?.path == "traceDigest")
        let label = Array(text.replacing("\"vcpus\":\"2\"", with: "\"vcpus\":\"3\"").utf8)
        #expect(throws: DocumentError.self) { try MeasurementRecord(label, source: "p.json") }
    }

    @Test("with too many levels are refused, and empty ones too")
    func limits() throws {
        var node = TraceNode(id: "x", name: "x")
        for _ in 0..<TraceNode.maximumDepth { node = TraceNode(id: "x", name: "x", children: [node]) }
        let error = #expect(throws: DocumentError.self) { try TraceNode(Node(node.document)) }
        #expect(error?.problem.contains("levels") == true)
        for text in ["[]", "{}", "{\"mode\": \"snp\", \"points\": []}", "3", ""] {
            #expect(throws: DocumentError.self) { try MeasurementRecord(Array(text.utf8), source: "a.json") }
        }
    }

    @Test("of garbage end in an error, and pages that leave their bounds in none")
    func hostile() throws {
        let seed = UInt64.random(in: 1...UInt64.max)
        print("garbage measurements: seed \(seed)")
        var generator = SeededGenerator(seed: seed)
        let good = Array(try text().utf8)
        for _ in 0..<400 {
            var bytes = good
            for _ in 0..<3 {
                bytes[Int.random(in: bytes.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            guard let point = try? MeasurementRecord(bytes, source: "a.json").points[0] else { continue }
            _ = LaunchComparison(point, point)
        }
        func area(_ key: String, _ value: String) -> TraceNode {
            TraceNode(
                id: "vmsa-boot", name: "VMSA", operation: .chain, register: "R",
                digest: .of(Array(value.utf8), .sha384),
                details: [("pageType", .count(2)), ("content", .object([(key, .string(value))]))])
        }
        func point(_ node: TraceNode) -> MeasurementRecord.Point {
            .init(axes: [], facts: [], registers: [], trace: node)
        }
        for (key, value) in [
            ("0xfff", "0102"), ("0xffffffffffffffff", "01"), ("x", "01"), ("0x0", "zz"), ("0xfff", "01"),
        ] {
            let comparison = LaunchComparison(point(area("0x0", "02")), point(area(key, value)))
            #expect(comparison.different.first?.differences.isEmpty == false, "\(key)")
        }
    }
}
