import Bytes

extension EventLog.Record {
    /// What the event data says, as one line of printable text. It comes from whoever wrote the log: no digest vouches
    /// for it unless `digestCoversData` says so.
    public var summary: String {
        do {
            return try data.withReader(source: "event data") { reader throws(FormatError) in try describe(&reader) }
        } catch {
            return "\(data.count) bytes that are no \(type) data"
        }
    }

    /// Whether the specification makes the digest of this type that of the event data.
    public var digestCoversData: Bool {
        switch type {
        case .separator, .action, .efiAction, .crtmVersion, .variableDriverConfig, .variableAuthority, .gptEvent: true
        default: false
        }
    }

    private func describe(_ reader: inout ByteReader) throws(FormatError) -> String {
        switch type {
        case .variableDriverConfig, .variableBoot, .variableAuthority: return try describeVariable(&reader)
        case .bootServicesApplication, .bootServicesDriver:
            let image = try ImageLoadEvent(parsing: &reader)
            return "\(image.path), \(image.length) bytes in memory".printable
        case .eventTag:
            let tagged = try TaggedEvent(parsing: &reader)
            return "\(hexadecimal(tagged.tag)) \(tagged.data.text)"
        case .separator: return data.hex
        case .crtmVersion, .ipl: return data.text
        case .platformConfigFlags, .action, .efiAction: return data.text
        case .platformFirmwareBlob:
            let base = try reader.read("base", as: UInt64.self)
            return "\(hexadecimal(base)) + \(hexadecimal(try reader.read("length", as: UInt64.self)))"
        case .platformFirmwareBlob2, .handoffTables2:
            let size = try reader.read("description size", as: UInt8.self)
            return try reader.bytes(Int(size), "description").text
        case .gptEvent: return "\(data.count) bytes of partition table"
        default: return "\(data.count) bytes"
        }
    }

    private func describeVariable(_ reader: inout ByteReader) throws(FormatError) -> String {
        let variable = try UEFIVariableData(parsing: &reader)
        let name = variable.name.printable
        if type == .variableBoot, name != "BootOrder",
            let option = try? variable.data.withReader(
                source: name, { inner throws(FormatError) in try LoadOption(parsing: &inner) })
        {
            return "\(name) = \(option.description.printable): \(option.path.description.printable)"
        }
        switch variable.data.count {
        case 0: return "\(name), absent"
        case ...16: return "\(name) = \(variable.data.hex)"
        default: return "\(name), \(variable.data.count) bytes"
        }
    }
}

extension String {
    /// The text with everything that a terminal could obey replaced by `?`.
    var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.isPrintable ? $0 : "?" }))
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
    fileprivate var text: String {
        let wide = count >= 2 && count.isMultiple(of: 2) && indices.allSatisfy { $0.isMultiple(of: 2) || self[$0] == 0 }
        if wide {
            let units = stride(from: 0, to: count, by: 2).map { UInt16(self[$0]) }
            return String(decoding: units.prefix { $0 != 0 }, as: UTF16.self).printable
        }
        return String(decoding: self, as: UTF8.self).split(separator: "\0").joined(separator: " ").printable
    }
}
