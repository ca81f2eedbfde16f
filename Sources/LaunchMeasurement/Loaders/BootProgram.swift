private import Bytes
public import DiskFormats
private import Files

/// What a program is that firmware or a boot loader starts, told by what is in its file.
public enum BootProgram: Hashable, Sendable {
    /// A unified kernel image: a section `.linux`.
    case unifiedKernel
    /// systemd's boot loader of a version, by `#### LoaderInfo: systemd-boot 257.13-1 ####` in `.sdmagic`.
    case systemdBoot(version: Int)
    /// shim, by its component in `.sbat`.
    case shim
    /// GRUB, by its modules in the section `mods`.
    case grub
    /// A Linux kernel with an EFI stub, by its setup header.
    case linux
    /// None of these.
    case other

    /// Looks at the sections of an image.
    public init(_ image: PEImage) throws {
        if image.section(".linux") != nil {
            self = .unifiedKernel
        } else if let version = try StubRules.version(in: image, after: "LoaderInfo: systemd-boot ") {
            self = .systemdBoot(version: version)
        } else if image.section("mods") != nil {
            self = .grub
        } else if try SecurityVersions(image)["shim"] != nil {
            self = .shim
        } else if image.source.count > 0x206, try image.source.read(at: 0x202, count: 4, "HdrS") == Array("HdrS".utf8) {
            self = .linux
        } else {
            self = .other
        }
    }
}

/// The components that an image's section `.sbat` names: the first and the fifth column of each line are used here.
///
/// rhboot/shim, SBAT.md. Tolerant where shim is: what is no line of text with commas is passed over.
struct SecurityVersions {
    struct Component: Hashable {
        var name: String
        var generation: String
        /// Columns three to five: vendor, package, version.
        var version: String
    }

    private(set) var components: [Component] = []
    private static let limit = 1 << 16

    init(_ image: PEImage) throws {
        guard let section = image.section(".sbat") else { return }
        let contents = try image.contents(of: section)
        let bytes = try contents.read(at: 0, count: min(contents.count, Self.limit), ".sbat").prefix { $0 != 0 }
        for line in bytes.split(separator: 0x0A) {
            let columns = line.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            }
            guard columns.count >= 5 else { continue }
            components.append(Component(name: columns[0], generation: columns[1], version: columns[4]))
        }
    }

    subscript(name: String) -> Component? { components.first { $0.name == name } }
}
