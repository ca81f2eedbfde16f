import ArgumentParser
import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement

/// The last part of a path: what errors and traces call a file.
func fileName(_ path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

/// A firmware file, or a record of one.
enum FirmwareInput {
    /// Reads `path`; a record already holds the digest of its pages, and then there must not be another `seed`.
    static func read(_ path: String, seed: Digest?, lookForVerifier: Bool) throws -> SNPFirmware {
        let bytes = try bytes(path)
        guard bytes.first(where: { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }) == UInt8(ascii: "{") else {
            let image = try OVMFImage(bytes, name: fileName(path))
            return try SNPFirmware(image, seed: seed, lookForVerifier: lookForVerifier)
        }
        guard seed == nil else {
            throw CommandFailure(
                "\(path) is a record that holds the digest of its firmware's pages", hint: "leave --snp-ovmf-hash out")
        }
        return try SNPFirmware(record: JSONReader.parse(bytes, source: path), name: fileName(path))
    }
}

extension FirmwareInput {
    static func bytes(_ path: String) throws -> [UInt8] {
        try InputFile.contents(of: path, limit: OVMFImage.maximumByteCount)
    }

    static func image(_ path: String) throws -> OVMFImage { try OVMFImage(bytes(path), name: fileName(path)) }
}

/// How a number of vCPUs or a range of them is written.
enum LaunchRange {
    static func parse(_ text: String) throws -> ClosedRange<Int> {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard parts.count <= 2, let first = parts.first ?? nil, let last = parts.last ?? nil, first <= last else {
            throw CommandFailure(
                "--vcpus: found '\(text)', expected a count or a range", hint: "for example 4, or 1-255")
        }
        guard first >= 1, last <= SNPLaunch.maximumVCPUs else {
            throw SNPMeasurementError.vcpuCount(first < 1 ? first : last)
        }
        return first...last
    }
}

/// How a value of SEV_FEATURES is written.
enum LaunchFeatures {
    static func parse(_ text: String) throws -> UInt64 {
        guard let value = parseInteger(text) else {
            throw CommandFailure("--guest-features: found '\(text)', expected a number", hint: "for example 0x1")
        }
        return value
    }
}

/// The kernel of a direct boot, and what is said about a firmware that may not check it.
struct KernelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The kernel of a direct boot (kernel-hashes=on).", valueName: "file"))
    var kernel: String?
    @Option(help: ArgumentHelp("The initrd of a direct boot.", valueName: "file"))
    var initrd: String?
    @Option(help: ArgumentHelp("The kernel command line, taken byte for byte.", valueName: "text"))
    var append: String?
    @Flag(
        name: .customLong("allow-unverified-kernel"), help: "Measure a kernel although the firmware does not check it.")
    var allowUnverifiedKernel = false

    var given: Bool { kernel != nil || initrd != nil || append != nil }
    var trust: KernelTrust { allowUnverifiedKernel ? .unverifiedAllowed : .unknownAllowed }

    /// The hashed files; nil without a kernel.
    func inputs() throws -> KernelInputs? {
        guard let kernel else {
            guard initrd == nil, append == nil else {
                throw CommandFailure(
                    "--initrd and --append need --kernel", hint: "without a kernel nothing of them is measured")
            }
            return nil
        }
        try warnUnlessKernel(kernel)
        return KernelInputs(
            kernel: try .init(artifact: fileName(kernel), path: kernel),
            initrd: try initrd.map { try .init(artifact: fileName($0), path: $0) },
            commandLine: Array((append ?? "").utf8))
    }

    /// Says so if the file is neither a Linux kernel nor an EFI program: its hash is measured all the same, and nothing
    /// starts it.
    private func warnUnlessKernel(_ path: String) throws {
        let file = try InputFile(path)
        let start = try file.read(at: 0, count: min(file.size, LinuxBootHeader.byteCount))
        let header = try? start.withReader(source: path) { reader throws(FormatError) in
            try LinuxBootHeader(parsing: &reader)
        }
        guard header == nil, !start.starts(with: Array("MZ".utf8)) else { return }
        Console.warning(
            "\(path): is no Linux kernel: neither HdrS at 0x202 nor MZ at 0x0; its bytes are measured all the same",
            hint: "give the file that the host gives to -kernel, such as vmlinuz")
    }

    func refuse(in mode: String) throws {
        guard given else { return }
        throw CommandFailure("--mode \(mode) measures no kernel", hint: "leave --kernel, --initrd and --append out")
    }

    func warn(firmware: String, verifies: Bool?) {
        if verifies == nil {
            Console.warning(
                "\(firmware): it cannot be told whether this firmware checks kernel hashes: no packed volume in it")
        } else if verifies == false, allowUnverifiedKernel {
            Console.warning("\(firmware) does not check kernel hashes: the host can boot any kernel under this digest")
        }
    }
}

/// What is launched beside a firmware in mode `snp:svsm`.
struct SVSMOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The SVSM binary of --mode snp:svsm.", valueName: "file"))
    var svsm: String?
    @Option(
        name: .customLong("vars-size"),
        help: ArgumentHelp("Size of the variable store above the SVSM.", valueName: "bytes"))
    var varsSize: String?
    @Option(name: .customLong("vars-file"), help: ArgumentHelp("The variable store itself.", valueName: "file"))
    var varsFile: String?

    func image() throws -> SVSMImage {
        guard let svsm else { throw CommandFailure("--svsm is missing", hint: "give the SVSM binary") }
        return try SVSMImage(InputFile.contents(of: svsm, limit: OVMFImage.maximumByteCount), name: fileName(svsm))
    }

    /// Size of the variable store in bytes; nil if nothing is said of it.
    func variables() throws -> Int? {
        switch (varsSize, varsFile) {
        case (nil, nil): return nil
        case (let text?, nil):
            guard let count = parseByteCount(text) else {
                throw CommandFailure("--vars-size: found '\(text)', expected a number of bytes", hint: "such as 528K")
            }
            return count
        case (nil, let file?): return try InputFile(file).size
        default: throw CommandFailure("--vars-size and --vars-file are both given", hint: "one of them is enough")
        }
    }

    func refuse(in mode: String) throws {
        guard svsm != nil || varsSize != nil || varsFile != nil else { return }
        throw CommandFailure(
            "--svsm, --vars-size and --vars-file have no part in --mode \(mode)", hint: "leave them out")
    }
}

