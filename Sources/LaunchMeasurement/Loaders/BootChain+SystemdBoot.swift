private import Bytes
internal import DiskFormats
internal import EventLogs
internal import Files
internal import Firmware
import Trace

/// How a version of systemd's boot loader measures.
struct SystemdBootRules {
    var version: Int

    /// Text of the configuration: PCR 5 since 255 (systemd's NEWS; 252, 257 and 262 seen).
    var measuresConfiguration: Bool { version >= 255 }
    /// SMBIOS structures 1, 2 and 11 in PCR 1, as the stub does without a loader before it (262 seen).
    var measuresSMBIOS: Bool { version >= 262 }
    /// Several initrds are put together by the loader, padded to 4 bytes in between (257 read, 257 and 262 seen). Older
    /// versions leave that to the kernel.
    var joinsInitrds: Bool { version >= 257 }
    /// Tagged events also go to a TD's registers; nil: not known. 257 and older give them to a TPM alone (source).
    var tagsInTD: Bool? { version <= 257 ? false : nil }

    var origin: String {
        switch version {
        case 252, 257, 262: "systemd-boot \(version)"
        default: "systemd-boot \(version), taken for \(version > 262 ? 262 : version > 257 ? 257 : 252)"
        }
    }
}

extension BootChain {
    /// Variables by which somebody else than the configuration chooses the entry.
    private static let choices = [
        "LoaderEntryOneShot", "LoaderEntryDefault", "LoaderEntryPreferred", "LoaderEntrySysFail",
        "LoaderEntryLastBooted", "LoaderConfigTimeoutOneShot",
    ]
    private static let vendor = GUID("4a67b082-0a4c-41cf-b6c7-440b29bb8c4f") ?? .zero

    /// What systemd's boot loader measures and starts; `loader` is its path on the volume.
    mutating func systemdBoot(_ rules: SystemdBootRules, loader: String) throws {
        if let reason = unknownCircumstance(rules) { return stop(reason, at: "systemd-boot") }
        if rules.measuresSMBIOS, let table = machine.smbios {
            try tagged(rules, pcr: 1, name: "SMBIOS structures") { events throws in
                try events.stubTables(table, origin: rules.origin)
            }
        } else if rules.measuresSMBIOS {
            events.appendUnknown("SMBIOS structures", pcr: 1, .eventTag, reason: "no SMBIOS tables were given")
        }
        var configuration = LoaderConfiguration([])
        if let file = volume.file("loader/loader.conf") {
            configuration = LoaderConfiguration(try text(of: file))
            try measureConfiguration(file, rules)
        }
        if let key = configuration.uncovered.first {
            return stop("loader.conf has a line '\(key)', whose choice is not computed", at: "systemd-boot")
        }
        let entries = try self.entries(loader: loader)
        if let entry = entries.first(where: { !$0.uncovered.isEmpty }) {
            return stop("\(entry.id) has a line '\(entry.uncovered[0])', which is not computed", at: "systemd-boot")
        }
        guard let chosen = Self.choose(entries, configuration) else {
            return stop("no entry starts by itself; the loader shows its menu", at: "systemd-boot")
        }
        let origin =
            "\(rules.origin): \(chosen.id), chosen of \(entries.count) by loader.conf and order; nobody presses a key, no"
            + " variable of an earlier boot chooses another"
        try start(chosen, rules, origin: origin)
    }

    /// What keeps the choice or the events from being told at all.
    private func unknownCircumstance(_ rules: SystemdBootRules) -> String? {
        if volume.hasExtendedPartition { return "the disk has an XBOOTLDR partition, which is not read" }
        for name in Self.choices where machine.variables.value(name, Self.vendor) != nil {
            return "the variable store has \(name), which takes part in the choice of the entry"
        }
        let drivers = volume.list("EFI/systemd/drivers").filter { $0.name.asciiLowercased.hasSuffix("x64.efi") }
        if let driver = drivers.first { return "\(driver.path) is a driver that the loader starts first" }
        if volume.hasDirectory("loader/keys"), machine.secureBoot != .on {
            return "loader/keys has keys that the loader may enrol"
        }
        let extra = Array("io.systemd.boot.entries-extra".utf8)
        if machine.platform == .tpm, rules.version > 257,
            machine.smbios?.structures.contains(where: {
                $0.type == 11 && $0.strings.contains { $0.starts(with: extra) }
            })
                == true
        {
            return "SMBIOS strings add entries"
        }
        return nil
    }

