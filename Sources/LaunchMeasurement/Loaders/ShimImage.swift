internal import Bytes
internal import DiskFormats
internal import Files
internal import Firmware
private import Hashing

/// What shim carries in its own file and measures of it: the vendor's certificate or database, revocations, and levels
/// of security versions (rhboot/shim 16.1: `cert.S`, `sbat_var.S`).
struct ShimImage {
    /// Version, by `$Version: 16.1 $` in the section `.data.ident`; empty if it has none.
    let version: String
    /// Component of the vendor in `.sbat`, e.g. `shim.debian`; nil if it has none.
    let vendor: String?
    /// One certificate (DER), or EFI_SIGNATURE_LISTs; empty for none.
    let authorized: [UInt8]
    /// EFI_SIGNATURE_LISTs of what shim refuses; empty for none.
    let refused: [UInt8]
    /// What SbatLevel becomes with secure boot on.
    let automaticLevel: [UInt8]

    /// What it becomes with secure boot off.
    static let originalLevel = Array("sbat,1,2021030218\n".utf8)
    /// Vendor of shim's own variables.
    static let vendorGUID = GUID("605dab50-e046-4300-abb6-3dd810dd8b23") ?? .zero

    init(_ image: PEImage) throws {
        vendor = try SecurityVersions(image).components.first { $0.name.hasPrefix("shim.") }?.name
        let mark = Array("$Version: ".utf8)
        let identity = try Self.contents(".data.ident", of: image)
        if let start = identity.firstOffset(of: mark) {
            version = String(
                decoding: identity[(start + mark.count)...].prefix { (0x2E...0x39).contains($0) }, as: UTF8.self)
        } else {
            version = ""
        }
        let table = try Self.contents(".vendor_cert", of: image)
        (authorized, refused) = try table.withReader(source: "\(image.source.name) .vendor_cert") { reader throws in
            let sizes = try [
                reader.read("authorized size", as: UInt32.self), reader.read("refused size", as: UInt32.self),
            ]
            let places = try [reader.read("authorized", as: UInt32.self), reader.read("refused", as: UInt32.self)]
            try reader.seek(to: Int(places[0]), "authorized")
            let authorized = try reader.bytes(Int(sizes[0]), "authorized")
            try reader.seek(to: Int(places[1]), "refused")
            return (authorized, try reader.bytes(Int(sizes[1]), "refused"))
        }
        let levels = try Self.contents(".sbatlevel", of: image)
        automaticLevel = try levels.withReader(source: "\(image.source.name) .sbatlevel") { reader throws in
            try reader.expect("version", UInt32(0))
            let offset = Int(try reader.read("automatic", as: UInt32.self))
            try reader.seek(to: 4 + offset, "automatic")
            let text = try reader.bytes(reader.remaining, "automatic").prefix { $0 != 0 }
            guard text.starts(with: Array("sbat,".utf8)) else {
                throw reader.error(
                    "automatic", found: String(decoding: text.prefix(16), as: UTF8.self),
                    expected: "a text that begins with sbat,", at: 4 + offset)
            }
            return Array(text)
        }
    }

    private static func contents(_ name: String, of image: PEImage) throws -> [UInt8] {
        guard let section = try image.sections.first(where: { try image.longName(of: $0) == name }) else {
            throw MeasurementInputError(
                "\(image.source.name): shim without a section \(name)", hint: "shim 15.3 and later are read")
        }
        let contents = try image.contents(of: section)
        guard contents.count <= 1 << 20 else {
            throw MeasurementInputError("\(image.source.name): section \(name) has \(contents.count) bytes")
        }
        return try contents.read(at: 0, count: contents.count, name)
    }

    /// MokList as shim measures it without any key of the machine's owner.
    var ownerList: [UInt8] {
        if authorized.isEmpty { return Self.emptyList }
        guard hasCertificate else { return authorized }
        return Self.list(SignatureDatabase.x509, authorized)
    }

    /// MokListX in the same case.
    var refusedList: [UInt8] { refused.isEmpty ? Self.emptyList : refused }

    /// Whether the vendor's part is one certificate and not a database.
    var hasCertificate: Bool { authorized.first == 0x30 }

    /// A list has to have something in it: the digest of nothing.
    private static let emptyList = list(SignatureDatabase.sha256, Digest.of([], .sha256).bytes)

    /// An EFI_SIGNATURE_LIST of one signature that shim owns.
    private static func list(_ type: GUID, _ signature: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(type.bytes)
        writer.append(UInt32(clamping: 28 + 16 + signature.count))
        writer.append(UInt32(0))
        writer.append(UInt32(clamping: 16 + signature.count))
        writer.append(vendorGUID.bytes)
        writer.append(signature)
        return writer.bytes
    }
}

extension PEImage {
    /// A section's whole name: `/4` stands for the text at offset 4 of the COFF string table, which lies behind the
    /// symbols (Microsoft PE Format, "COFF String Table").
    fileprivate func longName(of section: Section) throws -> String {
        guard section.name.hasPrefix("/"), let offset = Int(section.name.dropFirst()), symbolTableOffset > 0,
            (0...1 << 20).contains(offset)
        else { return section.name }
        let count = try source.withReader(at: coffHeaderOffset + 12, count: 4, "NumberOfSymbols") { reader throws in
            Int(try reader.read("NumberOfSymbols", as: UInt32.self))
        }
        let place = Int(symbolTableOffset) + 18 * count + offset
        guard place < source.count else { return section.name }
        let text = try source.read(at: place, count: min(64, source.count - place), "string table").prefix { $0 != 0 }
        return String(decoding: text, as: UTF8.self)
    }
}
