private import Bytes
private import Documents
public import Hashing
public import Trace

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
        try digests(vcpus: vcpus, contents: Digest.of(application.bytes, .sha384).bytes)
    }

    private var application: VMSA {
        .application(rules, start: resetAddress, signature: signature, features: features)
    }

    private func digests(
        vcpus: ClosedRange<Int>, contents: [UInt8]
    ) throws(SNPMeasurementError) -> [Digest] {
        guard vcpus.lowerBound >= 1, vcpus.upperBound <= SNPLaunch.maximumVCPUs else {
            throw .vcpuCount(vcpus.lowerBound < 1 ? vcpus.lowerBound : vcpus.upperBound)
        }
        var chain = LaunchDigest(seed: digest).chain(.vmsa, gpa: rules.vmsaGPA, contents: contents)
        var digests: [Digest] = []
        for count in 1...vcpus.upperBound {
            if count > 1 { chain.step() }
            if count >= vcpus.lowerBound { digests.append(chain.value) }
        }
        return digests
    }
}

extension CompactLaunch {
    /// One point for every count in `vcpus`, whose trace begins with `start`.
    public func points(after start: TraceNode, vcpus: ClosedRange<Int>) throws(SNPMeasurementError) -> [LaunchPoint] {
        let run = LaunchPlan.Run(
            application, id: "vmsa-others", name: "VMSA of every other processor", gpa: rules.vmsaGPA)
        var others = run.node(digest: digest)
        return try zip(vcpus, digests(vcpus: vcpus, contents: run.contentDigests)).map { count, digest in
            others.count = count - 1
            others.digest = digest
            return LaunchPoint(
                vcpus: count, digest: digest,
                trace: .snpLaunch(digest, vcpus: count, children: [start] + (count > 1 ? [others] : [])))
        }
    }

    /// The trace of everything up to the first save area, which is not known: its digest, and where that is from.
    ///
    /// - Parameters:
    ///   - firmware: SHA-256 of the firmware file that the digest is of.
    ///   - verifier: whether that checks kernel hashes, and how it is known; nil without kernel hashes.
    ///   - parts: the kernel hashes that the digest covers.
    public func node(origin: String, firmware: Digest, verifier: String?, parts: [TraceNode]) -> TraceNode {
        TraceNode(
            id: "one-vcpu", name: "launch digest with one vCPU", origin: origin, operation: .chain,
            register: SNPMeasurement.register, digest: digest,
            details: [("seed", .string(digest.hex)), ("firmwareSHA256", .string(firmware.hex))]
                + (verifier.map { [("verifier", .string($0))] } ?? []),
            children: parts)
    }
}

extension TraceNode {
    /// The root of an SNP launch's trace.
    static func snpLaunch(_ digest: Digest, vcpus: Int, children: [TraceNode]) -> TraceNode {
        TraceNode(
            id: "snp", name: "SEV-SNP launch digest", origin: "SEV-SNP firmware ABI, PAGE_INFO chain",
            operation: .chain, register: SNPMeasurement.register, digest: digest, details: [("vcpus", .count(vcpus))],
            children: children)
    }
}
