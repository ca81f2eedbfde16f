private import Bytes
private import Documents
public import Firmware
public import Hashing
private import Trace

/// A SEV or SEV-ES launch of a firmware: the launch digest (GCTX.LD), a SHA-256.
///
/// What LAUNCH_MEASURE gives to a guest owner is an HMAC of this digest under the session's key; nobody without that
/// key can compute it.
public struct SEVLaunch: Sendable {
    /// Which of the two, and how KVM starts a SEV-ES guest.
    public enum Mode: Hashable, Sendable {
        case sev
        /// `legacyInit`: KVM_SEV_ES_INIT, which leaves the FPU state out of the save areas, instead of KVM_SEV_INIT2.
        case es(legacyInit: Bool)
    }

    public let mode: Mode
    public let rules: VMMRules
    private let plan: LaunchPlan
    /// Start address of application processors, if the firmware says it.
    public let resetAddress: UInt32?
    private let name: String

    /// Lays out firmware and kernel hashes.
    ///
    /// - Parameters:
    ///   - verifies: whether the firmware checks kernel hashes; nil if that cannot be told.
    ///   - rules: of the VMSA of SEV-ES; its SEV features are always 0.
    public init(
        firmware: OVMFImage, kernel: KernelInputs? = nil, verifies: Bool? = nil, mode: Mode,
        rules: VMMRules = .qemu, trust: KernelTrust = .verifiedOnly
    ) throws {
        var runs = [try LaunchPlan.Run(firmware: firmware.name, bytes: firmware.bytes)]
        if let kernel {
            guard let area = try firmware.sevHashTableArea() else {
                throw SNPMeasurementError.noHashTableArea(firmware: firmware.name)
            }
            guard area.size >= KernelHashTable.byteCount, let table = kernel.table else {
                throw SNPMeasurementError.hashTableDoesNotFit(
                    firmware: firmware.name, base: area.base, size: area.size)
            }
            let note = try trust.note(firmware: firmware.name, verifies: verifies)
            runs.append(
                LaunchPlan.Run(
                    id: "kernel-hashes", name: "kernel hash table",
                    origin: "QEMU kernel-hashes=on, hash table area of the firmware", type: .normal,
                    gpa: UInt64(area.base), content: .page(table.bytes), parts: kernel.nodes,
                    details: [("verifier", .string(note))]))
        }
        self.mode = mode
        self.rules = mode == .es(legacyInit: true) ? rules.withoutFPUState : rules
        plan = LaunchPlan(runs: runs)
        name = firmware.name
        resetAddress =
            firmware.table[OVMFGuid.sevESResetBlock] == nil || mode == .sev ? nil : try firmware.sevESResetAddress()
    }

    /// A SEV launch of a file without the tables of OVMF, and without a kernel.
    public init(plainFirmware bytes: [UInt8], name: String) throws(SNPMeasurementError) {
        plan = LaunchPlan(runs: [try LaunchPlan.Run(firmware: name, bytes: bytes)])
        mode = .sev
        rules = .qemu
        self.name = name
        resetAddress = nil
    }

    /// The hash of everything before the first save area, to go on from.
    public func prefix() -> Hash {
        var hash = Hash(.sha256)
        _ = plan.addSEV(to: &hash)
        return hash
    }

    /// The digest of SEV, in which vCPUs have no part.
    public func point() -> LaunchPoint {
        let (digest, nodes) = plan.measureSEV()
        return LaunchPoint(vcpus: 0, digest: digest, trace: root(digest, nodes, vcpus: nil))
    }

    /// The save areas of SEV-ES; nil for the others where the firmware names no start address.
    public func saveAreas(_ signature: VCPUSignature) -> (boot: VMSA, application: VMSA?) {
        (
            .boot(rules, signature: signature, features: 0),
            resetAddress.map { .application(rules, start: $0, signature: signature, features: 0) }
        )
    }

    /// One point of SEV-ES for every count in `vcpus`, from one pass.
    public func points(_ signature: VCPUSignature, vcpus: ClosedRange<Int>) throws -> [LaunchPoint] {
        guard vcpus.lowerBound >= 1, vcpus.upperBound <= SNPLaunch.maximumVCPUs else {
            throw SNPMeasurementError.vcpuCount(vcpus.lowerBound < 1 ? vcpus.lowerBound : vcpus.upperBound)
        }
        let areas = saveAreas(signature)
        guard areas.application != nil || vcpus.upperBound == 1 else {
            throw SNPMeasurementError.noResetAddress(firmware: name)
        }
        var hash = Hash(.sha256)
        let boot = LaunchPlan.Run(areas.boot, id: "vmsa-boot", name: "VMSA of the boot processor", gpa: 0)
        let first = plan.addSEV(to: &hash) + LaunchPlan(runs: [boot]).addSEV(to: &hash)
        let application = areas.application.map {
            LaunchPlan.Run($0, id: "vmsa-others", name: "VMSA of every other processor", gpa: 0)
        }
        let bytes = areas.application?.bytes ?? []
        var points: [LaunchPoint] = []
        for count in 1...vcpus.upperBound {
            if count > 1 { hash.update(bytes) }
            guard count >= vcpus.lowerBound else { continue }
            let digest = hash.copy().finish()
            var nodes = first
            if count > 1, var others = application?.node(digest: digest) {
                others.count = count - 1
                nodes.append(others)
            }
            points.append(LaunchPoint(vcpus: count, digest: digest, trace: root(digest, nodes, vcpus: count)))
        }
        return points
    }

    private func root(_ digest: Digest, _ nodes: [TraceNode], vcpus: Int?) -> TraceNode {
        TraceNode(
            id: mode == .sev ? "sev" : "sev-es", name: "\(mode == .sev ? "SEV" : "SEV-ES") launch digest",
            origin: "SEV API 0.24, LAUNCH_UPDATE_DATA and LAUNCH_UPDATE_VMSA", operation: .chain,
            register: "LAUNCH_DIGEST", digest: digest, details: vcpus.map { [("vcpus", .count($0))] } ?? [],
            children: nodes)
    }
}
