private import Bytes
public import Documents
private import Hashing

extension TDXQuote {
    /// Every field by name, in the order of the quote; byte fields as the file has them.
    public var facts: [(String, Value)] {
        var facts: [(String, Value)] = [
            ("version", .count(Int(version))), ("attestationKeyType", .count(2)), ("teeType", .hex(0x81)),
            ("qeSVN", .count(Int(qeSVN))), ("pceSVN", .count(Int(pceSVN))), ("qeVendorID", .string(qeVendorID.hex)),
            ("userData", .string(userData.hex)),
        ]
        if let bodyType { facts.append(("bodyType", .count(Int(bodyType)))) }
        let enclave = certification.report
        facts += body.facts
        facts += [
            ("signature", .string(signature.hex)), ("attestationKey", .string(attestationKey.hex)),
            (
                "quotingEnclave",
                .object([
                    ("cpuSVN", .string(enclave.cpuSVN.hex)), ("miscSelect", .hex(enclave.miscSelect)),
                    ("attributes", .string(enclave.attributes.hex)), ("debug", .bool(enclave.isDebuggable)),
                    ("mrEnclave", .string(enclave.mrEnclave.hex)), ("mrSigner", .string(enclave.mrSigner.hex)),
                    ("isvProductID", .count(Int(enclave.isvProductID))), ("isvSVN", .count(Int(enclave.isvSVN))),
                    ("reportData", .string(enclave.reportData.hex)),
                    ("signature", .string(certification.signature.hex)),
                    ("authenticationData", .string(certification.authenticationData.hex)),
                ])
            ),
            ("certificationDataType", .count(Int(certification.dataType.rawValue))),
            ("certificationDataSize", .count(certification.data.count)), ("size", .count(byteCount)),
            ("trailingBytes", .count(trailingByteCount)),
        ]
        return facts
    }
}

extension TDXBody {
    /// Every field by name, in the order of the body.
    public var facts: [(String, Value)] {
        var facts: [(String, Value)] = [
            ("teeTCBSVN", .string(teeTCBSVN.hex)), ("mrSeam", .string(mrSeam.hex)),
            ("mrSignerSeam", .string(mrSignerSeam.hex)),
            ("seamAttributes", .string(UInt64Bytes.hex(seamAttributes))), ("tdAttributes", attributes.facts),
            ("xfam", .string(UInt64Bytes.hex(xfam))), ("mrtd", .string(mrtd.hex)),
            ("mrConfigID", .string(mrConfigID.hex)), ("mrOwner", .string(mrOwner.hex)),
            ("mrOwnerConfig", .string(mrOwnerConfig.hex)),
        ]
        facts += rtmrs.enumerated().map { ("rtmr\($0.offset)", .string($0.element.hex)) }
        facts.append(("reportData", .string(reportData.hex)))
        if let teeTCBSVN2 { facts.append(("teeTCBSVN2", .string(teeTCBSVN2.hex))) }
        if let mrServiceTD { facts.append(("mrServiceTD", .string(mrServiceTD.hex))) }
        return facts
    }
}

extension TDReport {
    /// Every field by name, in the order of the report.
    public var facts: [(String, Value)] {
        [
            ("version", .count(Int(version))), ("cpuSVN", .string(cpuSVN.hex)),
            ("teeTCBInfoHash", .string(teeTCBInfoHash.hex)), ("teeInfoHash", .string(teeInfoHash.hex)),
            ("hashesMatch", .bool(hashesMatch)), ("reportData", .string(reportData.hex)), ("mac", .string(mac.hex)),
            ("valid", .hex(valid)), ("teeTCBSVN", .string(teeTCBSVN.hex)), ("mrSeam", .string(mrSeam.hex)),
            ("mrSignerSeam", .string(mrSignerSeam.hex)),
            ("seamAttributes", .string(UInt64Bytes.hex(seamAttributes))), ("teeTCBSVN2", .string(teeTCBSVN2.hex)),
            ("tdAttributes", attributes.facts), ("xfam", .string(UInt64Bytes.hex(xfam))),
            ("mrtd", .string(mrtd.hex)), ("mrConfigID", .string(mrConfigID.hex)), ("mrOwner", .string(mrOwner.hex)),
            ("mrOwnerConfig", .string(mrOwnerConfig.hex)),
        ] + rtmrs.enumerated().map { ("rtmr\($0.offset)", .string($0.element.hex)) }
            + (version >= 1 ? [("serviceTDHash", .string(serviceTDHash.hex))] : [])
    }
}

extension TDAttributes {
    fileprivate var facts: Value {
        .object(
            [("bytes", .string(hex))] + flagFacts
                + (unnamed == 0 ? [] : [("unnamedBits", .hex(unnamed))]))
    }
}
