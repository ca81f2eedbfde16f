private import Bytes
public import DiskFormats
private import Files

/// How a version of systemd's boot stub measures, as rules of a profile.
public struct StubRules: Hashable, Sendable {
    /// Whether the inner kernel is loaded through the firmware, which then measures it.
    public enum InnerImage: String, Sendable, CaseIterable {
        case measured
        case notMeasured = "not-measured"
    }

    /// What the stub gives the kernel as initrd, beside signatures and keys for PCR 11.
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
    /// Whether SMBIOS structures 1, 2 and 11 go into PCR 1.
    public var measuresSMBIOS: Bool
    /// Version of the stub and where the rules were learnt, for traces.
    public var origin: String

    public init(
        sections: [String], innerImage: InnerImage, initrd: Initrd, measuresSMBIOS: Bool = false,
        origin: String = "systemd-stub"
    ) {
        self.sections = sections
        self.innerImage = innerImage
        self.initrd = initrd
        self.measuresSMBIOS = measuresSMBIOS
        self.origin = origin
    }

    /// Sections that a stub's measured list may name (systemd, `src/fundamental/uki.h`), and those that would change
    /// what this model describes.
    static let known = [
        ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey",
        ".profile",
    ]
}

extension StubRules {
    /// The rules of a version of the stub; nil for versions whose rules nobody here has seen.
    public init?(version: Int) {
        switch version {
        case 252:
            self.init(
                sections: [".linux", ".osrel", ".cmdline", ".initrd", ".splash", ".dtb", ".pcrpkey"],
                innerImage: .measured, initrd: .section, origin: "systemd-stub 252")
        case 257:
            self.init(
                sections: Self.known, innerImage: .measured, initrd: .withOSRelease, origin: "systemd-stub 257")
        case 258...261:
            self.init(
                sections: Self.known, innerImage: .notMeasured, initrd: .withOSRelease,
                origin: "systemd-stub \(version), read in source")
        case 262...:
            self.init(
                sections: Self.known, innerImage: .notMeasured, initrd: .withOSRelease, measuresSMBIOS: true,
                origin: version == 262 ? "systemd-stub 262" : "systemd-stub \(version), taken for 262")
        default: return nil
        }
    }

    /// The rules for the stub that an image was made from, by the mark in its section `.sdmagic`.
    public static func detect(_ image: PEImage) throws -> StubRules {
        guard let version = try stubVersion(of: image) else {
            throw MeasurementInputError(
                "\(image.source.name): no systemd-stub of a known version in it",
                hint: "give the version with --stub, if it is known otherwise")
        }
        guard let rules = StubRules(version: version) else {
            throw MeasurementInputError(
                "\(image.source.name): made from systemd-stub \(version), whose measuring is not known",
                hint: "use the stub of systemd 252, 257 or 262, or name the one to count as with --stub")
        }
        return rules
    }

    /// The major version in `#### LoaderInfo: systemd-stub 257.13-1 ####`.
    static func stubVersion(of image: PEImage) throws -> Int? {
        try version(in: image, after: "LoaderInfo: systemd-stub ")
    }

    /// The number behind `mark` in the section `.sdmagic`; nil without section or mark.
    static func version(in image: PEImage, after mark: String) throws -> Int? {
        guard let section = image.section(".sdmagic") else { return nil }
        let contents = try image.contents(of: section)
        let bytes = try contents.read(at: 0, count: min(contents.count, 4096), ".sdmagic")
        let mark = Array(mark.utf8)
        guard let start = bytes.firstOffset(of: mark) else { return nil }
        let digits = bytes[(start + mark.count)...].prefix { (0x30...0x39).contains($0) }.prefix(6)
        return Int(String(decoding: digits, as: UTF8.self))
    }
}
