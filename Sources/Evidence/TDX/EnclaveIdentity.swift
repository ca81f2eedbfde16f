private import Bytes
public import Documents

/// A security version of an enclave or module and its status.
public struct EnclaveLevel: Hashable, Sendable {
    public var svn: UInt16
    public var status: TCBStatus
    /// Seconds since 1970.
    public var date: Int64
    public var advisories: [String]

    /// Reads `tcbLevels` and gives the highest first.
    static func list(_ decoder: inout ObjectDecoder) throws(DocumentError) -> [EnclaveLevel] {
        var result: [EnclaveLevel] = []
        for (node, path) in try decoder.list("tcbLevels") {
            var level = try ObjectDecoder(node, path: path)
            var tcb = try level.object("tcb")
            result.append(
                EnclaveLevel(
                    svn: UInt16(try tcb.integer("isvsvn", in: 0...0xFFFF)), status: try level.choice("tcbStatus"),
                    date: try level.time("tcbDate"), advisories: try level.optionalStrings("advisoryIDs")))
        }
        return result.sorted { $0.svn > $1.svn }
    }

    /// The highest level that `svn` reaches; nil if it reaches none.
    static func reached(by svn: UInt16, _ levels: [EnclaveLevel]) -> EnclaveLevel? {
        levels.first { svn >= $0.svn }
    }
}

/// Intel's description of the TD quoting enclave, version 2 (Intel PCS API version 4, Enclave Identity).
public struct EnclaveIdentity: Hashable, Sendable {
    /// Seconds since 1970.
    public let issueDate, nextUpdate: Int64
    public let evaluationNumber: Int
    /// Compared where the mask is set.
    public let miscSelect, miscSelectMask: UInt32
    /// 16 bytes each, compared where the mask is set.
    public let attributes, attributesMask: [UInt8]
    /// 32 bytes.
    public let signer: [UInt8]
    public let isvProductID: UInt16
    /// Highest first.
    public let levels: [EnclaveLevel]

    /// Reads the inner object; members that are not named here are left.
    public init(_ node: Node, path: String) throws(DocumentError) {
        var decoder = try ObjectDecoder(node, path: path)
        let id = try decoder.string("id")
        guard id == "TD_QE" else { throw decoder.error("id", "found '\(id)', expected 'TD_QE'") }
        _ = try decoder.integer("version", in: 2...2)
        issueDate = try decoder.time("issueDate")
        nextUpdate = try decoder.time("nextUpdate")
        evaluationNumber = try decoder.integer("tcbEvaluationDataNumber", in: 0...Int(UInt32.max))
        miscSelect = try decoder.word("miscselect")
        miscSelectMask = try decoder.word("miscselectMask")
        attributes = try decoder.foreignHex("attributes", count: 16)
        attributesMask = try decoder.foreignHex("attributesMask", count: 16)
        signer = try decoder.foreignHex("mrsigner", count: 32)
        isvProductID = UInt16(try decoder.integer("isvprodid", in: 0...0xFFFF))
        levels = try EnclaveLevel.list(&decoder)
    }

    /// How an enclave differs from the one that is described; empty if it does not.
    func problems(_ report: SGXReport) -> [String] {
        var problems: [String] = []
        if report.mrSigner != signer {
            problems.append("MRSIGNER is \(report.mrSigner.hex), the quoting enclave's is \(signer.hex)")
        }
        if report.isvProductID != isvProductID {
            problems.append("ISVPRODID is \(report.isvProductID), the quoting enclave's is \(isvProductID)")
        }
        if report.miscSelect & miscSelectMask != miscSelect {
            problems.append("MISCSELECT is \(hexadecimal(report.miscSelect))")
        }
        if !Masked.match(report.attributes, attributes, mask: attributesMask) {
            problems.append("ATTRIBUTES are \(report.attributes.hex)")
        }
        return problems
    }
}

/// Bytes that are compared under a mask.
enum Masked {
    static func match(_ found: [UInt8], _ expected: [UInt8], mask: [UInt8]) -> Bool {
        found.count == mask.count && expected.count == mask.count
            && found.indices.allSatisfy { found[$0] & mask[$0] == expected[$0] }
    }
}

extension ObjectDecoder {
    /// Four bytes in hex as a number, most significant byte first.
    fileprivate mutating func word(_ key: String) throws(DocumentError) -> UInt32 {
        try foreignHex(key, count: 4).reduce(0) { $0 << 8 | UInt32($1) }
    }
}
