private import Dispatch
public import Hashing
public import LaunchMeasurement
private import Synchronization

/// Finds what led to a SEV-SNP launch digest: every combination of the values here is measured and compared.
///
/// Combinations share what they have in common. A firmware is hashed once, the pages of metadata and kernel hashes once
/// for each order of pages and each variant of the kernel, a save area once for each state, and a launch of n vCPUs
/// extends the one of n − 1 by one record.
public struct LaunchSearch: Sendable {
    /// A CPU model by its name and signature.
    public struct Model: Hashable, Sendable {
        public var name: String
        public var signature: VCPUSignature

        public init(name: String, signature: VCPUSignature) {
            self.name = name
            self.signature = signature
        }
    }

    public var firmwares: [SNPFirmware]
    public var kernel: KernelInputs?
    public var vcpus: ClosedRange<Int>
    public var models: [Model]
    /// Values of SEV_FEATURES.
    public var features: [UInt64]
    public var vmms: [KnownVMM]

    /// Those that stacks are known to set: SNP alone, with DebugSwap, Secure TSC or both, and SVSM with and without
    /// DebugSwap.
    public static let usualFeatures: [UInt64] = [0x1, 0x21, 0x201, 0x221, 0x29, 0x9]
    /// Every signature that has a name.
    public static var namedModels: [Model] {
        VCPUSignature.known.map { Model(name: $0.name, signature: $0.signature) }
    }

    public init(
        firmwares: [SNPFirmware], kernel: KernelInputs? = nil, vcpus: ClosedRange<Int> = 1...512,
        models: [Model] = LaunchSearch.namedModels, features: [UInt64] = LaunchSearch.usualFeatures,
        vmms: [KnownVMM] = KnownVMM.all
    ) {
        self.firmwares = firmwares
        self.kernel = kernel
        self.vcpus = vcpus
        self.models = models
        self.features = features
        self.vmms = vmms
    }

    /// A combination that gives the digest.
    public struct Match: Hashable, Sendable {
        public var firmware: String
        public var vcpus: Int
        /// Nil where the loader does not measure the CPU model.
        public var model: Model?
        public var features: UInt64
        /// Names of all loaders whose rules give the digest.
        public var vmms: [String]
        /// What the host was given as kernel.
        public var kernel: KernelVariant
    }

    /// What a search came to.
    public struct Outcome: Hashable, Sendable {
        public var matches: [Match]
        /// Digests that were compared.
        public var compared: Int
        /// Firmware for which no kernel hashes exist, so that it was searched without a kernel alone.
        public var withoutKernelHashes: [String]
    }

    /// Searches for a launch digest; a second search with single blanks doubled follows if the usual one finds nothing.
    public func run(_ digest: Digest) throws(SNPMeasurementError) -> Outcome {
        let seeded = try firmwares.map { firmware throws(SNPMeasurementError) in try firmware.folded() }
        var outcome = try search(digest, seeded, KernelVariant.usual(kernel))
        if outcome.matches.isEmpty, let kernel {
            let more = try search(digest, seeded, KernelVariant.oneBlankDoubled(kernel))
            outcome.matches = more.matches
            outcome.compared += more.compared
        }
        return outcome
    }

    private func search(
        _ digest: Digest, _ firmwares: [SNPFirmware], _ variants: [KernelVariant]
    ) throws(SNPMeasurementError) -> Outcome {
        var outcome = Outcome(matches: [], compared: 0, withoutKernelHashes: [])
        for firmware in firmwares {
            let states = self.states(reset: firmware.resetAddress)
            var tasks: [(prefix: LaunchDigest, variant: KernelVariant, state: VCPUState)] = []
            for variant in variants {
                var prefixes: [PageOrder: LaunchDigest] = [:]
                for state in states {
                    let order = PageOrder(state.rules)
                    if prefixes[order] == nil {
                        prefixes[order] = try prefix(firmware, variant, state.rules)
                    }
                    guard let prefix = prefixes[order] else { break }
                    tasks.append((prefix, variant, state))
                }
                if variant.inputs != nil, prefixes.isEmpty, outcome.withoutKernelHashes.last != firmware.name {
                    outcome.withoutKernelHashes.append(firmware.name)
                }
            }
            outcome.compared += tasks.count * vcpus.count
            for (index, count) in hits(digest, tasks.map { ($0.prefix, $0.state) }) {
                let task = tasks[index]
                outcome.matches.append(
                    Match(
                        firmware: firmware.name, vcpus: count, model: task.state.model, features: task.state.features,
                        vmms: task.state.vmms, kernel: task.variant))
            }
        }
        return outcome
    }

