import ArgumentParser
import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import Signing
import Trace

/// `assay measure snp`: one SEV-SNP launch digest from files, with the flags of sev-snp-measure.
struct MeasureSNPCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "snp",
        abstract: "Compute the SEV-SNP launch digest of a firmware, a kernel and a number of vCPUs.",
        discussion: """
            Prints the 48-byte digest that the attestation report will hold as MEASUREMENT. The flags are those of \
            sev-snp-measure. Example:

              assay measure snp --ovmf OVMF.amdsev.fd --kernel vmlinuz --initrd initrd \\
                  --append "$(cat cmdline)" --vcpus 4 --vcpu-type EPYC-Milan
            """)

    enum Mode: String, ExpressibleByArgument, CaseIterable {
        case snp
        case ovmfHash = "snp:ovmf-hash"
    }

    enum VMM: String, ExpressibleByArgument, CaseIterable {
        case qemu = "QEMU"
        case ec2
        case ec2Legacy = "ec2-legacy"
        case gce

        init?(argument: String) {
            guard let found = Self.allCases.first(where: { $0.rawValue.lowercased() == argument.lowercased() }) else {
                return nil
            }
            self = found
        }

        var rules: VMMRules {
            switch self {
            case .qemu: .qemu
            case .ec2: .ec2
            case .ec2Legacy: .ec2Legacy
            case .gce: .gce
            }
        }
    }

    enum Format: String, ExpressibleByArgument, CaseIterable { case hex, base64 }

    @Option(help: "What to print: the launch digest, or the digest of the firmware's pages alone.")
    var mode: Mode = .snp
    @Option(help: ArgumentHelp("The firmware that the VMM loads.", valueName: "file"))
    var ovmf: String
    @Option(help: ArgumentHelp("The kernel of a direct boot (kernel-hashes=on).", valueName: "file"))
    var kernel: String?
    @Option(help: ArgumentHelp("The initrd of a direct boot.", valueName: "file"))
    var initrd: String?
    @Option(help: ArgumentHelp("The kernel command line, taken byte for byte.", valueName: "text"))
    var append: String?
    @Option(help: "Number of vCPUs.")
    var vcpus: Int?
    @OptionGroup var cpu: CPUOptions
    @Option(
        name: .customLong("guest-features"),
        help: ArgumentHelp("SEV_FEATURES of the guest, in hex.", valueName: "hex"))
    var guestFeatures: String = "0x1"
    @Option(name: .customLong("vmm-type"), help: "Whose rules for vCPU state and page order hold.")
    var vmm: VMM = .qemu
    @Option(
        name: .customLong("vmsa-gpa"),
        help: ArgumentHelp("Address under which VMSA pages are measured, if not the VMM's usual one.", valueName: "hex")
    )
    var vmsaGPA: String?
    @Option(
        name: .customLong("snp-ovmf-hash"),
        help: ArgumentHelp(
            "Digest of the firmware's pages (from --mode snp:ovmf-hash); --ovmf then gives its metadata alone.",
            valueName: "hex"))
    var ovmfHash: String?
    @Option(name: .customLong("output-format"), help: "How the digest is printed.")
    var outputFormat: Format = .hex
    @Flag(
        name: .customLong("allow-unverified-kernel"), help: "Measure a kernel although the firmware does not check it.")
    var allowUnverifiedKernel = false
    @Flag(name: .customLong("dump-vmsa"), help: "Write every vCPU's VMSA page to vmsaN.bin in this folder.")
    var dumpVMSA = false
    @Flag(help: "Print the digest and what it was computed from as JSON.")
    var json = false
    @Flag(help: "Print JSON with everything that was hashed, in order.")
    var trace = false

    func run() throws {
        let image = try OVMFImage(InputFile.contents(of: ovmf), name: name(of: ovmf))
        if mode == .ovmfHash {
            let digest = try SNPLaunch.firmwareDigest(image)
            return try output(digest, facts: [("firmware", .string(image.name))], trace: nil)
        }
        let signature = try cpu.signature(needed: vmm == .qemu)
        guard let vcpus else { throw usage("--vcpus is missing", "say how many vCPUs the guest has") }
        let kernel = try kernelInputs()
        let firmware = try SNPFirmware(image, seed: seed(), lookForVerifier: kernel != nil)
        if kernel != nil, firmware.verifiesKernelHashes != true { warnAboutKernel(firmware) }
        let launch = try SNPLaunch(
            firmware: firmware, kernel: kernel, rules: rules(), features: number(guestFeatures, "--guest-features"),
            trust: allowUnverifiedKernel ? .unverifiedAllowed : .unknownAllowed)
        let points = try launch.points(signature, vcpus: vcpus...vcpus)
        guard let point = points.first else { throw SNPMeasurementError.vcpuCount(vcpus) }
        if dumpVMSA { try dump(launch.saveAreas(signature), count: vcpus) }
        try output(point.digest, facts: facts(firmware, kernel, signature, launch), trace: point.trace)
    }
}

extension MeasureSNPCommand {
    private func usage(_ problem: String, _ hint: String) -> CommandFailure {
        CommandFailure(problem, outcome: .unusable, hint: hint)
    }

    private func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    private func number(_ text: String, _ flag: String) throws -> UInt64 {
        guard let value = parseInteger(text.hasPrefix("0x") ? text : "0x" + text) else {
            throw usage("\(flag): found '\(text)', expected hex digits", "for example 0x1")
        }
        return value
    }

