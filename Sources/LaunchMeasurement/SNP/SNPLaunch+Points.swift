private import Bytes
private import Documents
public import Hashing
private import Trace

extension SNPLaunch {
    /// Most vCPUs that a launch may have.
    public static let maximumVCPUs = 4096

    /// The save areas of the boot processor and of every other one; `features` nil for those of the launch.
    public func saveAreas(
        _ signature: VCPUSignature, features: UInt64? = nil
    ) -> (boot: VMSA, application: VMSA) {
        let features = features ?? self.features
        switch reset {
        case .firmware(let application):
            return (
                .boot(rules, signature: signature, features: features),
                .application(rules, start: application, signature: signature, features: features)
            )
        case .svsm(let start):
            let area = VMSA.svsm(start: start, signature: signature)
            return (area, area)
        }
    }

    /// One point for every count in `vcpus`; page contents are hashed once and every record is chained once.
    public func points(
        _ signature: VCPUSignature, features: UInt64? = nil, vcpus: ClosedRange<Int>
    ) throws(SNPMeasurementError) -> [LaunchPoint] {
        guard vcpus.lowerBound >= 1, vcpus.upperBound <= Self.maximumVCPUs else {
            throw .vcpuCount(vcpus.lowerBound < 1 ? vcpus.lowerBound : vcpus.upperBound)
        }
        let areas = saveAreas(signature, features: features)
        let boot = LaunchPlan.Run(
            areas.boot, id: "vmsa-boot", name: "VMSA of the boot processor", gpa: rules.vmsaGPA)
        let application = LaunchPlan.Run(
            areas.application, id: "vmsa-others", name: "VMSA of every other processor", gpa: rules.vmsaGPA)
        let (first, bootNodes) = LaunchPlan(runs: [boot]).measure(after: prefix)
        var others = application.node(digest: first.value)
        var chain = first.chain(.vmsa, gpa: rules.vmsaGPA, contents: application.contentDigests)
        var points: [LaunchPoint] = []
        for count in 1...vcpus.upperBound {
            if count > 1 { chain.step() }
            guard count >= vcpus.lowerBound else { continue }
            let digest = chain.value
            others.count = count - 1
            others.digest = digest
            let tail = bootNodes + (count > 1 ? [others] : [])
            points.append(LaunchPoint(vcpus: count, digest: digest, trace: root(digest, tail, vcpus: count)))
        }
        return points
    }

    private func root(_ digest: Digest, _ tail: [TraceNode], vcpus: Int) -> TraceNode {
        TraceNode(
            id: "snp", name: "SEV-SNP launch digest", origin: "SEV-SNP firmware ABI, PAGE_INFO chain",
            operation: .chain, register: "LAUNCH_DIGEST", digest: digest, details: [("vcpus", .count(vcpus))],
            children: prefixNodes + tail)
    }
}

/// A launch digest of one vCPU and what is needed to extend it to any number.
///
/// Save areas come last and those after the first are equal, so that the firmware is not needed any more (Contrast
/// keeps reference values in this form).
public struct CompactLaunch: Hashable, Sendable {
    /// Launch digest with one vCPU.
    public var digest: Digest
    /// Start address of application processors.
    public var resetAddress: UInt32
    public var signature: VCPUSignature
    public var features: UInt64
    public var rules: VMMRules

    public init(
        digest: Digest, resetAddress: UInt32, signature: VCPUSignature, features: UInt64 = 1, rules: VMMRules = .qemu
    ) {
        self.digest = digest
        self.resetAddress = resetAddress
        self.signature = signature
        self.features = features
        self.rules = rules
    }

    /// The digest of every count in `vcpus`, in order.
    public func digests(vcpus: ClosedRange<Int>) throws(SNPMeasurementError) -> [Digest] {
        guard vcpus.lowerBound >= 1, vcpus.upperBound <= SNPLaunch.maximumVCPUs else {
            throw .vcpuCount(vcpus.lowerBound < 1 ? vcpus.lowerBound : vcpus.upperBound)
        }
        let area = VMSA.application(rules, start: resetAddress, signature: signature, features: features)
        var chain = LaunchDigest(seed: digest).chain(
            .vmsa, gpa: rules.vmsaGPA, contents: Digest.of(area.bytes, .sha384).bytes)
        var digests: [Digest] = []
        for count in 1...vcpus.upperBound {
            if count > 1 { chain.step() }
            if count >= vcpus.lowerBound { digests.append(chain.value) }
        }
        return digests
    }
}