    /// A file of the configuration; its size is limited.
    func text(of file: BootVolume.File) throws -> [UInt8] {
        guard file.contents.count <= LoaderLines.limit else {
            throw MeasurementInputError(
                "\(file.path): \(file.contents.count) bytes of configuration", hint: "at most 1 MiB is read")
        }
        return try file.contents.read(at: 0, count: file.contents.count, file.path)
    }

    private mutating func measureConfiguration(_ file: BootVolume.File, _ rules: SystemdBootRules) throws {
        guard rules.measuresConfiguration else { return }
        let artifact = add(file)
        try tagged(rules, pcr: 5, name: "loader.conf") { events throws in
            var name = ByteWriter()
            name.append(utf16: "loader.conf\0")
            try events.append(
                "loader.conf", pcr: 5, .eventTag, content: [try events.contents.whole(artifact)],
                data: TaggedEvent(tag: 0xF5BC_582A, data: name.bytes).encoded, origin: rules.origin)
        }
    }

    /// Appends tagged events where the platform gets them.
    private mutating func tagged(
        _ rules: SystemdBootRules, pcr: UInt32, name: String, _ append: (inout BootEvents) throws -> Void
    ) throws {
        if machine.platform == .tpm || rules.tagsInTD == true { return try append(&events) }
        if rules.tagsInTD == nil {
            events.appendUnknown(
                name, pcr: pcr, .eventTag,
                reason: "whether \(rules.origin) measures it in a TD is not known; nobody has seen or read it")
        }
    }

    /// All entries that are not the loader's own additions, in the order of its menu.
    private func entries(loader: String) throws -> [LoaderEntry] {
        func isEntry(_ file: BootVolume.File, _ suffix: String) -> Bool {
            let name = file.name.asciiLowercased
            return name.hasSuffix(suffix) && !name.hasPrefix(".") && !name.hasPrefix("auto-")
        }
        var entries: [LoaderEntry] = []
        for file in volume.list("EFI/Linux") where isEntry(file, ".efi") {
            // What is no image is passed over.
            guard let image = try? PEImage(file.contents) else { continue }
            entries += try LoaderEntry.unified(image, path: "\\EFI\\Linux\\\(file.name)", name: file.name)
        }
        let own = "\\" + loader.replacing("/", with: "\\")
        for file in volume.list("loader/entries") where isEntry(file, ".conf") {
            guard let entry = LoaderEntry(type1: try text(of: file), name: file.name, loader: own),
                !entry.uncovered.isEmpty || volume.file(entry.program) != nil
            else { continue }
            entries.append(entry)
        }
        // The sort keeps the order of equals, as the loader's does.
        return entries.enumerated().sorted { a, b in
            LoaderEntry.precedes(a.element, b.element)
                || !LoaderEntry.precedes(b.element, a.element) && a.offset < b.offset
        }.map(\.element)
    }

    /// The entry that starts without anybody's doing: the first that `default` matches, or the first of all.
    private static func choose(_ entries: [LoaderEntry], _ configuration: LoaderConfiguration) -> LoaderEntry? {
        if let pattern = configuration.defaultEntry, pattern != "@saved",
            let entry = entries.first(where: { EntryPattern(pattern).matches($0.id) })
        {
            return entry
        }
        return entries.first
    }

