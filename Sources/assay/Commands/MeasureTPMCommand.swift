import ArgumentParser
import EventLogs
import Files
import Firmware
import Hashing
import LaunchMeasurement
import Release

/// `assay measure tpm`.
struct MeasureTPMCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tpm",
        abstract: "Compute the PCRs of a virtual TPM after firmware has started a kernel or a disk.",
        discussion: """
            Without a profile every bank of --bank is computed. Without a firmware's file, as in a cloud, the machine is \
            some UEFI: PCR 4, 7, 8, 9 and 11 to 14 follow from the image and from what is enrolled, the others are named \
            as not predicted. PCR 11 is its value when the kernel starts; see 'assay pcr-policy' for boot phases. Examples:

              assay measure tpm --uki uki.efi --secure-boot off
              assay measure tpm --uki uki.efi --secure-boot on --pk PK.esl --kek KEK.esl --db db.esl --bank sha384

              assay measure tpm --firmware OVMF_CODE_4M.fd --uki uki.efi --disk disk.raw --acpi captured
              assay measure tpm --profile measurements/platforms/qemu-vtpm-ovmf-2026.08 \\
                  --firmware OVMF_CODE_4M.fd --uki uki.efi --disk disk.raw --vcpus 1-4 --memory 1G,2G
            """)
    @OptionGroup var options: MeasureEventsOptions
    @OptionGroup(title: "The machine") var machine: MachineOptions
    @OptionGroup(title: "Secure boot") var secureBoot: SecureBootOptions
    @Option(help: ArgumentHelp("A bank: sha1, sha256, sha384 or sha512; may be repeated.", valueName: "hash"))
    var bank: [String] = ["sha1", "sha256", "sha384"]

    func run() throws {
        if let profile = options.profile {
            try secureBoot.refuseWithProfile()
            return try measure(PlatformFolder(profile))
        }
        let banks = try HashAlgorithm.banks(bank)
        guard machine.bootsSomething else {
            throw CommandFailure(
                "nothing is booted", hint: "give --kernel, --uki or --disk")
        }
        guard machine.firmware != nil else {
            guard options.log == nil, options.exitBootServices == nil else {
                throw CommandFailure(
                    "--eventlog and --exit-boot-services without a firmware: not every event is known",
                    hint: "give --firmware, or leave them out")
            }
            return try options.output(try machine.anyUEFI(secureBoot, algorithms: banks), initial: nil)
        }
        guard secureBoot.state == nil else {
            throw CommandFailure(
                "--secure-boot with --firmware: it follows from the firmware and its variable store",
                hint: "leave it out; give another store by --variables, or keys by --pk, --kek, --db and --dbx")
        }
        var boot = try machine.boot(.tpm, algorithms: banks)
        boot.variables = try secureBoot.enrolled(in: boot.variables)
        try options.output(boot, initial: nil)
    }

    private func measure(_ pinned: PlatformFolder) throws {
        try machine.refuseWithProfile()
        let source = try machine.firmwarePath()
        let firmware = try InputFile.contents(of: source)
        guard let uki = machine.uki, let disk = machine.disk else {
            throw CommandFailure("--profile needs --uki and --disk")
        }
        let artifacts = BootArtifacts(paths: ["uki.efi": uki, "disk.raw": disk])
        let matrix = try MachineMatrix(
            pinned, acpi: machine.acpi, vcpus: machine.vcpus, memory: machine.memory)
        let measurements = try VTPMMeasurement.measure(
            profile: pinned.profile, firmware: firmware, source: source, machines: matrix.machines,
            artifacts: artifacts)
        try options.output(measurements) {
            try VTPMMeasurement.log(
                profile: pinned.profile, firmware: firmware, source: source, blobs: matrix.only().blobs,
                artifacts: artifacts,
                exit: options.exitBootServices ?? .first)
        }
    }
}
