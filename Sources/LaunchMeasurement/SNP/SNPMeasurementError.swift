public import Bytes
public import Hashing

/// Why a launch cannot be measured although its files can be read.
public enum SNPMeasurementError: ExplainedError, Equatable {
    /// The firmware has the hash table, but nobody in it looks at it.
    case kernelNotVerified(firmware: String)
    /// Whether the firmware verifies cannot be told, and a profile needs to know.
    case verifierUnknown(firmware: String)
    /// The metadata has no section for the page of hashes.
    case noKernelHashesSection(firmware: String)
    /// The firmware sets no memory aside for the table (no entry, or base 0).
    case noHashTableArea(firmware: String)
    /// The table does not fit where the firmware wants it.
    case hashTableDoesNotFit(firmware: String, base: UInt32, size: UInt32)
    case firmwareNotWholePages(firmware: String, size: Int)
    /// A direct boot whose kernel no digest would cover.
    case kernelNotMeasured(profile: String)
    case otherTEE(profile: String, tee: TEE)
    case missingArtifact(name: String)
    /// A command line that a VMM would take otherwise than the file has it.
    case commandLineByte(artifact: String, offset: Int, byte: UInt8)
    case vcpuCount(Int)
    /// An SVSM and a variable store that do not fit below the firmware in whole pages.
    case svsmPlace(svsm: String, size: Int, variables: Int)
    /// The firmware says no start address for a second vCPU.
    case noResetAddress(firmware: String)
    /// An artifact that the digests of a profile's compact form do not cover.
    case artifactNotCovered(profile: String, name: String, found: Digest, covered: Digest)
    /// A digest of a profile's compact form that does not follow from the firmware and the artifacts.
    case compactDigest(profile: String, model: String, stated: Digest, computed: Digest)
    /// A reset address of a profile's compact form that is not the firmware's.
    case compactAddress(profile: String, stated: UInt32, computed: UInt32)
    case notCompact(profile: String)

    public var outcome: Outcome { .unusable }

    public var description: String {
        switch self {
        case .kernelNotVerified(let firmware):
            "\(firmware): kernel given, but this firmware does not verify kernel hashes: the host could boot any kernel "
                + "under the same digest"
        case .verifierUnknown(let firmware):
            "\(firmware): no packed volume found, so it cannot be told whether this firmware verifies kernel hashes"
        case .noKernelHashesSection(let firmware):
            "\(firmware): kernel given, but the SEV metadata has no SNP_KERNEL_HASHES section"
        case .noHashTableArea(let firmware):
            "\(firmware): kernel given, but the firmware has no SEV hash table area"
        case .hashTableDoesNotFit(let firmware, let base, let size):
            "\(firmware): SEV hash table area: found \(hexadecimal(base)) + \(hexadecimal(size)), expected 0xb0 bytes "
                + "inside the SNP_KERNEL_HASHES page"
        case .firmwareNotWholePages(let firmware, let size):
            "\(firmware): found \(size) bytes, expected a multiple of 4096 up to 4 GiB"
        case .kernelNotMeasured(let profile):
            "profile \(profile): direct boot without kernel hashes: the digest would say nothing about the kernel"
        case .otherTEE(let profile, let tee):
            "profile \(profile) is for \(tee.rawValue), not for snp"
        case .missingArtifact(let name): "no artifact '\(name)' was given"
        case .commandLineByte(let artifact, let offset, let byte):
            "\(artifact)+\(hexadecimal(offset)): found byte \(hexadecimal(byte)) in the kernel command line"
        case .svsmPlace(let svsm, let size, let variables):
            "\(svsm): found \(size) bytes below a variable store of \(variables) bytes, expected whole 4096-byte pages "
                + "that fit below the firmware"
        case .noResetAddress(let firmware):
            "\(firmware): more than one vCPU, but the firmware has no SEV-ES reset block to start a second one at"
        case .vcpuCount(let count): "found \(count) vCPUs, expected 1 to 4096"
        case .artifactNotCovered(let profile, let name, let found, let covered):
            "\(name): found SHA-256 \(found), but the digests in profile \(profile) are of the one with \(covered)"
        case .compactDigest(let profile, let model, let stated, let computed):
            "profile \(profile): oneVCPUDigest of \(model): found \(stated), but firmware and artifacts give \(computed)"
        case .compactAddress(let profile, let stated, let computed):
            "profile \(profile): compact.resetAddress: found \(hexadecimal(stated)), but the firmware has "
                + hexadecimal(computed)
        case .notCompact(let profile): "profile \(profile) has no compact form"
        }
    }

    public var hint: String? {
        switch self {
        case .kernelNotVerified:
            "use an AmdSev build of OVMF (ovmf-amdsev); to compute the digest all the same, say so with "
                + "--allow-unverified-kernel, or snp.allowUnverifiedKernel in a profile; the trace then records it"
        case .verifierUnknown: "give the whole firmware file, or set snp.allowUnverifiedKernel in the profile"
        case .noKernelHashesSection, .noHashTableArea:
            "use a firmware built for kernel hashes (AmdSev, edk2-stable202408 or later), or measure without a kernel"
        case .hashTableDoesNotFit: "this firmware's metadata is inconsistent; use another build"
        case .firmwareNotWholePages: "give the firmware file as the VMM loads it"
        case .kernelNotMeasured: "set snp.kernelHashes, or snp.allowUnverifiedKernel to have it all the same"
        case .otherTEE: nil
        case .missingArtifact: "build the image first"
        case .commandLineByte: "QEMU's -append takes one line without a newline or NUL; remove it"
        case .svsmPlace: "give the svsm.bin of the build, and the size of the variable store with --vars-size"
        case .noResetAddress: "give the whole firmware code file of an OVMF with SEV-ES support"
        case .vcpuCount: "give --vcpus with a count in that range"
        case .artifactNotCovered:
            "its digests would pass for an image that they do not cover; measure the firmware file with this image, or "
                + "build the image that the profile is for"
        case .compactDigest, .compactAddress:
            "state what the firmware gives, or find out where the stated value is from"
        case .notCompact: nil
        }
    }
}
