private import Dispatch
import Firmware
internal import Hashing
import LaunchMeasurement
private import Synchronization

extension LaunchSearch {
    func search(
        _ digest: Digest, _ firmware: SNPFirmware, _ variants: [KernelVariant], _ outcome: inout Outcome
    ) throws {
        let states = self.states(reset: firmware.resetAddress)
        var tasks: [Task] = []
        for variant in variants {
            var prefixes: [PageOrder: LaunchDigest] = [:]
            for state in states {
                let order = PageOrder(state.rules)
                if prefixes[order] == nil {
                    prefixes[order] = try Self.launched(firmware.name, variant, &outcome) {
                        // The question is what a host did, not whether it was wise.
                        try SNPLaunch(
                            firmware: firmware, kernel: variant.inputs, rules: state.rules, trust: .unverifiedAllowed
                        ).prefix
                    }
                }
                guard let prefix = prefixes[order] else { break }
                tasks.append(Task(prefix: prefix, state: state, kernel: variant))
            }
        }
        compare(tasks, digest, firmware: firmware.name, &outcome)
    }

    func search(
        _ digest: Digest, _ svsm: SVSMImage, _ firmware: OVMFImage, variables: Int, _ outcome: inout Outcome
    ) throws {
        let launch = try SNPLaunch(svsm: svsm, firmware: firmware, variables: variables)
        let tasks = models.map { model in
            let areas = launch.saveAreas(model.signature)
            let state = VCPUState(
                vmms: [], rules: launch.rules, model: model, features: areas.boot.sevFeatures, boot: areas.boot,
                application: areas.application)
            return Task(
                prefix: launch.prefix, state: state, kernel: KernelVariant(),
                svsm: Match.SVSM(name: svsm.name, variables: variables))
        }
        compare(tasks, digest, firmware: firmware.name, &outcome)
    }

    /// What `launch` makes with a variant of the kernel; nil, and noted, if the firmware has no place for its hashes.
    static func launched<Launch>(
        _ firmware: String, _ variant: KernelVariant, _ outcome: inout Outcome, _ launch: () throws -> Launch
    ) throws -> Launch? {
        do {
            return try launch()
        } catch let error as SNPMeasurementError {
            switch error {
            case .noKernelHashesSection, .noHashTableArea, .hashTableDoesNotFit:
                if !outcome.withoutKernelHashes.contains(firmware) { outcome.withoutKernelHashes.append(firmware) }
                return nil
            default: throw error
            }
        }
    }

    /// Follows the chain of every task through all counts.
    private func compare(_ tasks: [Task], _ digest: Digest, firmware: String, _ outcome: inout Outcome) {
        let found = Mutex<[(task: Int, count: Int)]>([])
        let counts = vcpus
        DispatchQueue.concurrentPerform(iterations: tasks.count) { index in
            let state = tasks[index].state
            let first = state.first(after: tasks[index].prefix)
            var chain = first.chain(.vmsa, gpa: state.rules.vmsaGPA, contents: state.application)
            for count in 1...counts.upperBound {
                if count > 1 { chain.step() }
                if chain.isAt(digest), count >= counts.lowerBound { found.withLock { $0.append((index, count)) } }
            }
        }
        outcome.compared += tasks.count * counts.count
        for hit in found.withLock({ $0 }).sorted(by: <) {
            let task = tasks[hit.task]
            outcome.matches.append(
                Match(
                    firmware: firmware, svsm: task.svsm, vcpus: hit.count, model: task.state.model,
                    features: task.state.features, vmms: task.state.vmms, kernel: task.kernel))
        }
    }

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
            measuredModels(group.rules).flatMap { model in
                features.map { features in
                    let signature = model?.signature ?? VCPUSignature(rawValue: 0)
                    return VCPUState(
                        vmms: group.names, rules: group.rules, model: model, features: features,
                        boot: .boot(group.rules, signature: signature, features: features),
                        application: .application(
                            group.rules, start: reset, signature: signature, features: features))
                }
            }
        }
    }

    /// The models that these rules tell apart; nil alone where they do not measure it.
    func measuredModels(_ rules: VMMRules) -> [Model?] { rules.rdx == .signature ? models : [nil] }
}

/// A chain to follow.
private struct Task: Sendable {
    /// The digest before the first vCPU.
    var prefix: LaunchDigest
    var state: VCPUState
    var kernel: KernelVariant
    var svsm: LaunchSearch.Match.SVSM?
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

    init(
        vmms: [String], rules: VMMRules, model: LaunchSearch.Model?, features: UInt64, boot: VMSA, application: VMSA
    ) {
        self.vmms = vmms
        self.rules = rules
        self.model = model
        self.features = features
        self.boot = Digest.of(boot.bytes, .sha384).bytes
        self.application = Digest.of(application.bytes, .sha384).bytes
    }

    func first(after prefix: LaunchDigest) -> LaunchDigest {
        var digest = prefix
        digest.add(.vmsa, gpa: rules.vmsaGPA, contents: Digest(.sha384, bytes: boot))
        return digest
    }
}
