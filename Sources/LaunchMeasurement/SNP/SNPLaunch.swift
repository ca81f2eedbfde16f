private import Bytes
private import Documents
public import Firmware
public import Hashing
public import Trace

/// An SNP launch of a firmware under a VMM: gives the digests of any number of vCPUs and CPU models from one pass.
public struct SNPLaunch: Sendable {
    /// What was said about a kernel that the firmware may not check.
    public enum KernelTrust: Sendable {
        /// Only firmware that was seen to verify.
        case verifiedOnly
        /// Also firmware of which it cannot be told.
        case unknownAllowed
        /// Any firmware.
        case unverifiedAllowed
    }

    public let rules: VMMRules
    /// VMSA field SEV_FEATURES.
    public let features: UInt64
    /// Start address of application processors.
    public let resetAddress: UInt32
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
        if firmware.seed == nil { runs.append(try Self.firmwareRun(firmware)) }
        runs += Self.sectionRuns(firmware.metadata, rules: rules, hashes: hashes)
        let plan = LaunchPlan(seed: firmware.seed, runs: runs)
        let (digest, nodes) = plan.measure()
        self.rules = rules
        self.features = features
        resetAddress = firmware.resetAddress
        prefix = digest
        prefixNodes = Self.seedNodes(firmware) + nodes
    }

    /// The digest of the firmware's pages alone: what `snp:ovmf-hash` prints and a seed takes.
    public static func firmwareDigest(_ image: OVMFImage) throws(SNPMeasurementError) -> Digest {
        try LaunchPlan(runs: [firmwareRun(name: image.name, bytes: image.bytes)]).measure().digest.value
    }

    private static func firmwareRun(_ firmware: SNPFirmware) throws(SNPMeasurementError) -> LaunchPlan.Run {
        try firmwareRun(name: firmware.name, bytes: firmware.bytes)
    }

    private static func firmwareRun(name: String, bytes: [UInt8]) throws(SNPMeasurementError) -> LaunchPlan.Run {
        guard !bytes.isEmpty, bytes.count.isMultiple(of: 4096), bytes.count < 1 << 32 else {
            throw .firmwareNotWholePages(firmware: name, size: bytes.count)
        }
        return LaunchPlan.Run(
            id: "firmware", name: "firmware pages", origin: "QEMU: the image ends at 4 GiB", type: .normal,
            gpa: (1 << 32) - UInt64(bytes.count), count: bytes.count / 4096,
            content: .file(artifact: name, offset: 0, bytes: bytes))
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
        let digests = kernel.digests
        let offset = Int(area.base & 0xFFF)
        guard area.base >= section.gpa, area.base - section.gpa < 4096, area.size >= KernelHashTable.byteCount,
            offset + KernelHashTable.byteCount <= 4096,
            let table = KernelHashTable(
                commandLine: digests.commandLine, initrd: digests.initrd, kernel: digests.kernel)
        else { throw .hashTableDoesNotFit(firmware: firmware.name, base: area.base, size: area.size) }
        let verifier = try verifierNote(firmware, trust: trust)
        var page = [UInt8](repeating: 0, count: 4096)
        page.replaceSubrange(offset..<offset + KernelHashTable.byteCount, with: table.bytes)
        return LaunchPlan.Run(
            id: "", name: "SNP_KERNEL_HASHES page", origin: "QEMU kernel-hashes=on, hash table area of the firmware",
            type: .normal, gpa: UInt64(section.gpa), content: .page(page), parts: kernel.nodes,
            details: [("tableOffset", .hex(offset)), ("verifier", .string(verifier))])
    }

    /// What the trace says about the firmware's verifier; throws where it must not be passed over.
    private static func verifierNote(
        _ firmware: SNPFirmware, trust: KernelTrust
    ) throws(SNPMeasurementError) -> String {
        switch (firmware.verifiesKernelHashes, trust) {
        case (true?, _): return "found in the firmware"
        case (false?, .unverifiedAllowed): return "not in the firmware; allowed by request"
        case (false?, _): throw .kernelNotVerified(firmware: firmware.name)
        case (nil, .verifiedOnly): throw .verifierUnknown(firmware: firmware.name)
        case (nil, _): return "cannot be told from this file"
        }
    }
}

extension SNPLaunch {
    /// The digest and trace of one number of vCPUs of one model.
    public struct Point: Sendable {
        public var vcpus: Int
        public var digest: Digest
        /// Everything that was hashed, the prefix included.
        public var trace: TraceNode
    }

    /// The save areas of the boot processor and of every other one.
    public func saveAreas(_ signature: VCPUSignature) -> (boot: VMSA, application: VMSA) {
        (
            .boot(rules, signature: signature, features: features),
            .application(rules, start: resetAddress, signature: signature, features: features)
        )
    }

    /// One point for every count in `vcpus`; page contents are hashed once and every record is chained once.
    public func points(_ signature: VCPUSignature, vcpus: ClosedRange<Int>) throws(SNPMeasurementError) -> [Point] {
        guard vcpus.lowerBound >= 1, vcpus.upperBound <= 4096 else { throw .vcpuCount(vcpus.upperBound) }
        let areas = saveAreas(signature)
        var boot = vmsaRun(areas.boot, id: "vmsa-boot", name: "VMSA of the boot processor")
        var application = vmsaRun(areas.application, id: "vmsa-others", name: "VMSA of every other processor")
        boot.details = vmsaDetails(areas.boot)
        application.details = vmsaDetails(areas.application)
        let (first, bootNodes) = LaunchPlan(runs: [boot]).measure(after: prefix)
        let contents = Digest.of(areas.application.bytes, .sha384)
        var node = LaunchPlan(runs: [application]).measure(after: first).nodes
        var digest = first
        var points: [Point] = []
        for count in 1...vcpus.upperBound {
            if count > 1 { digest.add(.vmsa, gpa: rules.vmsaGPA, contents: contents) }
            guard count >= vcpus.lowerBound else { continue }
            node[0].count = count - 1
            node[0].digest = digest.value
            let tail = bootNodes + (count > 1 ? node : [])
            points.append(Point(vcpus: count, digest: digest.value, trace: root(digest.value, tail, vcpus: count)))
        }
        return points
    }

    private func root(_ digest: Digest, _ tail: [TraceNode], vcpus: Int) -> TraceNode {
        TraceNode(
            id: "snp", name: "SEV-SNP launch digest", origin: "SEV-SNP firmware ABI, PAGE_INFO chain",
            register: "LAUNCH_DIGEST", digest: digest, details: [("vcpus", .count(vcpus))],
            children: prefixNodes + tail)
    }

    private func vmsaRun(_ area: VMSA, id: String, name: String) -> LaunchPlan.Run {
        LaunchPlan.Run(
            id: id, name: name, origin: "VMM rules of vCPU reset state", type: .vmsa, gpa: rules.vmsaGPA, step: 0,
            content: .page(area.bytes))
    }

    private func vmsaDetails(_ area: VMSA) -> [(name: String, value: Value)] {
        [
            ("gpaStep", .hex(0)), ("start", .hex(area.startAddress)), ("rdx", .hex(area.rdx)),
            ("sevFeatures", .hex(area.sevFeatures)),
        ]
    }
}
