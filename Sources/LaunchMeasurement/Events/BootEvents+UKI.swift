private import Bytes
private import DiskFormats
private import EventLogs
private import Files
import Firmware
import Trace

/// What a boot stub finds around it.
struct StubSurroundings {
    /// A line given to the stub, which counts where secure boot is off or the image has none of its own.
    var options: MeasuredEvent.Piece?
    var secureBoot = false
    /// Confidential guests ignore what the host says in SMBIOS.
    var confidential = false
    var smbios: SMBIOSTable?
    /// A boot loader before the stub has measured the SMBIOS structures, which the stub then leaves out.
    var loaderMeasuredSMBIOS = false
}

extension BootEvents {
    /// A unified kernel image started by the firmware: the image, what the stub measures of it, the inner kernel and its
    /// stub.
    mutating func unifiedKernel(
        _ artifact: String, stub: StubRules, surroundings: StubSurroundings = StubSurroundings()
    ) throws {
        try image("unified kernel image", pieces: try authenticode(of: artifact), origin: "edk2: boot option")
        try runStub(artifact, stub: stub, surroundings: surroundings)
    }

    /// What a stub does once it was started.
    mutating func runStub(_ artifact: String, stub: StubRules, surroundings: StubSurroundings) throws {
        let image = try PEImage(try contents.source(artifact))
        let sections = try UKISections(image)
        for name in stub.sections {
            guard let section = sections[name] else { continue }
            try stubSection(section, of: artifact, in: image, origin: stub.origin)
        }
        guard let linux = sections[".linux"] else {
            throw MeasurementInputError(
                "\(image.source.name): no section .linux", hint: "this is no unified kernel image")
        }
        let options = try parameters(sections, artifact, image, surroundings)
        if stub.measuresSMBIOS, !surroundings.loaderMeasuredSMBIOS, let table = surroundings.smbios {
            try stubTables(table, origin: stub.origin)
        }
        if stub.innerImage == .measured, !surroundings.secureBoot {
            try self.image(
                "kernel image (.linux)", pieces: try authenticode(of: artifact, in: linux.contentRange),
                origin: "\(stub.origin): the kernel is started through the firmware")
        }
        try linuxStub(options: options, initrd: try initrd(sections, artifact, stub: stub))
    }

    /// The kernel's options: the given line or the image's own, and what SMBIOS adds; everything that is not from the
    /// image goes into PCR 12.
    private mutating func parameters(
        _ sections: UKISections, _ artifact: String, _ image: PEImage, _ surroundings: StubSurroundings
    ) throws -> [MeasuredEvent.Piece] {
        var options: [MeasuredEvent.Piece] = []
        let own = sections[".cmdline"]
        if let given = surroundings.options, !given.isEmpty, !(surroundings.secureBoot && own != nil) {
            try parameter("command line given to the stub", [given])
            options = [given]
        } else if let own {
            options = [try self.options(own, of: artifact, in: image)]
        }
        guard !surroundings.confidential, let table = surroundings.smbios else { return options }
        for extra in table.commandLineExtras {
            let piece = MeasuredEvent.Piece("SMBIOS type 11 command line", .literal(extra), encoding: .utf16)
            try parameter("command line from SMBIOS", [piece])
            if !options.isEmpty { options.append(.init("blank", .literal([0x20]), encoding: .widened)) }
            options.append(piece)
        }
        return options
    }

    /// A parameter that does not come from the image: UTF-16 with NUL, the same in the event.
    mutating func parameter(_ name: String, _ pieces: [MeasuredEvent.Piece]) throws {
        let pieces = pieces + [.init("NUL", .literal([0, 0]))]
        try append(
            name, pcr: 12, .ipl, content: pieces, data: try contents.bytes(of: pieces, limit: 1 << 18),
            origin: "systemd: kernel parameters")
    }

    /// SMBIOS structures of the machine, as tagged events.
    mutating func stubTables(_ table: SMBIOSTable, origin: String) throws {
        let tags: [(type: UInt8, tag: UInt32)] = [(1, 0xD5CB_7CBC), (2, 0xE0D4_7BC8), (11, 0xC0B3_BD23)]
        for (type, tag) in tags {
            for structure in table.structures where structure.type == type {
                var name = ByteWriter()
                name.append(utf16: "smbios:type\(type)\0")
                var measured = structure
                // The wake-up type of type 1 changes from start to start.
                if type == 1, measured.formatted.count > 0x18 { measured.formatted[0x18] = 0 }
                try append(
                    "SMBIOS type \(type)", pcr: 1, .eventTag,
                    content: [.init("SMBIOS structure", .literal(measured.encoded))],
                    data: TaggedEvent(tag: tag, data: name.bytes).encoded, origin: origin)
            }
        }
    }

    /// The partition table of the disk that the image was read from.
    mutating func partitionTable(_ artifact: String) throws {
        let (event, entries) = try PartitionTable.measured(of: try contents.source(artifact))
        var count = ByteWriter()
        count.append(UInt64(entries.count))
        var pieces: [MeasuredEvent.Piece] = [
            .init("header", .range(artifact: artifact, offset: 512, count: GPTEvent.headerSize)),
            .init("number of entries in use", .literal(count.bytes)),
        ]
        for (index, range) in entries.enumerated() {
            pieces.append(
                .init("entry \(index + 1)", .range(artifact: artifact, offset: range.lowerBound, count: range.count)))
        }
        try append(
            "partition table", pcr: 5, .gptEvent, content: pieces, data: event.encoded,
            origin: "edk2: before the first image from a disk")
    }