    private func seed() throws -> Digest? {
        guard let ovmfHash else { return nil }
        guard let digest = Digest(.sha384, hex: ovmfHash) else {
            throw usage("--snp-ovmf-hash: expected 96 hex digits", "take what --mode snp:ovmf-hash prints")
        }
        return digest
    }

    private func rules() throws -> VMMRules {
        var rules = vmm.rules
        guard let vmsaGPA else { return rules }
        rules.vmsaGPA = try number(vmsaGPA, "--vmsa-gpa")
        guard rules.vmsaGPA.isMultiple(of: 4096) else {
            throw usage("--vmsa-gpa: expected a multiple of 4096", "for example 0xfffffffff000")
        }
        return rules
    }

    private func kernelInputs() throws -> KernelInputs? {
        guard let kernel else {
            guard initrd == nil, append == nil else {
                throw usage("--initrd and --append need --kernel", "without a kernel nothing of them is measured")
            }
            return nil
        }
        return KernelInputs(
            kernel: try .init(artifact: name(of: kernel), path: kernel),
            initrd: try initrd.map { try .init(artifact: name(of: $0), path: $0) },
            commandLine: Array((append ?? "").utf8))
    }

    private func warnAboutKernel(_ firmware: SNPFirmware) {
        if firmware.verifiesKernelHashes == nil {
            Console.warning(
                "\(firmware.name): it cannot be told whether this firmware checks kernel hashes: no packed volume in it"
            )
        } else if allowUnverifiedKernel {
            Console.warning(
                "\(firmware.name) does not check kernel hashes: the host can boot any kernel under this digest")
        }
    }

    private func dump(_ areas: (boot: VMSA, application: VMSA), count: Int) throws {
        for index in 0..<count {
            try OutputFile.write((index == 0 ? areas.boot : areas.application).bytes, to: "vmsa\(index).bin")
        }
    }

    private func facts(
        _ firmware: SNPFirmware, _ kernel: KernelInputs?, _ signature: VCPUSignature, _ launch: SNPLaunch
    ) -> [(String, Value)] {
        var facts: [(String, Value)] = [
            ("firmware", .string(firmware.name)), ("vcpus", .count(vcpus ?? 0)), ("vmm", .string(vmm.rawValue)),
            ("guestFeatures", .hex(launch.features)), ("vmsaGPA", .hex(launch.rules.vmsaGPA)),
        ]
        if vmm == .qemu { facts.append(("vcpuSignature", .hex(signature.rawValue))) }
        if kernel != nil {
            facts.append(("verifiesKernelHashes", firmware.verifiesKernelHashes.map { .bool($0) } ?? .null))
        }
        return facts
    }

    private func output(_ digest: Digest, facts: [(String, Value)], trace node: TraceNode?) throws {
        guard json || trace else {
            return print(outputFormat == .hex ? digest.hex : Base64.encode(digest.bytes))
        }
        var members: [(String, Value)] = [
            ("mode", .string(mode.rawValue)), ("launchDigest", .string(digest.hex)),
        ]
        members += facts
        if trace, let node { members.append(("trace", node.document)) }
        print(ReadableJSON.encode(.object(members)), terminator: "")
    }
}

/// How a vCPU model is named on the command line.
struct CPUOptions: ParsableArguments {
    @Option(
        name: .customLong("vcpu-type"),
        help: ArgumentHelp(
            "CPU model as QEMU names it: \(VCPUSignature.knownNames.joined(separator: ", ")), any -vN.",
            valueName: "name"))
    var type: String?
    @Option(
        name: .customLong("vcpu-sig"), help: ArgumentHelp("CPUID signature of the vCPU, 0 too.", valueName: "value"))
    var signature: String?
    @Option(name: .customLong("vcpu-family"), help: "Family of the vCPU, with model and stepping.")
    var family: Int?
    @Option(name: .customLong("vcpu-model"), help: "Model of the vCPU.")
    var model: Int?
    @Option(name: .customLong("vcpu-stepping"), help: "Stepping of the vCPU.")
    var stepping: Int?

    /// The one signature that was asked for; 0 if none was and none is needed.
    func signature(needed: Bool) throws -> VCPUSignature {
        let parts = [family, model, stepping]
        let ways = [type != nil, signature != nil, parts.contains { $0 != nil }].count { $0 }
        guard ways <= 1 else {
            throw CommandFailure(
                "the vCPU is named in \(ways) ways",
                hint: "give one of --vcpu-type, --vcpu-sig, or --vcpu-family, --vcpu-model and --vcpu-stepping")
        }
        if let type {
            guard let found = VCPUSignature(named: type) else {
                throw CommandFailure(
                    "--vcpu-type: unknown CPU model '\(type)'",
                    hint: "known are \(VCPUSignature.knownNames.joined(separator: ", ")); --vcpu-sig takes any other")
            }
            return found
        }
        if let signature {
            guard let value = parseInteger(signature).flatMap({ UInt32(exactly: $0) }) else {
                throw CommandFailure("--vcpu-sig: found '\(signature)', expected a 32-bit number", hint: "0x00a00f11")
            }
            return VCPUSignature(rawValue: value)
        }
        if let family, let model, let stepping {
            guard let found = VCPUSignature(family: family, model: model, stepping: stepping) else {
                throw CommandFailure(
                    "vCPU family \(family), model \(model), stepping \(stepping): out of range",
                    hint: "family up to 270, model up to 255, stepping up to 15")
            }
            return found
        }
        guard ways == 0, !needed else {
            throw CommandFailure(
                "the vCPU is not named",
                hint: "give --vcpu-type, --vcpu-sig, or --vcpu-family, --vcpu-model and --vcpu-stepping")
        }
        return VCPUSignature(rawValue: 0)
    }
}
