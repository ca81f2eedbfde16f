import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing

/// The cases of `snp/public.json` of some modes.
struct SNPVectors {
    let folder: String
    let cases: [Value]

    init() throws {
        guard let vectors = Outside.vectors else { throw TestFailure("ASSAY_VECTORS is not set") }
        folder = vectors + "/snp"
        let index = try JSONReader.parse(
            InputFile.contents(of: folder + "/public.json"), source: "public.json", mode: .foreign)
        guard case .array(let nodes) = index.value["cases"] else { throw TestFailure("no cases") }
        cases = nodes.map(\.value)
    }

    func of(_ mode: String) -> [Value] { cases.filter { $0["mode"] == .string(mode) } }

    /// The bytes of an input, by file or by package; nil if the case has no such input.
    func input(_ name: String, of entry: Value) throws -> [UInt8]? {
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

private func rules(_ parameters: Value) -> VMMRules {
    var rules: VMMRules
    switch parameters["vmm_type"]?.text {
    case "ec2": rules = .ec2
    case "gce": rules = .gce
    default: rules = .qemu
    }
    if let rdx = parameters["ec2_rdx"]?.number { rules.rdx = .fixed(rdx) }
    return rules
}

private func vcpu(_ parameters: Value) -> VCPUSignature? {
    if let raw = parameters["vcpu_sig"]?.number { return VCPUSignature(rawValue: UInt32(raw)) }
    if let name = parameters["vcpu_type"]?.text { return VCPUSignature(named: name) }
    let parts = ["family", "model", "stepping"].compactMap { name in
        (parameters["vcpu_" + name] ?? parameters[name])?.number.map { Int($0) }
    }
    if parts.count == 3 { return VCPUSignature(family: parts[0], model: parts[1], stepping: parts[2]) }
    return VCPUSignature(rawValue: 0)
}

@Suite(
    "SNP known answers",
    .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set: known answers are not checked"),
    .enabled(if: PoolPackage.available, "ASSAY_POOL is not set: real firmware is not checked"))
struct SNPVectorTests {
    private let vectors: SNPVectors
    init() throws { vectors = try SNPVectors() }

    private func launch(_ entry: Value) throws -> SNPLaunch {
        let parameters = entry["params"] ?? .null
        let image = try OVMFImage(try #require(try vectors.input("ovmf", of: entry)), name: "ovmf")
        let seed = parameters["snp_ovmf_hash"]?.text.flatMap { Digest(.sha384, hex: $0) }
        var kernel: KernelInputs?
        func file(_ bytes: [UInt8]) -> KernelInputs.File {
            .init(artifact: "file", size: bytes.count, sha256: .of(bytes, .sha256))
        }
        if let bytes = try vectors.input("kernel", of: entry) {
            kernel = KernelInputs(
                kernel: file(bytes), initrd: try vectors.input("initrd", of: entry).map(file),
                commandLine: Array((entry["inputs"]?["append"]?.text ?? "").utf8))
        }
        return try SNPLaunch(
            firmware: SNPFirmware(image, seed: seed, lookForVerifier: kernel != nil), kernel: kernel,
            rules: rules(parameters), features: parameters["guest_features"]?.number ?? 1, trust: .unknownAllowed)
    }

    @Test("every launch digest of mode snp, and every refusal")
    func snp() throws {
        let cases = vectors.of("snp")
        #expect(cases.count >= 18)
        for entry in cases {
            let name = entry["name"]?.text ?? ""
            if entry["expected"]?["error"] != nil {
                #expect(throws: SNPMeasurementError.noKernelHashesSection(firmware: "ovmf"), "\(name)") {
                    try launch(entry)
                }
                continue
            }
            let parameters = entry["params"] ?? .null
            let count = Int(parameters["vcpus"]?.number ?? 1)
            let signature = try #require(vcpu(parameters), "\(name)")
            let points = try launch(entry).points(signature, vcpus: count...count)
            let point = try #require(points.first)
            #expect(entry["expected"]?["digest"]?.text == point.digest.hex, "\(name)")
        }
    }

    @Test("the digest of a firmware's pages")
    func firmwareDigest() throws {
        for entry in vectors.of("snp:ovmf-hash") {
            let image = try OVMFImage(try #require(try vectors.input("ovmf", of: entry)), name: "ovmf")
            #expect(entry["expected"]?["digest"]?.text == (try SNPLaunch.firmwareDigest(image).hex))
        }
    }

    @Test("a launch from a firmware's digest and metadata alone")
    func metadataAlone() throws {
        for entry in vectors.of("snp:metadata-wrapper") {
            let document = try JSONReader.parse(
                try #require(try vectors.input("metadata", of: entry)), source: "metadata")
            guard case .array(let items) = document.value["MetadataItems"] else { throw TestFailure("no items") }
            var sections: [SEVMetadata.Section] = []
            for item in items.map(\.value) {
                let numbers = ["GPA", "Size", "SectionTypeInt"].compactMap { item[$0]?.number }.map(UInt32.init)
                guard numbers.count == 3 else { throw TestFailure("a section without numbers") }
                let kind = SEVMetadata.Kind(rawValue: numbers[2])
                sections.append(.init(gpa: numbers[0], size: numbers[1], kind: kind, recordOffset: 0))
            }
            let firmware = try SNPFirmware(
                name: "metadata",
                seed: try #require(Digest(.sha384, hex: document.value["OVMFHash"]?.text ?? "")),
                metadata: SEVMetadata(sections: sections),
                resetAddress: UInt32(try #require(document.value["ResetEIP"]?.number)), hashTableArea: nil)
            let parameters = entry["params"] ?? .null
            let count = Int(parameters["vcpus"]?.number ?? 1)
            let points = try SNPLaunch(firmware: firmware, rules: rules(parameters)).points(
                VCPUSignature(rawValue: 0), vcpus: 1...count)
            #expect(entry["expected"]?["digest"]?.text == points.last?.digest.hex)
        }
    }

    @Test("a chain of plain pages")
    func chain() throws {
        for entry in vectors.of("snp:page-chain") {
            let bytes = try #require(try vectors.input("pages", of: entry))
            let plan = LaunchPlan(runs: [
                LaunchPlan.Run(
                    id: "pages", name: "pages", origin: "", type: .normal, gpa: 0, count: bytes.count / 4096,
                    content: .file(artifact: "pages", offset: 0, bytes: bytes))
            ])
            #expect(entry["expected"]?["digest"]?.text == plan.measure().digest.value.hex)
        }
    }

    @Test("the bytes of VMSA pages")
    func saveAreas() throws {
        for entry in vectors.of("vmsa-page") {
            let parameters = entry["params"] ?? .null
            if parameters["svsm"] != nil { continue }
            let start = UInt32(try #require(parameters["reset_eip"]?.number))
            let signature = VCPUSignature(rawValue: UInt32(parameters["vcpu_sig"]?.number ?? 0))
            let features = try #require(parameters["sev_features"]?.number)
            let area: VMSA =
                start == VMSA.bootAddress
                ? .boot(rules(parameters), signature: signature, features: features)
                : .application(rules(parameters), start: start, signature: signature, features: features)
            #expect(entry["expected"]?["sha384"]?.text == Digest.of(area.bytes, .sha384).hex)
        }
    }

    @Test("vCPU signatures from family, model and stepping")
    func signatures() throws {
        for entry in vectors.of("cpu-signature") {
            let signature = try #require(vcpu(entry["params"] ?? .null))
            #expect(entry["expected"]?["signature"]?.text == signature.description)
        }
    }
}