    /// Digest before the first vCPU; nil if this firmware has no place for kernel hashes.
    private func prefix(
        _ firmware: SNPFirmware, _ variant: KernelVariant, _ rules: VMMRules
    ) throws(SNPMeasurementError) -> LaunchDigest? {
        do {
            // The question is what a host did, not whether it was wise.
            return try SNPLaunch(
                firmware: firmware, kernel: variant.inputs, rules: rules, trust: .unverifiedAllowed
            ).prefix
        } catch {
            switch error {
            case .noKernelHashesSection, .noHashTableArea, .hashTableDoesNotFit: return nil
            default: throw error
            }
        }
    }

    /// Task and count of every hit, in order.
    private func hits(_ digest: Digest, _ tasks: [(LaunchDigest, VCPUState)]) -> [(Int, Int)] {
        let found = Mutex<[(Int, Int)]>([])
        let counts = vcpus
        DispatchQueue.concurrentPerform(iterations: tasks.count) { index in
            let (prefix, state) = tasks[index]
            let first = state.first(after: prefix)
            var chain = first.chain(.vmsa, gpa: state.rules.vmsaGPA, contents: state.application)
            for count in 1...counts.upperBound {
                if count > 1 { chain.step() }
                if chain.isAt(digest), count >= counts.lowerBound { found.withLock { $0.append((index, count)) } }
            }
        }
        return found.withLock { $0 }.sorted { $0 < $1 }
    }
}

/// The rules that decide the pages before the first vCPU.
private struct PageOrder: Hashable {
    var secMem: VMMRules.SecMem
    var cpuid: VMMRules.CPUIDPosition

    init(_ rules: VMMRules) {
        secMem = rules.secMem
        cpuid = rules.cpuid
    }
}

/// The save areas of one model under one loader with one value of features, hashed.
private struct VCPUState: Sendable {
    var vmms: [String]
    var rules: VMMRules
    var model: LaunchSearch.Model?
    var features: UInt64
    /// SHA-384 of the save area of the boot processor and of every other one.
    var boot, application: [UInt8]

    func first(after prefix: LaunchDigest) -> LaunchDigest {
        var digest = prefix
        digest.add(.vmsa, gpa: rules.vmsaGPA, contents: Digest(.sha384, bytes: boot))
        return digest
    }
}

extension LaunchSearch {
    /// Every distinct state; loaders with the same rules share one.
    private func states(reset: UInt32) -> [VCPUState] {
        var groups: [(rules: VMMRules, names: [String])] = []
        for vmm in vmms {
            if let index = groups.firstIndex(where: { $0.rules == vmm.rules }) {
                groups[index].names.append(vmm.name)
            } else {
                groups.append((vmm.rules, [vmm.name]))
            }
        }
        return groups.flatMap { group in
            let models: [Model?] = group.rules.rdx == .signature ? models : [nil]
            return models.flatMap { model in
                features.map { features in
                    let signature = model?.signature ?? VCPUSignature(rawValue: 0)
                    let boot = VMSA.boot(group.rules, signature: signature, features: features)
                    let application = VMSA.application(
                        group.rules, start: reset, signature: signature, features: features)
                    return VCPUState(
                        vmms: group.names, rules: group.rules, model: model, features: features,
                        boot: Digest.of(boot.bytes, .sha384).bytes,
                        application: Digest.of(application.bytes, .sha384).bytes)
                }
            }
        }
    }
}
