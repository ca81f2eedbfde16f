private import Bytes
private import DiskFormats
private import EventLogs
private import Files
import Trace

/// How a version of systemd's boot stub measures, as rules of a profile.
public struct StubRules: Hashable, Sendable {
    /// Whether the inner kernel is loaded through the firmware, which then measures it.
    public enum InnerImage: String, Sendable, CaseIterable {
        case measured
        case notMeasured = "not-measured"
    }

    /// What the stub gives the kernel as initrd.
    public enum Initrd: String, Sendable, CaseIterable {
        /// The `.initrd` section as it is.
        case section
        /// The section, padded to 4 bytes, and a cpio archive with the os-release file.
        case withOSRelease = "with-os-release"
    }

    /// Sections in the order of measurement, those that an image does not have left out.
    public var sections: [String]
    public var innerImage: InnerImage
    public var initrd: Initrd

    public init(sections: [String], innerImage: InnerImage, initrd: Initrd) {
        self.sections = sections
        self.innerImage = innerImage
        self.initrd = initrd
    }

    /// Sections that a stub's measured list may name (systemd, `src/fundamental/uki.h`), and those that would change
    /// what this model describes.
    static let known = [
        ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey",
    ]
}

extension BootEvents {
    /// A unified kernel image started by the firmware: the partition table, the image, what the stub measures of it, the
    /// inner kernel and its stub.
    mutating func unifiedKernel(_ artifact: String, stub: StubRules) throws {
        let image = try PEImage(try contents.source(artifact))
        try refuseUndescribed(image, stub: stub)
        try self.image("unified kernel image", pieces: try authenticode(of: artifact), origin: "edk2: boot option")
        for name in stub.sections {
            guard let section = image.section(name) else { continue }
            try stubSection(section, of: artifact, in: image)
        }
        guard let linux = image.section(".linux"), let line = image.section(".cmdline") else {
            throw MeasurementInputError(
                "\(image.source.name): no section .linux or .cmdline", hint: "this is no unified kernel image")
        }
        if stub.innerImage == .measured {
            try self.image(
                "kernel image (.linux)", pieces: try authenticode(of: artifact, in: linux.contentRange),
                origin: "systemd-stub starts the kernel through the firmware")
        }
        try linuxStub(
            options: [try options(line, of: artifact, in: image)], initrd: try initrd(image, artifact, stub: stub))
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
    private mutating func stubSection(_ section: PEImage.Section, of artifact: String, in image: PEImage) throws {
        var text = ByteWriter()
        text.append(utf16: section.name)
        text.append(UInt16(0))
        let origin = "systemd-stub: measured sections in order"
        try append(
            "section name \(section.name)", pcr: 11, .ipl,
            content: [.init("name with NUL", .literal(Array(section.name.utf8) + [0]))], data: text.bytes,
            origin: origin)
        var pieces = [piece(section, artifact)]
        let missing = Int(section.virtualSize) - section.contentRange.count
        if missing > 0 { pieces.append(.init("zero fill", .literal([UInt8](repeating: 0, count: missing)))) }
        try append("section \(section.name)", pcr: 11, .ipl, content: pieces, data: text.bytes, origin: origin)
    }

    private func piece(_ section: PEImage.Section, _ artifact: String) -> MeasuredEvent.Piece {
        let range = section.contentRange
        return .init(
            "section \(section.name)", .range(artifact: artifact, offset: range.lowerBound, count: range.count))
    }

    /// `.cmdline` up to its NUL, as UTF-16LE. The stub trims and replaces blanks and control characters; a line that it would
    /// change is refused, so that what is written is what runs.
    private func options(
        _ line: PEImage.Section, of artifact: String, in image: PEImage
    ) throws -> MeasuredEvent.Piece {
        let section = try image.contents(of: line)
        let bytes = try section.read(at: 0, count: section.count, ".cmdline").prefix { $0 != 0 }
        guard let text = String(validating: bytes, as: UTF8.self), !text.isEmpty,
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 }), text.first != " ", text.last != " "
        else {
            throw MeasurementInputError(
                "\(section.name): the section .cmdline is empty, no UTF-8, or has blanks at an end or control characters",
                hint: "systemd-stub would change it; write the command line as one trimmed line")
        }
        return .init(
            "section .cmdline", .range(artifact: artifact, offset: line.contentRange.lowerBound, count: bytes.count),
            encoding: .utf16)
    }

    private func initrd(_ image: PEImage, _ artifact: String, stub: StubRules) throws -> [MeasuredEvent.Piece] {
        guard let section = image.section(".initrd") else { return [] }
        var pieces = [piece(section, artifact)]
        guard stub.initrd == .withOSRelease, let release = image.section(".osrel") else { return pieces }
        let size = section.contentRange.count
        let padding = size.roundedUp(toMultipleOf: 4) - size
        if padding > 0 { pieces.append(.init("padding", .literal([UInt8](repeating: 0, count: padding)))) }
        let frame = CPIOArchive.stubFrame(
            directory: ".extra", name: "os-release", byteCount: release.contentRange.count)
        return pieces + [
            .init("cpio headers of .extra/os-release", .literal(frame.head)), piece(release, artifact),
            .init("end of the cpio archive", .literal(frame.tail)),
        ]
    }

    /// Sections that change what the stub does, and that this model does not describe, are refused.
    private func refuseUndescribed(_ image: PEImage, stub: StubRules) throws {
        let others = [
            ".ucode", ".splash", ".dtb", ".dtbauto", ".hwids", ".profile", ".pcrsig", ".pcrpkey", ".efifw",
        ]
        for section in image.sections where others.contains(section.name) {
            throw MeasurementInputError(
                "\(image.source.name): it has a section \(section.name), whose measuring the profile does not describe",
                hint: "leave the section out of the image")
        }
    }
}
