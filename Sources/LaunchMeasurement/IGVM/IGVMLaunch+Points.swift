import Documents
import Firmware
import Hashing
import Trace

extension IGVMLaunch {
    /// One point for every count in `vcpus` under QEMU and KVM: the file gives the boot processor's state, every other
    /// processor starts from reset with the same SEV_FEATURES, and all save areas come last.
    ///
    /// Read in the sources of QEMU and Linux: a launch that starts the boot processor alone has the digest of one vCPU.
    public func points(
        _ signature: VCPUSignature, vcpus: ClosedRange<Int>
    ) throws(IGVMError) -> [LaunchPoint] {
        guard rules.placement == .kvm, let boot = bootSaveArea else { throw .otherProcessors(file: name) }
        guard vcpus.lowerBound >= 1, vcpus.upperBound <= SNPLaunch.maximumVCPUs else {
            throw .vcpuCount(vcpus.lowerBound < 1 ? vcpus.lowerBound : vcpus.upperBound)
        }
        let first = measure()
        let area = VMSA.boot(.qemu, signature: signature, features: boot.sevFeatures)
        let others = LaunchPlan.Run(
            id: "vmsa-others", name: "VMSA of every other processor", origin: "QEMU's reset state, read in its source",
            type: .vmsa, gpa: VMMRules.qemu.vmsaGPA, step: 0, content: .page(area.bytes))
        var points: [LaunchPoint] = []
        eachDigest(others, after: first.digest, upTo: vcpus.upperBound) { count, digest in
            guard vcpus.contains(count) else { return }
            var trace = first.trace
            trace.digest = digest
            trace.details.append(("vcpus", .count(count)))
            if count > 1 {
                var node = others.node(digest: digest)
                node.count = count - 1
                trace.children.append(node)
            }
            points.append(LaunchPoint(vcpus: count, digest: digest, trace: trace))
        }
        return points
    }

    /// Gives the digest of each number of processors from 1 on.
    private func eachDigest(
        _ others: LaunchPlan.Run, after first: Digest, upTo last: Int, _ body: (Int, Digest) -> Void
    ) {
        body(1, first)
        guard last > 1 else { return }
        if platform.kind == .snp {
            var chain = LaunchDigest(seed: first).chain(.vmsa, gpa: others.gpa, contents: others.contentDigests)
            for count in 2...last {
                chain.step()
                body(count, chain.value)
            }
        } else {
            var hash = Hash(.sha256)
            _ = plan.addSEV(to: &hash)
            for count in 2...last {
                _ = LaunchPlan(runs: [others]).addSEV(to: &hash)
                body(count, hash.copy().finish())
            }
        }
    }

    /// The state of the boot processor; nil on platforms whose launch takes none, or if the file has none.
    var bootSaveArea: SaveAreaFields? {
        for run in plan.runs where run.type == .vmsa {
            if case .file(_, _, let bytes) = run.content { return SaveAreaFields(bytes) }
        }
        return nil
    }
}
