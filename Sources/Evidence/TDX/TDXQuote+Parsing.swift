public import Bytes
private import Signing

extension TDXQuote {
    /// Reads a quote; `source` names it in errors.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: source, field: "TD quote", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        self = try bytes.withReader(source: source) { reader throws(FormatError) in
            try TDXQuote(parsing: &reader)
        }
    }

    /// Reads a quote from the reader's start; what is behind it is counted and left.
    init(parsing reader: inout ByteReader) throws(FormatError) {
        source = reader.source
        version = try reader.quoteVersion()
        try reader.expect("attestation key type", UInt16(2))
        try reader.teeType()
        qeSVN = try reader.read("QE_SVN")
        pceSVN = try reader.read("PCE_SVN")
        qeVendorID = try reader.bytes(16, "QE_VENDOR_ID")
        userData = try reader.bytes(20, "USER_DATA")
        bodyType = version == 5 ? try reader.bodyType() : nil
        body = try TDXBody(parsing: &reader, isExtended: bodyType == 3)
        let signedByteCount = reader.position
        signedBytes = try [UInt8](copying: reader.window(at: 0, count: signedByteCount, "signed part").unread)

        let size = try reader.read("signature data size", as: UInt32.self)
        var rest = try reader.slice(Int(size), "signature data")
        signature = try rest.bytes(64, "signature")
        attestationKey = try rest.bytes(64, "attestation key")
        let typeOffset = rest.position
        let type = try rest.read("certification data type", as: UInt16.self)
        guard type == 6 else {
            throw rest.error(
                "certification data type", found: "\(type)", expected: "6 (QE report certification data)",
                at: typeOffset)
        }
        let certificationSize = try rest.read("certification data size", as: UInt32.self)
        var inner = try rest.slice(Int(certificationSize), "certification data")
        certification = try QuotingEnclaveCertification(parsing: &inner)
        try inner.finish("certification data")
        try rest.finish("signature data")
        byteCount = reader.position
        trailingByteCount = reader.remaining
    }

    /// Whether bytes start as a quote does: a version below 16, a key type and TEE type that are known.
    public static func begins(_ bytes: [UInt8]) -> Bool {
        bytes.count >= 48 && (3...15).contains(bytes[0]) && bytes[1] == 0 && (2...3).contains(bytes[2])
            && bytes[3] == 0 && [0x00, 0x81].contains(bytes[4]) && bytes[5..<8].allSatisfy { $0 == 0 }
            && bytes[12..<28].elementsEqual(intelVendorID)
    }
}

extension QuotingEnclaveCertification {
    fileprivate init(parsing reader: inout ByteReader) throws(FormatError) {
        report = try SGXReport(parsing: &reader)
        signature = try reader.bytes(64, "QE report signature")
        let size = try reader.read("QE authentication data size", as: UInt16.self)
        authenticationData = try reader.bytes(Int(size), "QE authentication data")
        let typeOffset = reader.position
        dataType = DataType(rawValue: try reader.read("PCK certification data type"))
        guard (1...7).contains(dataType.rawValue), dataType.rawValue != 6 else {
            throw reader.error(
                "PCK certification data type", found: "\(dataType.rawValue)",
                expected: "1 to 5, or 7; 5 is the PCK certificate chain", at: typeOffset)
        }
        let dataSize = try reader.read("PCK certification data size", as: UInt32.self)
        dataOffset = reader.sourceOffset
        data = try reader.bytes(Int(dataSize), "PCK certification data")
    }
}

/// The fields whose values the format restricts.
extension ByteReader {
    fileprivate mutating func quoteVersion() throws(FormatError) -> UInt16 {
        let start = position
        let version = try read("VERSION", as: UInt16.self)
        guard [4, 5].contains(version) else {
            throw error(
                "VERSION", found: "\(version)", expected: "4 or 5", at: start,
                hint: version == 3 ? "version 3 is an SGX enclave's, which is not read here" : nil)
        }
        return version
    }

    fileprivate mutating func teeType() throws(FormatError) {
        let start = position
        let type = try read("TEE_TYPE", as: UInt32.self)
        guard type == 0x81 else {
            throw error(
                "TEE_TYPE", found: hexadecimal(type), expected: "0x81 (TDX)", at: start,
                hint: type == 0 ? "this is an SGX enclave's quote, which is not read here" : nil)
        }
    }

    fileprivate mutating func bodyType() throws(FormatError) -> UInt16 {
        let start = position
        let type = try read("body type", as: UInt16.self)
        guard [2, 3].contains(type) else {
            throw error("body type", found: "\(type)", expected: "2 (TDX 1.0) or 3 (TDX 1.5)", at: start)
        }
        try expect("body size", UInt32(type == 2 ? TDXBody.byteCount : TDXBody.extendedByteCount))
        return type
    }
}
