import ArgumentParser
import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement

/// `assay measure snp`: SEV-SNP, SEV-ES and SEV launch digests from files, with the flags of sev-snp-measure.
struct MeasureSNPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snp",
        abstract: "Compute SEV-SNP, SEV-ES and SEV launch digests of a firmware, a kernel and a number of vCPUs.",
        discussion: """
            Prints the digest that the attestation report will hold as MEASUREMENT (48 bytes; 32 for SEV and SEV-ES, \
            whose LAUNCH_MEASURE is an HMAC of it). The flags are those of sev-snp-measure. With a range of vCPUs, \
            several CPU models or several feature values there is one line a digest, and what varies stands before it. \
            Examples:

              assay measure snp --ovmf OVMF.amdsev.fd --kernel vmlinuz --initrd initrd \\
                  --append "$(cat cmdline)" --vcpus 4 --vcpu-type EPYC-Milan
              assay measure snp --ovmf OVMF.amdsev.fd --vcpus 1-255 --vcpu-type all
              assay measure snp --mode snp:ovmf-hash --json --ovmf OVMF.amdsev.fd >firmware.json
              assay measure snp --ovmf firmware.json --vcpus 4 --vcpu-type EPYC-Genoa
            """)

    enum Mode: String, ExpressibleByArgument, CaseIterable {
        case snp
        case ovmfHash = "snp:ovmf-hash"
        case svsm = "snp:svsm"
        case seves, sev
    }

    enum Format: String, ExpressibleByArgument, CaseIterable { case hex, base64 }

    @Option(help: "What is launched, or the digest of the firmware's pages alone.")
    var mode: Mode = .snp
    @Option(
        help: ArgumentHelp(
            "The firmware that the VMM loads, or a record from --mode snp:ovmf-hash --json.", valueName: "file"))
    var ovmf: String?
    @OptionGroup var kernelOptions: KernelOptions
    @Option(help: ArgumentHelp("Number of vCPUs, or a range such as 1-255.", valueName: "n"))
    var vcpus: String?
    @OptionGroup var cpu: CPUOptions
    @Option(
        name: .customLong("guest-features"),
        help: ArgumentHelp("SEV_FEATURES of the guest (default: 0x1); can be given more than once.", valueName: "value")
    )
    var guestFeatures: [String] = []
    @OptionGroup var vmm: VMMOptions
    @Flag(
        name: .customLong("legacy-sev-es-init"),
        help: "SEV-ES as KVM_SEV_ES_INIT starts it: no FPU state in the save areas.")
    var legacyInit = false
    @Option(
        name: .customLong("snp-ovmf-hash"),
        help: ArgumentHelp(
            "Digest of the firmware's pages (from --mode snp:ovmf-hash); --ovmf then gives its metadata alone.",
            valueName: "hex"))
    var ovmfHash: String?
    @OptionGroup var svsmOptions: SVSMOptions
    @Option(
        name: .customLong("one-vcpu-digest"),
        help: ArgumentHelp(
            "Extend this digest of one vCPU to others, with --reset-address and without a firmware.", valueName: "hex"))
    var oneVCPUDigest: String?
    @Option(
        name: .customLong("reset-address"),
        help: ArgumentHelp("Where other processors start, for --one-vcpu-digest.", valueName: "address"))
    var resetAddress: String?
    @Option(name: .customLong("output-format"), help: "How digests are printed.")
    var outputFormat: Format = .hex
    @Flag(name: .customLong("dump-vmsa"), help: "Write every vCPU's VMSA page to vmsaN.bin in this folder.")
    var dumpVMSA = false
    @Flag(help: "Print the digests and what they were computed from as JSON.")
    var json = false
    @Flag(help: "Print JSON with everything that was hashed, in order.")
    var trace = false

    func run() throws {
        if oneVCPUDigest != nil { return try runCompact() }
        switch mode {
        case .ovmfHash: try runFirmwareHash()
        case .snp: try runSNP()
        case .svsm: try runSVSM()
        case .seves, .sev: try runSEV()
        }
    }
}

extension MeasureSNPCommand {
    private func firmwarePath() throws -> String {
        guard let ovmf else { throw CommandFailure("--ovmf is missing", hint: "give the firmware that the VMM loads") }
        return ovmf
    }

    private func image() throws -> OVMFImage {
        try FirmwareInput.image(firmwarePath())
    }

    private func runFirmwareHash() throws {
        let image = try image()
        guard json else { return write(try SNPLaunch.firmwareDigest(image)) }
        print(
            ReadableJSON.encode(try SNPFirmware(image, lookForVerifier: true).record()), terminator: "")
    }