/// Whose rules hold.
struct VMMOptions: ParsableArguments {
    @Option(
        name: .customLong("vmm-type"),
        help: ArgumentHelp(
            "Whose rules for vCPU state and page order hold: \(KnownVMM.all.map(\.name).joined(separator: ", ")).",
            valueName: "name"))
    var known: KnownVMM = KnownVMM.all[0]
    @Option(
        name: .customLong("vmsa-gpa"),
        help: ArgumentHelp("Address under which VMSA pages are measured, if not the VMM's usual one.", valueName: "hex")
    )
    var vmsaGPA: String?

    func rules() throws -> VMMRules {
        guard let vmsaGPA else { return known.rules }
        guard let address = parseInteger(vmsaGPA), address.isMultiple(of: 4096) else {
            throw CommandFailure("--vmsa-gpa: expected a multiple of 4096", hint: "for example 0xfffffffff000")
        }
        return known.rules.with { $0.vmsaGPA = address }
    }

    func facts() throws -> [(String, Value)] {
        [
            ("vmm", .string(known.name)), ("vmmValidity", .string(known.validity)),
            ("vmmOrigin", .string(known.origin)), ("vmmConfidence", .string(known.confidence.rawValue)),
            ("vmsaGPA", .hex(try rules().vmsaGPA)),
        ]
    }
}

extension KnownVMM: ExpressibleByArgument {
    public init?(argument: String) {
        guard let found = KnownVMM.named(argument) else { return nil }
        self = found
    }

    public var defaultValueDescription: String { name }
    public static var allValueStrings: [String] { all.map(\.name) }
}

/// How vCPU models are named on the command line.
struct CPUOptions: ParsableArguments {
    /// A signature and what it is called.
    struct Model {
        var name: String
        var signature: VCPUSignature
    }

    @Option(
        name: .customLong("vcpu-type"),
        help: ArgumentHelp(
            "CPU model as QEMU names it: \(VCPUSignature.knownNames.joined(separator: ", ")), any -vN; can be given "
                + "more than once; 'all' for one of each signature.",
            valueName: "name"))
    var types: [String] = []
    @Option(
        name: .customLong("vcpu-sig"), help: ArgumentHelp("CPUID signature of the vCPU, 0 too.", valueName: "value"))
    var signatures: [String] = []
    @Option(name: .customLong("vcpu-family"), help: "Family of the vCPU, with model and stepping.")
    var family: Int?
    @Option(name: .customLong("vcpu-model"), help: "Model of the vCPU.")
    var model: Int?
    @Option(name: .customLong("vcpu-stepping"), help: "Stepping of the vCPU.")
    var stepping: Int?

    /// Whether any was asked for.
    var given: Bool {
        !types.isEmpty || !signatures.isEmpty || family != nil || model != nil || stepping != nil
    }

    /// The models that were asked for; one with signature 0 if none was and none is needed.
    func models(needed: Bool) throws -> [Model] {
        let parts = [family, model, stepping]
        let ways = [!types.isEmpty, !signatures.isEmpty, parts.contains { $0 != nil }].count { $0 }
        guard ways <= 1 else {
            throw CommandFailure(
                "the vCPU is named in \(ways) ways",
                hint: "give one of --vcpu-type, --vcpu-sig, or --vcpu-family, --vcpu-model and --vcpu-stepping")
        }
        if types == ["all"] { return VCPUSignature.known.map { Model(name: $0.name, signature: $0.signature) } }
        if !types.isEmpty { return try types.map(named) }
        if !signatures.isEmpty { return try signatures.map(raw) }
        if let family, let model, let stepping {
            guard let found = VCPUSignature(family: family, model: model, stepping: stepping) else {
                throw CommandFailure(
                    "vCPU family \(family), model \(model), stepping \(stepping): out of range",
                    hint: "family up to 270, model up to 255, stepping up to 15")
            }
            return [Model(name: found.description, signature: found)]
        }
        guard ways == 0, !needed else {
            throw CommandFailure(
                "the vCPU is not named",
                hint: "give --vcpu-type, --vcpu-sig, or --vcpu-family, --vcpu-model and --vcpu-stepping")
        }
        return [Model(name: "any", signature: VCPUSignature(rawValue: 0))]
    }

    private func named(_ name: String) throws -> Model {
        guard let found = VCPUSignature(named: name) else {
            throw CommandFailure(
                "--vcpu-type: unknown CPU model '\(name)'",
                hint: "known are \(VCPUSignature.knownNames.joined(separator: ", ")); --vcpu-sig takes any other")
        }
        return Model(name: name, signature: found)
    }

    private func raw(_ text: String) throws -> Model {
        guard let value = parseInteger(text).flatMap({ UInt32(exactly: $0) }) else {
            throw CommandFailure("--vcpu-sig: found '\(text)', expected a 32-bit number", hint: "0x00a00f11")
        }
        return Model(name: text, signature: VCPUSignature(rawValue: value))
    }
}
