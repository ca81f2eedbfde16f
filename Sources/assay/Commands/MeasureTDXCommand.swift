import ArgumentParser
import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement
import Release
import Trace

extension MRTD.PageOrder: ExpressibleByArgument {}
extension TDLoader: ExpressibleByArgument {}

/// `assay measure tdx`.
struct MeasureTDXCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tdx",
        abstract: "Compute MRTD and RTMR0 to RTMR3 of a trust domain.",
        discussion: """
            With neither kernel nor disk the answer is MRTD alone. What an input is missing for is named, and the \
            registers that it goes into are left out. With a profile, tables for other numbers of vCPUs and sizes of \
            memory are derived from those that it pins. Examples:

              assay measure tdx --firmware OVMF.inteltdx.fd
              assay measure tdx --firmware td-shim.bin --td-hob td-hob.bin --kernel bzImage --append 'console=hvc0'
              assay measure tdx --firmware OVMF.inteltdx.fd --variables empty --kernel vmlinuz --initrd initrd \\
                  --append 'console=hvc0' --memory 2G --acpi captured --smbios captured/etc/smbios/smbios-tables
              assay measure tdx --profile measurements/platforms/qemu-tdx-inteltdx-2026.08 \\
                  --firmware OVMF.inteltdx.ms.fd --kernel vmlinuz --initrd initrd --cmdline cmdline \\
                  --vcpus 1-64 --memory 1G,2G,4G,8G
            """)
    @OptionGroup var options: MeasureEventsOptions
    @OptionGroup(title: "The machine") var machine: MachineOptions
    @Option(
        name: .customLong("page-order"),
        help: "Order in which the loader adds and extends pages: single-pass (QEMU 10.1 and later) or two-pass.")
    var pageOrder: MRTD.PageOrder?
    @Option(
        name: .customLong("loader"),
        help: ArgumentHelp(
            "Who builds the TD: qemu, td-shim (which td-shim's images have without asking), gce, or gce-all-sections "
                + "and gce-early-accept, where MRTD follows --memory. For those of gce MRTD alone is known.",
            valueName: "name"))
    var givenLoader: TDLoader?
    @Option(
        name: .customLong("td-hob"),
        help: ArgumentHelp(
            "The list of hand-off blocks that the VMM gives td-shim, which goes into RTMR0. With td-shim alone: for OVMF "
                + "it follows from --memory.",
            valueName: "file"))
    var handoff: String?
    @Option(
        name: .customLong("tdx-module"),
        help: ArgumentHelp("Intel's TDX module: adds MRSEAM and MRSIGNERSEAM.", valueName: "file"))
    var module: String?
    @Option(help: ArgumentHelp("The module's SIGSTRUCT, which must be for it.", valueName: "file"))
    var sigstruct: String?

    func run() throws {
        let module = try moduleRegisters()
        if let profile = options.profile { return try measure(PlatformFolder(profile), module) }
        let (bytes, _) = try machine.image()
        if let layout = try shimLayout(of: bytes) { return try measureTDShim(bytes, layout, module) }
        guard handoff == nil else {
            throw CommandFailure(
                "--td-hob: this firmware is not td-shim", hint: "its hand-off blocks follow from --memory: leave it out"
            )
        }
        let image = try TDVFImage(bytes, name: machine.firmwarePath(), dialect: loader.dialect)
        guard machine.bootsSomething else { return try initialMemory(of: image, loader: loader, module) }
        guard loader == .qemu else {
            throw CommandFailure(
                "--loader \(loader.rawValue): what this loader's firmware measures of a boot is not known",
                hint: "leave out --kernel, --uki and --disk: MRTD alone is computed")
        }
        let initial = try MRTD.measure(image, loader: loader, order: pageOrder ?? .single, artifact: "firmware")
        try options.output(try machine.boot(.td, algorithms: [.sha384]), initial: initial, module: module)
    }

    private var loader: TDLoader { givenLoader ?? .qemu }

    /// MRTD alone: one value, or one for each size of memory.
    func initialMemory(of image: TDVFImage, loader: TDLoader, _ module: [Measurement.Register]) throws {
        guard options.log == nil else {
            throw CommandFailure("--eventlog: nothing is booted", hint: "give --kernel, --uki or --disk")
        }
        let unused = [("--vcpus", machine.vcpus), ("--memory", loader.needsMemory ? nil : machine.memory)]
        for (name, value) in unused where value != nil {
            throw CommandFailure(
                "\(name) changes nothing here: MRTD does not depend on it",
                hint: "give --kernel, --uki or --disk, or leave it out")
        }
        let sizes: [UInt64?] = try machine.memory.map { try ShapeOptions.sizes($0).map { $0 } } ?? [nil]
        let points = try sizes.map { size in
            let mrtd = try MRTD.measure(
                image, loader: loader, order: pageOrder ?? .single, memory: size, artifact: "firmware")
            let axes = size.map {
                [Measurement.Axis("memory", ACPIMachineShape(processors: 1, memory: $0).memoryText)]
            }
            return Measurement(
                platform: loader.rawValue, tee: .tdx, axes: axes ?? [],
                registers: [.init("MRTD", mrtd.digest)] + module, trace: mrtd.trace)
        }
        try show(points, loader: loader, layout: try machine.foundLayout(image, loader: loader))
    }

    private func show(
        _ points: [Measurement], loader: TDLoader, layout: (name: String, origin: String)
    ) throws {
        guard options.json || options.trace else {
            return print(PointLines(points).text, terminator: "")
        }
        var members = EventOutput.registers(points.first?.registers ?? [])
        members += [
            ("events", .array([])),
            ("loader", loader.document),
            ("layout", .object([("name", .string(layout.name)), ("origin", .string(layout.origin))])),
        ]
        if points.count > 1 { members.append(("points", .array(of: points.map { $0.pointDocument() }))) }
        if options.trace, let first = points.first {
            let tree = TraceNode(
                id: "tdx", name: "initial memory of a trust domain",
                details: [("layout", .string(layout.name)), ("layoutOrigin", .string(layout.origin))],
                children: [first.trace])
            members.append(("trace", tree.document))
        }
        print(ReadableJSON.encode(.object(members)), terminator: "")
    }

    private func moduleRegisters() throws -> [Measurement.Register] {
        guard let module else {
            guard sigstruct == nil else {
                throw CommandFailure("--sigstruct without --tdx-module", hint: "give the module that it is for")
            }
            return []
        }
        let signature = try sigstruct.map { path in
            try SEAMSignature(InputFile.contents(of: path, limit: 1 << 16), source: path)
        }
        let measured = try TDXModule.measure(
            InputFile.contents(of: module, limit: 16 << 20), name: module, signature: signature)
        return [.init("MRSEAM", measured.seam), .init("MRSIGNERSEAM", measured.signer)]
    }

    private func measure(_ pinned: PlatformFolder, _ module: [Measurement.Register]) throws {
        try machine.refuseWithProfile()
        guard givenLoader ?? .qemu == .qemu, pageOrder == nil else {
            throw CommandFailure(
                "--loader and --page-order with --profile: the profile says how its TD is built", hint: "leave them out"
            )
        }
        let source = try machine.firmwarePath()
        let firmware = try InputFile.contents(of: source)
        var paths: [String: String] = [:]
        for (name, path) in [("vmlinuz", machine.kernel), ("initrd", machine.initrd), ("cmdline", machine.cmdline)] {
            guard let path else {
                throw CommandFailure("--profile needs --kernel, --initrd and --cmdline; \(name) is missing")
            }
            paths[name] = path
        }
        let artifacts = BootArtifacts(paths: paths)
        let matrix = try MachineMatrix(
            pinned, acpi: machine.acpi, vcpus: machine.vcpus, memory: machine.memory)
        var measurements = try TDXMeasurement.measure(
            profile: pinned.profile, firmware: firmware, source: source, machines: matrix.machines,
            artifacts: artifacts)
        for index in measurements.indices { measurements[index].registers += module }
        try options.output(measurements) {
            try TDXMeasurement.log(
                profile: pinned.profile, firmware: firmware, source: source, machine: matrix.only(),
                artifacts: artifacts,
                exit: options.exitBootServices ?? .first)
        }
    }
}

extension TDLoader {
    /// Name and origin, as JSON shows them.
    var document: Value { .object([("name", .string(rawValue)), ("origin", .string(origin))]) }
}