    private func runSNP() throws {
        let kernel = try kernelOptions.inputs()
        let firmware = try FirmwareInput.read(
            firmwarePath(), seed: seed(), lookForVerifier: kernel != nil)
        if kernel != nil {
            kernelOptions.warn(firmware: firmware.name, verifies: firmware.verifiesKernelHashes)
        }
        let models = try cpu.models(needed: vmm.known.usesSignature)
        let launch = try SNPLaunch(
            firmware: firmware, kernel: kernel, rules: vmm.rules(), trust: kernelOptions.trust)
        var facts: [(String, Value)] = try [("firmware", .string(firmware.name))] + vmm.facts()
        if kernel != nil { facts.append(("verifiesKernelHashes", .optional(firmware.verifiesKernelHashes))) }
        try output(launch, models: models, features: features(), facts: facts)
    }

    private func runSVSM() throws {
        guard vmm.known.name == "QEMU" else {
            throw CommandFailure("--mode snp:svsm is for QEMU alone", hint: "leave --vmm-type out")
        }
        let binary = try svsmOptions.image()
        try kernelOptions.refuse(in: mode.rawValue)
        guard let size = try svsmOptions.variables() else {
            throw CommandFailure(
                "--mode snp:svsm needs one of --vars-size and --vars-file", hint: "the SVSM lies below that store")
        }
        let firmware = try image()
        let launch = try SNPLaunch(svsm: binary, firmware: firmware, variables: size)
        let facts: [(String, Value)] = [
            ("firmware", .string(firmware.name)), ("svsm", .string(binary.name)), ("variableStoreSize", .hex(size)),
        ]
        try output(launch, models: cpu.models(needed: true), features: [1], facts: facts)
    }

    private func runSEV() throws {
        guard ovmfHash == nil else {
            throw CommandFailure("--snp-ovmf-hash is for SEV-SNP alone", hint: "leave it out")
        }
        let kernel = try kernelOptions.inputs()
        let path = try firmwarePath()
        let bytes = try FirmwareInput.bytes(path)
        let launch: SEVLaunch
        var facts: [(String, Value)] = [("firmware", .string(fileName(path)))]
        do {
            let image = try OVMFImage(bytes, name: fileName(path))
            let verifies = kernel == nil ? nil : try image.verifiesKernelHashes()
            if kernel != nil {
                kernelOptions.warn(firmware: image.name, verifies: verifies)
                facts.append(("verifiesKernelHashes", .optional(verifies)))
            }
            launch = try SEVLaunch(
                firmware: image, kernel: kernel, verifies: verifies,
                mode: mode == .sev ? .sev : .es(legacyInit: legacyInit), rules: vmm.rules(),
                trust: kernelOptions.trust)
        } catch let error as FormatError where mode == .sev && kernel == nil {
            Console.warning("\(error); measured as plain bytes, which is all that SEV does")
            launch = try SEVLaunch(plainFirmware: bytes, name: fileName(path))
        }
        guard mode == .seves else { return try output(launch.point(), facts: facts) }
        let models = try cpu.models(needed: vmm.known.usesSignature)
        facts += try vmm.facts() + [("legacyInit", .bool(legacyInit))]
        try output(launch, models: models, facts: facts)
    }

    private func runCompact() throws {
        guard let hex = oneVCPUDigest, let digest = Digest(.sha384, hex: hex) else {
            throw CommandFailure("--one-vcpu-digest: expected 96 hex digits", hint: "take what --vcpus 1 prints")
        }
        guard let text = resetAddress, let address = parseInteger(text).flatMap({ UInt32(exactly: $0) }) else {
            throw CommandFailure(
                "--one-vcpu-digest needs --reset-address", hint: "assay inspect shows it; OVMF builds have 0x80b004")
        }
        guard mode == .snp, ovmf == nil, !kernelOptions.given else {
            throw CommandFailure(
                "--one-vcpu-digest takes the place of firmware and kernel", hint: "leave --ovmf and --kernel out")
        }
        let range = try range()
        let features = try features()
        var lines: [LaunchLine] = []
        for model in try cpu.models(needed: vmm.known.usesSignature) {
            for feature in features {
                let compact = CompactLaunch(
                    digest: digest, resetAddress: address, signature: model.signature, features: feature,
                    rules: try vmm.rules())
                for (count, digest) in zip(range, try compact.digests(vcpus: range)) {
                    lines.append(LaunchLine(model: model, features: feature, vcpus: count, digest: digest))
                }
            }
        }
        let facts = try [("oneVCPUDigest", .string(hex)), ("resetAddress", .hex(address))] + vmm.facts()
        write(lines, facts: facts)
    }

    func seed() throws -> Digest? {
        guard let ovmfHash else { return nil }
        guard let digest = Digest(.sha384, hex: ovmfHash) else {
            throw CommandFailure(
                "--snp-ovmf-hash: expected 96 hex digits", hint: "take what --mode snp:ovmf-hash prints")
        }
        return digest
    }

    func features() throws -> [UInt64] {
        guard !guestFeatures.isEmpty else { return [1] }
        return try guestFeatures.map(LaunchFeatures.parse)
    }

    /// The vCPU counts that were asked for.
    func range() throws -> ClosedRange<Int> {
        guard let vcpus else { throw CommandFailure("--vcpus is missing", hint: "say how many vCPUs the guest has") }
        return try LaunchRange.parse(vcpus)
    }
}
