import ArgumentParser
import Bytes
import DiskFormats
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement

/// Whose PCRs a policy is about, and in which phases of the boot.
struct PCRPolicyOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The unified kernel image; PCRs are those of any UEFI.", valueName: "file"))
    var uki: String?
    @Option(help: ArgumentHelp("Version of systemd-stub; found in the image if not given.", valueName: "version"))
    var stub: Int?
    @OptionGroup(title: "Secure boot") var secureBoot: SecureBootOptions
    @Option(
        help: ArgumentHelp(
            "A phase path of the boot such as enter-initrd:leave-initrd, or the empty text for none; may be repeated. "
                + "Without it the four that systemd passes through. Phases extend PCR 11.",
            valueName: "path"))
    var phase: [String] = []

    /// The phases that count: none where PCR 11 is not selected.
    func phases(extending pcr11: Bool) throws -> [BootPhases] {
        guard pcr11 else {
            guard phase.isEmpty else {
                throw CommandFailure(
                    "--phase: phases extend PCR 11, which is not selected", hint: "leave it out, or select PCR 11")
            }
            return [BootPhases("")].compactMap { $0 }
        }
        guard !phase.isEmpty else { return BootPhases.usual }
        return try phase.map { text in
            guard let phases = BootPhases(text) else {
                throw CommandFailure(
                    "--phase '\(text)': no phase path", hint: "give names with colons between, e.g. enter-initrd")
            }
            return phases
        }
    }

    /// The PCRs of the image, when its kernel starts.
    func registers(_ banks: [HashAlgorithm]) throws -> [Measurement.Register] {
        guard let uki else { throw CommandFailure("no image", hint: "give a unified kernel image with --uki") }
        var contents = EventContents(algorithms: banks)
        contents.add("uki.efi", try ByteSource(path: uki))
        var boot = try MachineBoot.anyUEFI(
            secureBoot: secureBoot.state, variables: secureBoot.enrolled(in: VariableStore(variables: [])),
            contents: contents)
        if let stub {
            guard let rules = StubRules(version: stub) else {
                throw CommandFailure("--stub \(stub): no rules for this version", hint: "252, 257 and 262 are known")
            }
            boot.stub = rules
        }
        return try BootPrediction(boot, exit: .first).registers
    }

    /// A section of the image as bytes up to the first NUL; nil if it has none.
    func section(_ name: String) throws -> [UInt8]? {
        guard let uki else { return nil }
        let image = try PEImage(ByteSource(path: uki))
        guard let section = image.section(name) else { return nil }
        let contents = try image.contents(of: section)
        guard contents.count <= PCRSignatures.maximumByteCount else {
            throw CommandFailure("\(uki): section \(name) has \(contents.count) bytes", hint: "the image is damaged")
        }
        return Array(try contents.read(at: 0, count: contents.count, name).prefix { $0 != 0 })
    }
}

extension PCRPolicy.Bank {
    /// The bank after `phases`, which extend PCR 11.
    func after(_ phases: BootPhases) -> PCRPolicy.Bank {
        var bank = self
        if let value = values[11] { bank.values[11] = phases.extending(value) }
        return bank
    }
}

/// PCRs out of what `assay measure tpm --json` prints: `pcrs.BANK.N`.
enum PCRValuesFile {
    static func registers(at path: String) throws -> [Measurement.Register] {
        let root = try JSONReader.parse(InputFile.contents(of: path, limit: 256 << 20), source: path, mode: .foreign)
        guard case .object(let banks)? = root.value["pcrs"] else {
            throw CommandFailure("\(path): no member 'pcrs'", hint: "give what assay measure tpm --json prints")
        }
        return try banks.flatMap { bank in
            guard let algorithm = HashAlgorithm.registers.first(where: { $0.rawValue == bank.key }),
                case .object(let values) = bank.node.value
            else { throw CommandFailure("\(path): pcrs.\(bank.key) is no bank") }
            return try values.map { value in
                guard case .string(let text) = value.node.value, let digest = Digest(algorithm, hex: text),
                    UInt32(value.key) != nil
                else { throw CommandFailure("\(path): pcrs.\(bank.key).\(value.key) is no digest of the bank") }
                return Measurement.Register("PCR\(value.key).\(algorithm.rawValue)", digest)
            }
        }
    }
}
