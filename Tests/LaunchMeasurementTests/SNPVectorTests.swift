import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing

/// One case of `snp/public.json`; its name is the test's argument.
struct SNPCase: Sendable, CustomTestStringConvertible {
    let folder: String
    let entry: Value

    var name: String { entry["name"]?.text ?? "?" }
    var testDescription: String { name }
    var parameters: Value { entry["params"] ?? .null }
    var digest: String? { entry["expected"]?["digest"]?.text }
    var count: Int { Int(parameters["vcpus"]?.number ?? 1) }

    /// The cases of a mode; none where there are no vectors.
    static func of(_ mode: String) -> [SNPCase] {
        guard let vectors = Outside.vectors,
            let bytes = try? InputFile.contents(of: vectors + "/snp/public.json"),
            let index = try? JSONReader.parse(bytes, source: "public.json", mode: .foreign),
            case .array(let nodes) = index.value["cases"]
        else { return [] }
        return nodes.map(\.value).filter { $0["mode"] == .string(mode) }
            .map { SNPCase(folder: vectors + "/snp", entry: $0) }
    }

    /// The bytes of an input, by file or by package; nil if the case has no such input.
    func input(_ name: String) throws -> [UInt8]? {
        guard let input = entry["inputs"]?[name] else { return nil }
        let bytes: [UInt8]
        if let file = input["file"]?.text {
            bytes = try InputFile.contents(of: folder + "/" + file)
        } else if let package = input["package"]?.text, let version = input["version"]?.text,
            let path = input["path"]?.text
        {
            bytes = try PoolPackage(package, version: version).contents(path)
        } else {
            throw TestFailure("an input without file or package")
        }
        guard input["sha256"]?.text == Digest.of(bytes, .sha256).hex else { throw TestFailure("\(name): other bytes") }
        return bytes
    }

