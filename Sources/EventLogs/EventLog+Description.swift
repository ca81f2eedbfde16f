import Bytes

extension EventLog.Record {
    /// What the event data says, as one line of printable text. It comes from whoever wrote the log: no digest vouches
    /// for it unless `dataStanding` says so.
    public var summary: String {
        if data.isEmpty { return "no data" }
        do {
            return try data.withReader(source: "event data") { reader throws(FormatError) in try describe(&reader) }
        } catch {
            return "\(data.count) bytes that are no \(type) data: \(error.field)"
        }
    }

    private func describe(_ reader: inout ByteReader) throws(FormatError) -> String {
        switch type {
        case .variableDriverConfig, .variableBoot, .variableBoot2, .variableAuthority:
            return try describeVariable(&reader)
        case .bootServicesApplication, .bootServicesDriver, .runtimeServicesDriver:
            let image = try ImageLoadEvent(parsing: &reader)
            let path = image.path.nodes.isEmpty ? "an image from memory" : "\(image.path)"
            return "\(path), \(image.length) bytes in memory".printable
        case .eventTag:
            let tagged = try TaggedEvent(parsing: &reader)
            return "\(hexadecimal(tagged.tag)) \(tagged.data.text)"
        case .separator: return data.hex
        case .crtmVersion, .ipl, .platformConfigFlags, .action, .efiAction, .nonHostInformation: return data.text
        case .platformFirmwareBlob:
            let base = try reader.read("base", as: UInt64.self)
            return "\(hexadecimal(base)) + \(hexadecimal(try reader.read("length", as: UInt64.self)))"
        case .platformFirmwareBlob2, .handoffTables2:
            let size = try reader.read("description size", as: UInt8.self)
            return try reader.bytes(Int(size), "description").text
        case .handoffTables: return try describeTables(&reader)
        case .gptEvent:
            let event = try GPTEvent(parsing: &reader)
            let disk = event.headerFields.first { $0.name == "disk GUID" }?.value ?? ""
            let names = event.partitions.map { $0.name.isEmpty ? "unnamed" : $0.name }.joined(separator: ", ")
            return "disk \(disk), \(event.entries.count) partitions: \(names)"
        case .noAction: return describeNoAction()
        default: return "\(data.count) bytes"
        }
    }

    private func describeVariable(_ reader: inout ByteReader) throws(FormatError) -> String {
        let variable = try UEFIVariableData(parsing: &reader)
        let name = variable.name.printable
        if let order = variable.bootOrder { return "\(name) = \(order.joined(separator: ", "))" }
        if let option = variable.loadOption {
            return "\(name) = \(option.description.printable): \(option.path.description.printable)"
        }
        switch variable.data.count {
        case 0: return "\(name), absent"
        case ...16: return "\(name) = \(variable.data.hex)"
        default: return "\(name), \(variable.data.count) bytes"
        }
    }

    /// Configuration tables by their GUIDs; the addresses vary.
    private func describeTables(_ reader: inout ByteReader) throws(FormatError) -> String {
        let count = try reader.read("number of tables", as: UInt64.self)
        guard count <= 64 else {
            throw reader.error("number of tables", found: "\(count)", expected: "at most 64", at: 0)
        }
        var names: [String] = []
        for _ in 0..<count {
            let guid = try reader.guid("vendor GUID")
            _ = try reader.read("table address", as: UInt64.self)
            names.append(Self.knownTables["\(guid)"] ?? "table \(guid)")
        }
        return names.joined(separator: ", ")
    }

    /// The signature of an event that is not measured, and what follows it where it is text.
    private func describeNoAction() -> String {
        if let locality = startupLocality { return "StartupLocality \(locality)" }
        let signature = Array(data.prefix(16)).text
        return "\(signature), \(data.count) bytes, not measured"
    }

    private static let knownTables = [
        "eb9d2d31-2d88-11d3-9a16-0090273fc14d": "SMBIOS table",
        "f2fd1544-9794-4a2c-992e-e5bbcf20e394": "SMBIOS 3 table",
        "8868e871-e4f1-11d3-bc22-0080c73c8881": "ACPI table",
    ]
}

extension UEFIVariableData {
    /// Numbers of the boot options of BootOrder, as their variables are named; nil for another variable.
    public var bootOrder: [String]? {
        guard name == "BootOrder", data.count.isMultiple(of: 2) else { return nil }
        return stride(from: 0, to: data.count, by: 2).map { index in
            let digits = String(UInt16(data[index]) | UInt16(data[index + 1]) << 8, radix: 16, uppercase: true)
            return "Boot" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
        }
    }

    /// The boot option of a Boot#### variable; nil for another variable, and for one that holds no option.
    public var loadOption: LoadOption? {
        guard name.hasPrefix("Boot"), name.utf8.count == 8 else { return nil }
        return try? data.withReader(
            source: name, { reader throws(FormatError) in try LoadOption(parsing: &reader) })
    }
}

extension String {
    /// The text with everything that a terminal could obey replaced by `?`, and white space by a blank.
    package var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.map { $0 == "\n" || $0 == "\t" ? " " : $0.isPrintable ? $0 : "?" }))
    }
}

extension Unicode.Scalar {
    fileprivate var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}

extension Array where Element == UInt8 {
    /// The bytes as text: UTF-16LE if every second byte is zero, else UTF-8; trailing NULs are dropped.
    package var text: String {
        let wide = count >= 2 && count.isMultiple(of: 2) && indices.allSatisfy { $0.isMultiple(of: 2) || self[$0] == 0 }
        if wide {
            let units = stride(from: 0, to: count, by: 2).map { UInt16(self[$0]) }
            return String(decoding: units.prefix { $0 != 0 }, as: UTF16.self).printable
        }
        return String(decoding: self, as: UTF8.self).split(separator: "\0").joined(separator: " ").printable
    }
}
