private import Dispatch
import Firmware
internal import Hashing
import LaunchMeasurement
private import Synchronization

extension LaunchSearch {
    /// SEV: what is measured is the firmware, and the table of kernel hashes if there is one.
    func search(
        _ digest: Digest, sev firmware: OVMFImage, _ variants: [KernelVariant], _ outcome: inout Outcome
    ) throws {
        for variant in variants {
            let launch = try Self.launched(firmware.name, variant, &outcome) {
                try SEVLaunch(firmware: firmware, kernel: variant.inputs, mode: .sev, trust: .unverifiedAllowed)
            }
            if let launch { compare(launch.point().digest, digest, firmware.name, variant, &outcome) }
        }
    }

    /// SEV with firmware that has no tables, so that no kernel is measured with it.
    func search(
        _ digest: Digest, plain bytes: [UInt8], _ name: String, _ variants: [KernelVariant], _ outcome: inout Outcome
    ) throws {
        for variant in variants where variant.inputs == nil {
            let launch = try SEVLaunch(plainFirmware: bytes, name: name)
            compare(launch.point().digest, digest, name, variant, &outcome)
        }
        if kernel != nil, !outcome.withoutKernelHashes.contains(name) { outcome.withoutKernelHashes.append(name) }
    }

    private func compare(
        _ found: Digest, _ digest: Digest, _ firmware: String, _ variant: KernelVariant, _ outcome: inout Outcome
    ) {
        outcome.compared += 1
        if found == digest { outcome.matches.append(Match(firmware: firmware, vmms: [], kernel: variant)) }
    }

    /// SEV-ES: save areas follow firmware and table, and each loader starts guests in two ways.
    func search(
        _ digest: Digest, sevES firmware: OVMFImage, _ variants: [KernelVariant], _ outcome: inout Outcome
    ) throws {
        var launches: [(launch: SEVLaunch, variant: KernelVariant)] = []
        for variant in variants {
            let launch = try Self.launched(firmware.name, variant, &outcome) {
                try SEVLaunch(
                    firmware: firmware, kernel: variant.inputs, mode: .es(legacyInit: false), trust: .unverifiedAllowed)
            }
            if let launch { launches.append((launch, variant)) }
        }
        guard let reset = launches.first?.launch.resetAddress ?? nil else {
            guard vcpus.lowerBound == 1 else { throw SNPMeasurementError.noResetAddress(firmware: firmware.name) }
            return compare(launches, esStates(reset: nil), digest, counts: 1...1, firmware.name, &outcome)
        }
        compare(launches, esStates(reset: reset), digest, counts: vcpus, firmware.name, &outcome)
    }

    private func compare(
        _ launches: [(launch: SEVLaunch, variant: KernelVariant)], _ states: [ESState], _ digest: Digest,
        counts: ClosedRange<Int>, _ firmware: String, _ outcome: inout Outcome
    ) {
        let found = Mutex<[(launch: Int, state: Int, count: Int)]>([])
        // One prefix a launch is hashed once, and by whoever goes on from it.
        DispatchQueue.concurrentPerform(iterations: launches.count) { index in
            let prefix = launches[index].launch.prefix()
            for (number, state) in states.enumerated() {
                var hash = prefix.copy()
                hash.update(state.boot)
                for count in 1...counts.upperBound {
                    if count > 1 { hash.update(state.application) }
                    guard count >= counts.lowerBound, hash.copy().finish() == digest else { continue }
                    found.withLock { $0.append((index, number, count)) }
                }
            }
        }
        outcome.compared += launches.count * states.count * counts.count
        for hit in found.withLock({ $0 }).sorted(by: <) {
            let state = states[hit.state]
            outcome.matches.append(
                Match(
                    firmware: firmware, vcpus: hit.count, model: state.model, features: 0, vmms: state.vmms,
                    kernel: launches[hit.launch].variant))
        }
    }

    /// Every distinct pair of save areas; loaders that start guests alike share one.
    private func esStates(reset: UInt32?) -> [ESState] {
        var states: [ESState] = []
        for vmm in vmms {
            var starts = [(vmm.rules, vmm.name)]
            let legacy = vmm.rules.withoutFPUState
            if legacy != vmm.rules { starts.append((legacy, vmm.name + " with KVM_SEV_ES_INIT")) }
            for (rules, name) in starts {
                for model in measuredModels(rules) {
                    let signature = model?.signature ?? VCPUSignature(rawValue: 0)
                    let boot = VMSA.boot(rules, signature: signature, features: 0).bytes
                    let application = reset.map {
                        VMSA.application(rules, start: $0, signature: signature, features: 0).bytes
                    }
                    let state = ESState(vmms: [name], model: model, boot: boot, application: application ?? [])
                    if let index = states.firstIndex(where: { $0.isLike(state) }) {
                        states[index].vmms.append(name)
                    } else {
                        states.append(state)
                    }
                }
            }
        }
        return states
    }
}

/// The save areas of one model under one loader; that of further processors is empty where the firmware starts none.
private struct ESState: Sendable {
    var vmms: [String]
    var model: LaunchSearch.Model?
    var boot, application: [UInt8]

    func isLike(_ other: ESState) -> Bool {
        model == other.model && boot == other.boot && application == other.application
    }
}
