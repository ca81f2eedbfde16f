private import Bytes
private import Documents
import Hashing
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
            points.append(
                LaunchPoint(
                    vcpus: count, digest: digest, trace: .snpLaunch(digest, vcpus: count, children: prefixNodes + tail))
            )
        }
        return points
    }
}
