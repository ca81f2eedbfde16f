import Bytes

extension EventLog {
    /// The log as firmware leaves it in memory, without unused space.
    public var encoded: [UInt8] {
        var writer = ByteWriter()
        header.write(to: &writer)
        for record in records { record.write(to: &writer) }
        return writer.bytes
    }
}

extension EventLog.Record {
    func write(to writer: inout ByteWriter) {
        writer.append(register)
        writer.append(type.rawValue)
        writer.append(UInt32(clamping: digests.count))
        for digest in digests {
            writer.append(digest.identifier)
            writer.append(digest.bytes)
        }
        writer.append(UInt32(clamping: data.count))
        writer.append(data)
    }
}

extension EventLog.SpecificationIdentifier {
    func write(to writer: inout ByteWriter) {
        var body = ByteWriter()
        body.append(Self.signature)
        body.append(platformClass)
        body.append(versionMinor)
        body.append(versionMajor)
        body.append(errata)
        body.append(wordSize)
        body.append(UInt32(clamping: algorithms.count))
        for algorithm in algorithms {
            body.append(algorithm.identifier)
            body.append(algorithm.byteCount)
        }
        body.append(UInt8(clamping: vendorInformation.count))
        body.append(vendorInformation)
        writer.append(register)
        writer.append(EventType.noAction.rawValue)
        writer.append(repeating: 0, count: 20)
        writer.append(UInt32(clamping: body.count))
        writer.append(body.bytes)
    }
}
