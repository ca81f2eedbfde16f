public import Bytes
public import Firmware

/// Why an IGVM file that could be read cannot be measured as asked.
public enum IGVMError: ExplainedError, Equatable {
    case platformMissing(file: String, wanted: IGVMPlatform.Kind, found: [IGVMPlatform.Kind])
    case platformNotMeasured(file: String, IGVMPlatform.Kind)
    case zeroPagesNotNative(IGVMPlatform.Kind)
    /// A secrets or CPUID page where only SEV-SNP has one.
    case pageKind(file: String, offset: Int, kind: IGVMPageData.Kind, platform: IGVMPlatform.Kind)
    case tooManyPages(file: String)
    /// KVM takes one save area from a file.
    case severalSaveAreas(file: String, offset: Int)
    /// A save area in memory that a page or a parameter area of the file takes.
    case saveAreaOverlap(file: String, offset: Int, gpa: UInt64)
    /// Other processors are known under KVM alone, and only beside a boot processor.
    case otherProcessors(file: String)
    case vcpuCount(Int)
    /// A profile whose rules are for IGVM files and whose section is not.
    case profile(name: String, problem: String)

    public var outcome: Outcome { .unusable }

    public var description: String {
        switch self {
        case .platformMissing(let file, let wanted, let found):
            "\(file): not made for \(wanted); its platforms are \(found.map(\.description).joined(separator: ", "))"
        case .platformNotMeasured(let file, let kind): "\(file): a \(kind) launch has no measurement that is known here"
        case .zeroPagesNotNative(let kind): "zero pages as such exist on SEV-SNP alone, not on \(kind)"
        case .pageKind(let file, let offset, let kind, let platform):
            "\(file)+\(hexadecimal(offset)): PAGE_DATA: found a \(kind) page for \(platform), expected one for SEV-SNP"
        case .tooManyPages(let file):
            "\(file): found more than \(IGVMLaunch.maximumPageCount) pages of 4096 bytes in one launch"
        case .severalSaveAreas(let file, let offset):
            "\(file)+\(hexadecimal(offset)): VP_CONTEXT: found a second one, expected a single one for QEMU and KVM"
        case .saveAreaOverlap(let file, let offset, let gpa):
            "\(file)+\(hexadecimal(offset)): VP_CONTEXT.GPA: found \(hexadecimal(gpa)), which is a page of the file, "
                + "expected memory of its own"
        case .otherProcessors(let file):
            "\(file): several vCPUs: what a loader measures for them is known for SEV-SNP and SEV-ES on KVM alone, "
                + "with a VP_CONTEXT in the file"
        case .vcpuCount(let count): "found \(count) vCPUs, expected 1 to \(SNPLaunch.maximumVCPUs)"
        case .profile(let name, let problem): "profile \(name): \(problem)"
        }
    }

    public var hint: String? {
        switch self {
        case .platformMissing: "choose one of these with --platform, or build the file for the other platform"
        case .platformNotMeasured: "snp, tdx, sev and sev-es are known"
        case .zeroPagesNotNative: "leave out --zero-pages native"
        case .pageKind: "the loader would refuse this file on that platform"
        case .tooManyPages: "no loader has that much memory in a file; it is broken or hostile"
        case .severalSaveAreas: "QEMU refuses such a file; --placement file measures it for other loaders"
        case .saveAreaOverlap:
            "SEV-SNP takes no page twice; for KVM, which has its own place for it, give --placement kvm"
        case .otherProcessors: "give --placement kvm, or leave --vcpus out"
        case .vcpuCount: "give a count in that range"
        case .profile: "correct the profile's snp section or its igvm rules"
        }
    }
}
