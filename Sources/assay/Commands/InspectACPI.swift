import Bytes
import Documents
import Files
import Firmware
import Hashing

extension FileRecognizer {
    /// ACPI tables: QEMU's item of them, or one table.
    static let acpiTables = FileRecognizer(
        kind: "ACPI tables",
        matches: { file in
            guard file.file.size <= ACPITables.maximumByteCount, file.head.count >= 36 else { return false }
            let length = file.head[4..<8].reversed().reduce(0) { $0 << 8 | Int($1) }
            let isName = file.head[..<4].allSatisfy { (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) }
            return isName && (file.begins(with: "FACS") || length == file.file.size)
        },
        describe: { file in
            let bytes = try file.contents(limit: ACPITables.maximumByteCount)
            let tables = try ACPITables(bytes, source: file.name)
            var facts: [(String, Value)] = [
                ("size", .count(bytes.count)), ("sha384", .string(Digest.of(bytes, .sha384).hex)),
                (
                    "tables",
                    .array(
                        of: tables.placed.map { offset, table in
                            .object([
                                ("signature", .string(table.signature)), ("offset", .hex(offset)),
                                ("length", .count(table.bytes.count)),
                                ("checksum", .string(table.checksum.rawValue)),
                            ])
                        })
                ),
            ]
            for table in tables.tables where ["DSDT", "SSDT"].contains(table.signature) {
                facts.append((table.signature, .object(try AMLFacts(table: AMLTable(table)).all())))
            }
            return facts
        })

    /// The script that links them.
    static let linkerScript = FileRecognizer(
        kind: "ACPI table loader script",
        matches: { file in
            file.begins(with: "\u{1}\0\0\0etc/") && file.head.count.isMultiple(of: 128) && file.file.size <= 1 << 20
        },
        describe: { file in
            let bytes = try file.contents(limit: 1 << 20)
            let script = try bytes.withReader(source: file.name) { reader throws(FormatError) in
                try LinkerScript(parsing: &reader)
            }
            return [
                ("sha384", .string(Digest.of(bytes, .sha384).hex)), ("commands", .count(script.commands.count)),
                ("files", .array(of: script.files.map { .string($0) })),
            ]
        })
}

/// What `inspect` says about the objects of a DSDT or SSDT.
private struct AMLFacts {
    let table: AMLTable

    func all() throws -> [(String, Value)] {
        let objects = table.all
        return [
            ("objects", .count(objects.count { $0.kind.defines })),
            ("processors", paths(objects.filter { $0.kind == .processor })),
            ("windows", .array(of: try windows(objects))),
            ("devices", .array(of: objects.filter { $0.kind == .device }.map(device))),
            ("regions", .array(of: objects.filter { $0.kind == .operationRegion }.map(region))),
        ]
    }

    private func paths(_ objects: [AMLObject]) -> Value { .array(of: objects.map { .string($0.path) }) }

    /// Resources of root bridges: what they pass on.
    private func windows(_ objects: [AMLObject]) throws -> [Value] {
        var result: [Value] = []
        for object in objects where object.kind == .name && object.segment == "_CRS" {
            guard let resources = try table.resources(of: object), resources.contains(where: { $0.kind == .bus }) else {
                continue
            }
            result += resources.map { .string("\(object.path) \($0.text)") }
        }
        return result
    }

    private func device(_ object: AMLObject) -> Value {
        var members: [(String, Value)] = [("path", .string(object.path))]
        for child in object.children where child.kind == .name && ["_HID", "_ADR", "_UID"].contains(child.segment) {
            switch child.value {
            case .integer(let number)? where child.segment == "_HID":
                members.append(("_HID", .string(Self.eisa(number))))
            case .integer(let number)?: members.append((String(child.segment), .hex(number)))
            case .text(let text)?: members.append((String(child.segment), .string(text)))
            default: break
            }
        }
        return .object(members)
    }

    /// `PNP0A08`: three letters of five bits and four digits, most significant byte first (ACPI 6.5, section 19.3.4).
    private static func eisa(_ number: UInt64) -> String {
        let value = UInt32(truncatingIfNeeded: number).byteSwapped
        let letters = [26, 21, 16].map { shift in
            Character(Unicode.Scalar(UInt8(0x40 + (value >> UInt32(shift) & 0x1F))))
        }
        let digits = String(value & 0xFFFF, radix: 16, uppercase: true)
        return String(letters) + String(repeating: "0", count: 4 - digits.utf8.count) + digits
    }

    private static let spaces = [
        "system memory", "system I/O", "PCI configuration", "embedded controller", "SMBus", "CMOS", "PCI BAR",
    ]

    private func region(_ object: AMLObject) -> Value {
        guard case .region(let space, let offset, let length)? = object.value else {
            return .string(object.path)
        }
        let name = Self.spaces.indices.contains(Int(space)) ? Self.spaces[Int(space)] : hexadecimal(space)
        return .object([
            ("path", .string(object.path)), ("space", .string(name)), ("offset", offset.map { .hex($0) } ?? .null),
            ("length", length.map { .hex($0) } ?? .null),
        ])
    }
}
