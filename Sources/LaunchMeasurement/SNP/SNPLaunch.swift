private import Bytes
private import Documents
public import Firmware
public import Hashing
public import Trace

/// An SNP launch of a firmware under a VMM: gives the digests of any number of vCPUs, CPU models and SEV features from
/// one pass over everything that comes before the vCPUs.
public struct SNPLaunch: Sendable {
    /// In what state processors start.
    public enum ResetState: Hashable, Sendable {
        /// In firmware: the boot processor at the reset vector, every other one at this address.
        case firmware(application: UInt32)
        /// All at this address of an SVSM, with SEV features 1.
        case svsm(start: UInt64)
    }

    public let rules: VMMRules
    /// VMSA field SEV_FEATURES where a call names none.
    public let features: UInt64
    public let reset: ResetState
    /// Digest of everything before the first VMSA.
    public let prefix: LaunchDigest
    /// The trace of everything before the first VMSA.
    public let prefixNodes: [TraceNode]

    /// Measures firmware, metadata pages and kernel hashes; what differs by vCPU comes after them.
    public init(
        firmware: SNPFirmware, kernel: KernelInputs? = nil, rules: VMMRules = .qemu, features: UInt64 = 1,
        trust: KernelTrust = .verifiedOnly
    ) throws(SNPMeasurementError) {
        let hashes: LaunchPlan.Run? =
            if let kernel { try Self.hashPage(firmware: firmware, kernel: kernel, trust: trust) } else { nil }
        var runs: [LaunchPlan.Run] = []
        if firmware.seed == nil {
            runs.append(try LaunchPlan.Run(firmware: firmware.name, bytes: firmware.bytes))
        }
        runs += Self.sectionRuns(firmware.metadata, rules: rules, hashes: hashes)
        self.init(
            LaunchPlan(seed: firmware.seed, runs: runs), after: Self.seedNodes(firmware), rules: rules,
            features: features, reset: .firmware(application: firmware.resetAddress))
    }

    /// A launch of a Coconut SVSM below its OVMF, as its QEMU fork did before there was IGVM.
    ///
    /// - Parameter variables: size of the variable store that lies between SVSM and firmware, in bytes.
    public init(svsm: SVSMImage, firmware: OVMFImage, variables: Int) throws(SNPMeasurementError) {
        let code = try LaunchPlan.Run(firmware: firmware.name, bytes: firmware.bytes)
        guard (0...1 << 32).contains(variables), variables.isMultiple(of: 4096), let end = Int(exactly: code.gpa),
            variables + svsm.bytes.count < end, svsm.bytes.count.isMultiple(of: 4096)
        else { throw .svsmPlace(svsm: svsm.name, size: svsm.bytes.count, variables: variables) }
        let base = UInt64(end - variables - svsm.bytes.count)
        let pages = LaunchPlan.Run(
            id: "svsm", name: "SVSM pages", origin: "Coconut QEMU: below the variable store", type: .normal, gpa: base,
            count: svsm.bytes.count / 4096, content: .file(artifact: svsm.name, offset: 0, bytes: svsm.bytes[...]))
        let sections = Self.sectionRuns(svsm.metadata, rules: .qemu, hashes: nil)
        self.init(
            LaunchPlan(runs: [code, pages] + sections), after: [], rules: .qemu, features: 1,
            reset: .svsm(start: base + UInt64(svsm.launchOffset)))
    }

    private init(
        _ plan: LaunchPlan, after nodes: [TraceNode], rules: VMMRules, features: UInt64, reset: ResetState
    ) {
        let measured = plan.measure()
        self.rules = rules
        self.features = features
        self.reset = reset
        prefix = measured.digest
        prefixNodes = nodes + measured.nodes
    }

    /// The digest of the firmware's pages alone: what `snp:ovmf-hash` prints and a seed takes.
    public static func firmwareDigest(_ image: OVMFImage) throws(SNPMeasurementError) -> Digest {
        try LaunchPlan(runs: [LaunchPlan.Run(firmware: image.name, bytes: image.bytes)]).measure().digest.value
    }

