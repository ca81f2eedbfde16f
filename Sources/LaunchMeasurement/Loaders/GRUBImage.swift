internal import Bytes
internal import DiskFormats
private import Files

/// What GRUB carries in the section `mods` of its file: modules, the folder of its configuration, and perhaps one inside
/// (GRUB, `include/grub/kernel.h`: a header of 24 bytes, then objects of type, size and contents).
struct GRUBImage {
    /// Names of the modules inside.
    private(set) var modules: Set<String> = []
    /// Folder of grub.cfg, e.g. `/EFI/debian`; nil if it has none.
    private(set) var prefix: String?
    /// Whether a configuration or a file system with one is inside that runs first.
    private(set) var hasConfiguration = false
    /// Version of the package: the fifth column of the vendor's line in `.sbat`.
    let version: String
    /// The vendor's component in `.sbat`, e.g. `grub.debian`.
    let vendor: String?

    private static let limit = 32 << 20

    init(_ image: PEImage) throws {
        let component = try SecurityVersions(image).components.first { $0.name.hasPrefix("grub.") }
        vendor = component?.name
        version = component?.version ?? ""
        guard let section = image.section("mods"), section.contentRange.count <= Self.limit else {
            throw MeasurementInputError("\(image.source.name): no section mods of GRUB, or one of more than 32 MiB")
        }
        let contents = try image.contents(of: section)
        let bytes = try contents.read(at: 0, count: contents.count, "mods")
        try bytes.withReader(source: image.source.name, base: section.contentRange.lowerBound) { reader throws in
            try reader.expect("mods.magic", bytes: Array("mimg".utf8))
            try reader.skip(4, "mods.padding")
            let offset = Int(clamping: try reader.read("mods.offset", as: UInt64.self))
            let size = Int(clamping: try reader.read("mods.size", as: UInt64.self))
            try reader.seek(to: offset, "mods.offset")
            guard size >= offset, size - offset <= reader.remaining else {
                throw reader.error(
                    "mods.size", found: "\(size)", expected: "a size inside the section's \(reader.count) bytes", at: 16
                )
            }
            var objects = try reader.slice(size - offset, "modules")
            try read(&objects)
        }
    }

    private mutating func read(_ objects: inout ByteReader) throws {
        while objects.remaining >= 8 {
            let start = objects.position
            let type = try objects.read("module type", as: UInt32.self)
            let size = Int(try objects.read("module size", as: UInt32.self))
            guard size >= 8, size - 8 <= objects.remaining else {
                throw objects.error(
                    "module size", found: "\(size)", expected: "8 to \(objects.remaining + 8)", at: start + 4)
            }
            var body = try objects.slice(size - 8, "module")
            switch type {
            case 0: modules.insert(try Self.moduleName(&body))
            case 2: hasConfiguration = true
            case 3:
                let text = try body.bytes(body.count, "prefix").prefix { $0 != 0 }
                prefix = String(decoding: text, as: UTF8.self)
            default: continue
            }
        }
    }

    /// The text of the section `.modname` of an ELF64 file.
    private static func moduleName(_ elf: inout ByteReader) throws -> String {
        try elf.expect("module e_ident", bytes: [0x7F, 0x45, 0x4C, 0x46, 2, 1])
        try elf.seek(to: 0x28, "e_shoff")
        let table = Int(clamping: try elf.read("e_shoff", as: UInt64.self))
        try elf.seek(to: 0x3A, "e_shentsize")
        let size = Int(try elf.read("e_shentsize", as: UInt16.self))
        let count = Int(try elf.read("e_shnum", as: UInt16.self))
        let names = Int(try elf.read("e_shstrndx", as: UInt16.self))
        func section(_ index: Int, _ elf: inout ByteReader) throws -> (name: Int, offset: Int, size: Int) {
            let (place, overflow) = table.addingReportingOverflow(index * size)
            guard !overflow else {
                throw elf.error("e_shoff", found: hexadecimal(table), expected: "a place in the module")
            }
            try elf.seek(to: place, "section header")
            let name = Int(try elf.read("sh_name", as: UInt32.self))
            try elf.skip(20, "sh_type")
            return (
                name, Int(clamping: try elf.read("sh_offset", as: UInt64.self)),
                Int(clamping: try elf.read("sh_size", as: UInt64.self))
            )
        }
        let strings = try section(names, &elf)
        let wanted = Array(".modname\0".utf8)
        for index in 0..<count {
            let found = try section(index, &elf)
            guard strings.offset <= elf.count - wanted.count - found.name else { continue }
            try elf.seek(to: strings.offset + found.name, "section name")
            guard try elf.bytes(wanted.count, "section name") == wanted, found.size <= 64 else { continue }
            try elf.seek(to: found.offset, ".modname")
            return String(decoding: try elf.bytes(found.size, ".modname").prefix { $0 != 0 }, as: UTF8.self)
        }
        throw elf.error("module", found: "no section .modname", expected: "a module of GRUB", at: 0)
    }
}