    /// Two events a section: its name with NUL, then its first VirtualSize bytes.
    private mutating func stubSection(
        _ section: PEImage.Section, of artifact: String, in image: PEImage, origin: String
    ) throws {
        var text = ByteWriter()
        text.append(utf16: section.name)
        text.append(UInt16(0))
        try append(
            "section name \(section.name)", pcr: 11, .ipl,
            content: [.init("name with NUL", .literal(Array(section.name.utf8) + [0]))], data: text.bytes,
            origin: origin)
        try append(
            "section \(section.name)", pcr: 11, .ipl, content: try pieces(section, artifact), data: text.bytes,
            origin: origin)
    }

    /// A section as it stands in memory: its bytes, then zeros up to its virtual size.
    private func pieces(_ section: PEImage.Section, _ artifact: String) throws -> [MeasuredEvent.Piece] {
        let range = section.contentRange
        var pieces: [MeasuredEvent.Piece] = [
            .init(
                "section \(section.name)", .range(artifact: artifact, offset: range.lowerBound, count: range.count))
        ]
        let missing = Int(section.virtualSize) - range.count
        guard missing <= 1 << 20 else {
            throw MeasurementInputError(
                "\(artifact): section \(section.name) has \(missing) bytes more in memory than in the file",
                hint: "the image is damaged, or made to exhaust memory")
        }
        if missing > 0 { pieces.append(.init("zero fill", .literal([UInt8](repeating: 0, count: missing)))) }
        return pieces
    }

    /// `.cmdline` up to its NUL, as UTF-16LE. The stub trims blanks and control characters at both ends; a line with
    /// control characters inside, which it would replace, is refused, so that what is written is what runs.
    private func options(
        _ line: PEImage.Section, of artifact: String, in image: PEImage
    ) throws -> MeasuredEvent.Piece {
        let section = try image.contents(of: line)
        let bytes = try section.read(at: 0, count: min(section.count, 1 << 20), ".cmdline").prefix { $0 != 0 }
        let start = bytes.prefix { $0 <= 0x20 }.count
        let trimmed = bytes.dropFirst(start).reversed().drop { $0 <= 0x20 }.count
        let text = bytes.dropFirst(start).prefix(trimmed)
        guard section.count <= 1 << 20, let valid = String(validating: text, as: UTF8.self),
            valid.unicodeScalars.allSatisfy({ $0.value >= 0x20 })
        else {
            throw MeasurementInputError(
                "\(section.name): the section .cmdline is no UTF-8 or has control characters inside",
                hint: "systemd-stub would change it; write the command line as one line")
        }
        return .init(
            "section .cmdline",
            .range(artifact: artifact, offset: line.contentRange.lowerBound + start, count: trimmed),
            encoding: .utf16)
    }

    /// What the stub hands to the kernel: its parts in the stub's order, each padded to 4 bytes if there are several.
    private func initrd(
        _ sections: UKISections, _ artifact: String, stub: StubRules
    ) throws -> [MeasuredEvent.Piece] {
        var parts: [[MeasuredEvent.Piece]] = []
        for name in stub.initrd == .withOSRelease ? [".ucode", ".initrd"] : [".initrd"] {
            if let section = sections[name] { parts.append(try pieces(section, artifact)) }
        }
        var files = [(".pcrsig", "tpm2-pcr-signature.json"), (".pcrpkey", "tpm2-pcr-public-key.pem")]
        if stub.initrd == .withOSRelease { files += [(".osrel", "os-release"), (".profile", "profile")] }
        for (name, file) in files {
            guard let section = sections[name] else { continue }
            let content = try pieces(section, artifact)
            let frame = CPIOArchive.stubFrame(
                directory: ".extra", name: file, byteCount: content.map(\.byteCount).reduce(0, +))
            parts.append(
                [.init("cpio headers of .extra/\(file)", .literal(frame.head))] + content
                    + [.init("end of the cpio archive", .literal(frame.tail))])
        }
        guard parts.count > 1 else { return parts.first ?? [] }
        return parts.flatMap { part in
            let size = part.map(\.byteCount).reduce(0, +)
            let padding = size.roundedUp(toMultipleOf: 4) - size
            return padding == 0 ? part : part + [.init("padding", .literal([UInt8](repeating: 0, count: padding)))]
        }
    }
}

/// The sections of a unified kernel image that count: with profiles in it, those before the first profile, each replaced
/// by the one of the first profile, which is what starts when nobody asks for another.
private struct UKISections {
    private var sections: [String: PEImage.Section] = [:]

    /// Sections chosen by what hardware is found; no rule here covers them.
    private static let refused = [".dtbauto", ".hwids", ".efifw"]

    init(_ image: PEImage) throws {
        var profiles = 0
        for section in image.sections {
            if section.name == ".profile" { profiles += 1 }
            guard profiles <= 1 else { break }
            if Self.refused.contains(section.name) {
                throw MeasurementInputError(
                    "\(image.source.name): it has a section \(section.name), which the stub chooses by the hardware",
                    hint: "leave the section out of the image")
            }
            // Within the base and within a profile the first of a name counts.
            if profiles == 0, sections[section.name] != nil { continue }
            sections[section.name] = section
        }
    }

    subscript(name: String) -> PEImage.Section? { sections[name] }
}

extension SMBIOSTable {
    /// Command lines in vendor strings (type 11) that the stub appends.
    fileprivate var commandLineExtras: [[UInt8]] {
        let mark = Array("io.systemd.stub.kernel-cmdline-extra=".utf8)
        return structures.filter { $0.type == 11 }.flatMap(\.strings).filter { $0.starts(with: mark) }
            .map { Array($0.dropFirst(mark.count)) }
    }
}
