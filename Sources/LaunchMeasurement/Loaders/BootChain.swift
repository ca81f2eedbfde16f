private import Bytes
internal import DiskFormats
internal import EventLogs
internal import Files
internal import Firmware
import Trace

/// The programs that follow each other when firmware starts a disk: each is recognised by what is in its file, and its
/// rules say what it measures and what it starts next.
///
/// Where the next step cannot be told, the registers that it may go into are marked as unknown, by name and reason.
struct BootChain {
    let machine: MachineBoot
    let volume: BootVolume
    var events: BootEvents
    /// Authorities that the firmware measured: it does so once a boot for each.
    private var authorities: [[UInt8]] = []
    /// Those that shim measured, which keeps a list of its own.
    var shimAuthorities: [[UInt8]] = []

    init(_ machine: MachineBoot, _ volume: BootVolume, _ events: BootEvents) {
        self.machine = machine
        self.volume = volume
        self.events = events
    }

    /// What firmware starts on a partition when no boot option names a file (UEFI 2.10, section 3.5.1.1).
    static let firstProgram = "EFI/BOOT/BOOTX64.EFI"

    var secureBoot: Bool { machine.secureBoot == .on }

    /// Everything from the start of the disk's first program to the kernel's.
    mutating func run() throws {
        guard let file = volume.file(Self.firstProgram) else {
            throw MeasurementInputError(
                "no \(Self.firstProgram) on the disk's EFI system partition",
                hint: "firmware without a boot option of its own starts nothing else there; give the image with --uki")
        }
        let artifact = add(file)
        try measureAuthority(of: artifact)
        if machine.contents.has("disk.raw") { try events.partitionTable("disk.raw") }
        let image = try PEImage(file.contents)
        let program = try BootProgram(image)
        if program == .unifiedKernel {
            return try events.unifiedKernel(
                artifact, stub: try machine.stubRules(image), surroundings: try machine.surroundings())
        }
        try events.image(
            program.name, pieces: try events.authenticode(of: artifact), origin: "edk2: \(file.path) of a boot option")
        switch program {
        case .systemdBoot(let version): try systemdBoot(SystemdBootRules(version: version), loader: file.path)
        case .shim: try shim(image, path: file.path)
        case .linux: stop("\(file.path) is a Linux kernel with options of its own", at: "kernel")
        default: stop("what \(program.name) (\(file.path)) does is not computed", at: program.name)
        }
    }

    /// Makes a file of the volume known to traces as `esp/PATH`.
    mutating func add(_ file: BootVolume.File) -> String {
        let artifact = "esp/" + file.path
        events.contents.add(artifact, file.contents)
        return artifact
    }

    /// Loads a program through the firmware, which measures it. False: secure boot refuses it.
    mutating func loadImage(_ file: BootVolume.File, _ name: String, origin: String) throws {
        let artifact = add(file)
        try measureAuthority(of: artifact)
        try events.image(name, pieces: try events.authenticode(of: artifact), origin: origin)
    }

    private mutating func measureAuthority(of artifact: String) throws {
        guard secureBoot else { return }
        let data = try machine.authority(of: try events.contents.source(artifact))
        guard !authorities.contains(data) else { return }
        authorities.append(data)
        try events.append(
            "db entry that allows \(artifact)", pcr: 7, .variableAuthority, data: data,
            origin: "edk2 DxeImageVerificationLib: the first entry that vouches for the image")
    }

    /// Registers that whatever an operating system's boot loader starts may extend.
    private static let registers: [(pcr: UInt32, type: EventType)] = [
        (1, .eventTag), (4, .bootServicesApplication), (5, .efiAction), (7, .variableAuthority), (8, .ipl), (9, .ipl),
        (10, .ipl), (11, .ipl), (12, .ipl), (13, .ipl), (14, .ipl), (15, .ipl),
    ]

    /// Ends the prediction: from here on nothing is known of the registers that a boot goes into.
    mutating func stop(_ reason: String, at name: String) {
        for (pcr, type) in Self.registers { events.appendUnknown(name, pcr: pcr, type, reason: reason) }
    }
}

extension BootProgram {
    /// What people call it.
    var name: String {
        switch self {
        case .unifiedKernel: "unified kernel image"
        case .systemdBoot(let version): "systemd-boot \(version)"
        case .shim: "shim"
        case .grub: "GRUB"
        case .linux: "kernel image"
        case .other: "boot program"
        }
    }
}