    private static func seedNodes(_ firmware: SNPFirmware) -> [TraceNode] {
        guard let seed = firmware.seed else { return [] }
        return [
            TraceNode(
                id: "firmware", name: "firmware pages, by their digest", origin: "given by the user", operation: .chain,
                register: "LAUNCH_DIGEST", digest: seed, details: [("seed", .string(seed.hex))])
        ]
    }

    /// The metadata's pages in table order, but for the CPUID page where the VMM puts it last.
    private static func sectionRuns(
        _ metadata: SEVMetadata, rules: VMMRules, hashes: LaunchPlan.Run?
    ) -> [LaunchPlan.Run] {
        var runs: [LaunchPlan.Run] = []
        var last: [LaunchPlan.Run] = []
        for (index, section) in metadata.sections.enumerated() where section.size > 0 {
            if section.kind == .kernelHashes, var run = hashes {
                run.id = "section-\(index)"
                runs.append(run)
                continue
            }
            let run = LaunchPlan.Run(
                id: "section-\(index)", name: "\(section.kind) pages", origin: "SEV metadata, table order",
                type: pageType(section.kind, rules: rules), gpa: UInt64(section.gpa), count: Int(section.size) / 4096)
            if section.kind == .cpuid, rules.cpuid == .last { last.append(run) } else { runs.append(run) }
        }
        return runs + last
    }

    private static func pageType(_ kind: SEVMetadata.Kind, rules: VMMRules) -> PageType {
        switch kind {
        case .secrets: .secrets
        case .cpuid: .cpuid
        case .secMem where rules.secMem == .unmeasured: .unmeasured
        default: .zero
        }
    }

    /// The page that holds the hash table.
    private static func hashPage(
        firmware: SNPFirmware, kernel: KernelInputs, trust: KernelTrust
    ) throws(SNPMeasurementError) -> LaunchPlan.Run {
        guard let section = firmware.metadata.first(.kernelHashes) else {
            throw .noKernelHashesSection(firmware: firmware.name)
        }
        guard let area = firmware.hashTableArea else { throw .noHashTableArea(firmware: firmware.name) }
        let offset = Int(area.base & 0xFFF)
        guard area.base >= section.gpa, area.base - section.gpa < 4096, area.size >= KernelHashTable.byteCount,
            offset + KernelHashTable.byteCount <= 4096, let table = kernel.table
        else { throw .hashTableDoesNotFit(firmware: firmware.name, base: area.base, size: area.size) }
        let verifier = try trust.note(firmware: firmware.name, verifies: firmware.verifiesKernelHashes)
        var page = [UInt8](repeating: 0, count: 4096)
        page.replaceSubrange(offset..<offset + KernelHashTable.byteCount, with: table.bytes)
        return LaunchPlan.Run(
            id: "", name: "SNP_KERNEL_HASHES page", origin: "QEMU kernel-hashes=on, hash table area of the firmware",
            type: .normal, gpa: UInt64(section.gpa), content: .page(page), parts: kernel.nodes,
            details: [("tableOffset", .hex(offset)), ("verifier", .string(verifier))])
    }
}

extension LaunchPlan.Run {
    /// The pages of a firmware file, which ends at 4 GiB.
    init(firmware name: String, bytes: [UInt8]) throws(SNPMeasurementError) {
        guard !bytes.isEmpty, bytes.count.isMultiple(of: 4096), bytes.count < 1 << 32 else {
            throw .firmwareNotWholePages(firmware: name, size: bytes.count)
        }
        self.init(
            id: "firmware", name: "firmware pages", origin: "QEMU: the image ends at 4 GiB", type: .normal,
            gpa: (1 << 32) - UInt64(bytes.count), count: bytes.count / 4096,
            content: .file(artifact: name, offset: 0, bytes: bytes[...]))
    }

    /// The save area of one or more vCPUs.
    init(_ area: VMSA, id: String, name: String, gpa: UInt64) {
        self.init(
            id: id, name: name, origin: "VMM rules of vCPU reset state", type: .vmsa, gpa: gpa, step: 0,
            content: .page(area.bytes),
            details: [
                ("gpaStep", .hex(0)), ("start", .hex(area.startAddress)), ("rdx", .hex(area.rdx)),
                ("sevFeatures", .hex(area.sevFeatures)),
            ])
    }
}