    func firmware() throws -> OVMFImage { try OVMFImage(#require(try input("ovmf")), name: "ovmf") }

    func kernel() throws -> KernelInputs? {
        func file(_ bytes: [UInt8]) -> KernelInputs.File {
            .init(artifact: "file", size: bytes.count, sha256: .of(bytes, .sha256))
        }
        return try input("kernel").map {
            KernelInputs(
                kernel: file($0), initrd: try input("initrd").map(file),
                commandLine: Array((entry["inputs"]?["append"]?.text ?? "").utf8))
        }
    }

    func rules() throws -> VMMRules {
        var rules = try #require(KnownVMM.named(parameters["vmm_type"]?.text ?? "QEMU")).rules
        if let rdx = parameters["ec2_rdx"]?.number { rules.rdx = .fixed(rdx) }
        if let address = parameters["vmsa_gpa"]?.number { rules.vmsaGPA = address }
        return rules
    }

    func signature() throws -> VCPUSignature {
        if let raw = parameters["vcpu_sig"]?.number { return VCPUSignature(rawValue: UInt32(raw)) }
        if let name = parameters["vcpu_type"]?.text { return try #require(VCPUSignature(named: name)) }
        let parts = ["family", "model", "stepping"].compactMap { name in
            (parameters["vcpu_" + name] ?? parameters[name])?.number.map { Int($0) }
        }
        guard parts.count == 3 else { return VCPUSignature(rawValue: 0) }
        return try #require(VCPUSignature(family: parts[0], model: parts[1], stepping: parts[2]))
    }
}

extension Value {
    /// The text of a string.
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// An integer, or a string of hex digits.
    var number: UInt64? {
        switch self {
        case .integer(let number): UInt64(number)
        case .string(let text): parseInteger(text)
        default: nil
        }
    }
}

@Suite(
    "SNP known answers",
    .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"),
    .enabled(if: PoolPackage.available, "ASSAY_POOL is not set: real firmware is not checked"))
struct SNPVectorTests {
    @Test("the index holds cases of every kind")
    func kinds() {
        for (mode, count) in [
            ("snp", 18), ("seves", 2), ("sev", 2), ("snp:ovmf-hash", 1), ("snp:svsm", 1), ("snp:metadata-wrapper", 1),
            ("snp:page-chain", 1), ("vmsa-page", 4), ("cpu-signature", 3),
        ] {
            #expect(SNPCase.of(mode).count >= count, "\(mode)")
        }
    }

    @Test("every launch digest of mode snp, and every refusal", arguments: SNPCase.of("snp"))
    func snp(known: SNPCase) throws {
        let parameters = known.parameters
        let kernel = try known.kernel()
        let seed = parameters["snp_ovmf_hash"]?.text.flatMap { Digest(.sha384, hex: $0) }
        let firmware = try SNPFirmware(known.firmware(), seed: seed, lookForVerifier: kernel != nil)
        func launch() throws -> SNPLaunch {
            try SNPLaunch(
                firmware: firmware, kernel: kernel, rules: known.rules(),
                features: parameters["guest_features"]?.number ?? 1, trust: .unknownAllowed)
        }
        guard known.entry["expected"]?["error"] == nil else {
            #expect(throws: SNPMeasurementError.noKernelHashesSection(firmware: "ovmf")) { try launch() }
            return
        }
        let point = try launch().points(known.signature(), vcpus: known.count...known.count).first
        #expect(point?.digest.hex == known.digest)
    }

    @Test("every launch digest of SEV-ES", arguments: SNPCase.of("seves"))
    func seves(known: SNPCase) throws {
        let legacy = known.parameters["legacy_sev_es_init"] == .bool(true)
        let launch = try SEVLaunch(
            firmware: known.firmware(), kernel: known.kernel(), verifies: known.firmware().verifiesKernelHashes(),
            mode: .es(legacyInit: legacy), rules: known.rules(), trust: .unknownAllowed)
        let points = try launch.points(known.signature(), vcpus: 1...known.count)
        #expect(points.last?.digest.hex == known.digest)
        #expect(points.last?.trace.children.last?.digest?.hex == known.digest)
    }

    @Test("every launch digest of SEV", arguments: SNPCase.of("sev"))
    func sev(known: SNPCase) throws {
        let launch = try SEVLaunch(
            firmware: known.firmware(), kernel: known.kernel(), verifies: known.firmware().verifiesKernelHashes(),
            mode: .sev, trust: .unknownAllowed)
        #expect(launch.point().digest.hex == known.digest)
    }

    @Test("every launch digest with an SVSM", arguments: SNPCase.of("snp:svsm"))
    func svsm(known: SNPCase) throws {
        let svsm = try SVSMImage(#require(try known.input("svsm")), name: "svsm.bin")
        let launch = try SNPLaunch(
            svsm: svsm, firmware: known.firmware(), variables: Int(known.parameters["vars_size"]?.number ?? 0))
        #expect(try launch.points(known.signature(), vcpus: 1...known.count).last?.digest.hex == known.digest)
    }

    @Test("the digest of a firmware's pages", arguments: SNPCase.of("snp:ovmf-hash"))
    func firmwareDigest(known: SNPCase) throws {
        #expect(try SNPLaunch.firmwareDigest(known.firmware()).hex == known.digest)
    }

    @Test("a launch from a firmware's digest and metadata alone", arguments: SNPCase.of("snp:metadata-wrapper"))
    func metadataAlone(known: SNPCase) throws {
        let document = try JSONReader.parse(#require(try known.input("metadata")), source: "metadata")
        let launch = try SNPLaunch(firmware: SNPFirmware(record: document, name: "metadata"), rules: known.rules())
        #expect(try launch.points(known.signature(), vcpus: 1...known.count).last?.digest.hex == known.digest)
    }

    @Test("a chain of plain pages", arguments: SNPCase.of("snp:page-chain"))
    func chain(known: SNPCase) throws {
        let bytes = try #require(try known.input("pages"))
        let type = try #require(PageType(rawValue: UInt8(known.parameters["page_type"]?.number ?? 1)))
        let plan = LaunchPlan(runs: [
            LaunchPlan.Run(
                id: "pages", name: "pages", origin: "", type: type, gpa: known.parameters["gpa"]?.number ?? 0,
                count: bytes.count / 4096, content: .file(artifact: "pages", offset: 0, bytes: bytes[...]))
        ])
        #expect(plan.measure().digest.value.hex == known.digest)
    }

    @Test("the bytes of VMSA pages", arguments: SNPCase.of("vmsa-page"))
    func saveAreas(known: SNPCase) throws {
        let parameters = known.parameters
        let start = UInt32(try #require(parameters["reset_eip"]?.number))
        let features = try #require(parameters["sev_features"]?.number)
        let area: VMSA =
            if parameters["svsm"] == .bool(true) {
                try .svsm(start: UInt64(start), signature: known.signature())
            } else if start == VMSA.bootAddress {
                try .boot(known.rules(), signature: known.signature(), features: features)
            } else {
                try .application(known.rules(), start: start, signature: known.signature(), features: features)
            }
        #expect(Digest.of(area.bytes, .sha256).hex == known.entry["expected"]?["sha256"]?.text)
        #expect(Digest.of(area.bytes, .sha384).hex == known.entry["expected"]?["sha384"]?.text)
    }

    @Test("vCPU signatures from family, model and stepping", arguments: SNPCase.of("cpu-signature"))
    func signatures(known: SNPCase) throws {
        #expect(try known.signature().description == known.entry["expected"]?["signature"]?.text)
    }

    @Test("the inputs that came with a signed Milan report give its measurement")
    func signedReport() throws {
        let folder = try #require(Outside.vectors) + "/peers/snp"
        let bytes = try InputFile.contents(of: folder + "/dstack-milan.inputs.json")
        let document = try JSONReader.parse(bytes, source: "inputs", mode: .foreign).value
        let inputs = try #require(document["measurement_input"])
        guard case .array(let items) = inputs["ovmf_sections"] else { throw TestFailure("no sections") }
        let sections = items.map(\.value).map { item in
            SEVMetadata.Section(
                gpa: UInt32(item["gpa"]?.number ?? 0), size: UInt32(item["size"]?.number ?? 0),
                kind: .init(rawValue: UInt32(item["section_type"]?.number ?? 0)), recordOffset: 0)
        }
        func digest(_ key: String, _ algorithm: HashAlgorithm) throws -> Digest {
            try #require(inputs[key]?.text.flatMap { Digest(algorithm, hex: $0) })
        }
        let firmware = try SNPFirmware(
            name: "ovmf", seed: digest("ovmf_hash", .sha384), metadata: SEVMetadata(sections: sections),
            resetAddress: UInt32(inputs["sev_es_reset_eip"]?.number ?? 0),
            hashTableArea: .init(base: UInt32(inputs["sev_hashes_table_gpa"]?.number ?? 0), size: 0x400))
        let report = try InputFile.contents(of: folder + "/dstack-milan.report.bin")
        let measured = try #require(Digest(.sha384, bytes: report[0x90..<0xC0]))
        var line = try #require(inputs["base_cmdline"]?.text)
        if let whole = inputs["cmdline"]?.text { line = whole }
        let kernel = KernelInputs(
            kernel: .init(artifact: "kernel", size: 0, sha256: try digest("kernel_hash", .sha256)),
            initrd: .init(artifact: "initrd", size: 0, sha256: try digest("initrd_hash", .sha256)),
            commandLine: Array(line.utf8))
        let launch = try SNPLaunch(firmware: firmware, kernel: kernel, trust: .unknownAllowed)
        let signature = try #require(VCPUSignature(named: inputs["vcpu_type"]?.text ?? ""))
        #expect(try launch.points(signature, vcpus: 2...2).first?.digest == measured)
    }
}