    private mutating func start(_ entry: LoaderEntry, _ rules: SystemdBootRules, origin: String) throws {
        guard let file = volume.file(entry.program) else { return stop("\(entry.program) is not there", at: entry.id) }
        switch entry.kind {
        case .unified(let profile):
            guard profile == 0 else {
                return stop("\(entry.id) is profile \(profile) of its image, whose rules are not known", at: entry.id)
            }
            try startUnified(file, rules, origin: origin)
        case .program:
            guard entry.options == nil, try BootProgram(PEImage(file.contents)) == .unifiedKernel else {
                return stop("\(entry.id) starts \(file.path) by 'efi', which is not computed", at: entry.id)
            }
            try startUnified(file, rules, origin: origin)
        case .linux: try startLinux(entry, file, rules, origin: origin)
        }
    }

    private mutating func startUnified(
        _ file: BootVolume.File, _ rules: SystemdBootRules, origin: String
    ) throws {
        try loadImage(file, "unified kernel image", origin: origin)
        let image = try PEImage(file.contents)
        var surroundings = try machine.surroundings()
        surroundings.loaderMeasuredSMBIOS = rules.measuresSMBIOS
        try events.runStub("esp/" + file.path, stub: try machine.stubRules(image), surroundings: surroundings)
    }

    /// A kernel of a type 1 entry: its image, its options, and what its own stub measures.
    private mutating func startLinux(
        _ entry: LoaderEntry, _ file: BootVolume.File, _ rules: SystemdBootRules, origin: String
    ) throws {
        if entry.devicetree != nil, !secureBoot {
            return stop("\(entry.id) has a devicetree, which is not computed", at: entry.id)
        }
        guard try BootProgram(PEImage(file.contents)) == .linux else {
            return stop("\(entry.id) starts \(file.path), which is no plain Linux kernel", at: entry.id)
        }
        guard let initrd = try initrds(entry, rules) else {
            return stop(
                "\(entry.id): an initrd is missing, or the kernel itself puts several together, whose sizes are no"
                    + " multiples of 4 bytes", at: entry.id)
        }
        try loadImage(file, "kernel image", origin: origin)
        var line = entry.initrds.map { "initrd=" + $0 }
        if let options = entry.options { line.append(options) }
        if machine.platform == .tpm, let extra = machine.smbios?.string("io.systemd.boot.kernel-cmdline-extra=") {
            line.append(extra)
        }
        let text = line.joined(separator: " ")
        guard text.unicodeScalars.allSatisfy({ $0.value <= 0xFFFF && $0.value != 0xFFFD }) else {
            return stop("\(entry.id): its options are no UTF-8, or have characters beyond 16 bits", at: entry.id)
        }
        let options: [MeasuredEvent.Piece] =
            text.isEmpty ? [] : [.init("options of \(entry.id)", .literal(Array(text.utf8)), encoding: .utf16)]
        if !options.isEmpty { try events.parameter("command line of \(entry.id)", options) }
        try events.linuxStub(options: options, initrd: initrd)
    }

    /// The initrds one after the other, padded to 4 bytes in between; nil where the result cannot be told.
    private mutating func initrds(_ entry: LoaderEntry, _ rules: SystemdBootRules) throws -> [MeasuredEvent.Piece]? {
        var pieces: [MeasuredEvent.Piece] = []
        for (index, path) in entry.initrds.enumerated() {
            guard let file = volume.file(path) else { return nil }
            guard file.contents.count > 0 else { continue }
            let artifact = add(file)
            pieces.append(try events.contents.whole(artifact))
            let padding = file.contents.count.roundedUp(toMultipleOf: 4) - file.contents.count
            guard index < entry.initrds.count - 1, padding > 0 else { continue }
            guard rules.joinsInitrds else { return nil }
            pieces.append(.init("padding", .literal([UInt8](repeating: 0, count: padding))))
        }
        return pieces
    }
}

extension SMBIOSTable {
    /// The first vendor string (type 11) that begins with `prefix`, without it.
    fileprivate func string(_ prefix: String) -> String? {
        let prefix = Array(prefix.utf8)
        return structures.filter { $0.type == 11 }.flatMap(\.strings).first { $0.starts(with: prefix) }.map {
            String(decoding: $0.dropFirst(prefix.count), as: UTF8.self)
        }
    }
}
