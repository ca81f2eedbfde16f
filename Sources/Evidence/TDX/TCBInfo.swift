private import Bytes
public import Documents
private import Signing

/// Intel's TCB information for a platform family, version 3, of a TDX platform (Intel PCS API version 4, TCB Info).
public struct TCBInfo: Hashable, Sendable {
    /// One combination of security versions and its status.
    public struct Level: Hashable, Sendable {
        /// 16 security versions of SGX components, as in PCK certificates, and as many of TDX, as in TEE_TCB_SVN.
        public var sgxComponents, tdxComponents: [UInt8]
        public var pceSVN: UInt16
        public var status: TCBStatus
        /// Seconds since 1970.
        public var date: Int64
        public var advisories: [String]
    }

    /// A TDX module that Intel knows: who signed it, and with which attributes.
    public struct Module: Hashable, Sendable {
        /// `TDX_` and the major version as two hex digits.
        public var id: String
        /// 48 bytes; zero for Intel.
        public var signer: [UInt8]
        /// 8 bytes each, compared where the mask is set.
        public var attributes, attributesMask: [UInt8]
        /// Highest security version first; none in the form for modules of major version 0.
        public var levels: [EnclaveLevel]
    }

    /// Seconds since 1970.
    public let issueDate, nextUpdate: Int64
    /// 6 and 2 bytes, as in PCK certificates.
    public let fmspc, pceID: [UInt8]
    /// Rises with every reassessment by Intel.
    public let evaluationNumber: Int
    /// The module of major version 0.
    public let module: Module
    /// The modules of other major versions.
    public let modules: [Module]
    /// Highest first.
    public let levels: [Level]

    /// Reads the inner object; members that are not named here are left.
    public init(_ node: Node, path: String) throws(DocumentError) {
        var decoder = try ObjectDecoder(node, path: path)
        let id = try decoder.string("id")
        guard id == "TDX" else { throw decoder.error("id", "found '\(id)', expected 'TDX'") }
        _ = try decoder.integer("version", in: 3...3)
        issueDate = try decoder.time("issueDate")
        nextUpdate = try decoder.time("nextUpdate")
        fmspc = try decoder.foreignHex("fmspc", count: 6)
        pceID = try decoder.foreignHex("pceId", count: 2)
        _ = try decoder.integer("tcbType", in: 0...0)
        evaluationNumber = try decoder.integer("tcbEvaluationDataNumber", in: 0...Int(UInt32.max))
        module = try Module(decoder.object("tdxModule"), isNamed: false)
        var modules: [Module] = []
        for (node, path) in try decoder.optionalList("tdxModuleIdentities") {
            modules.append(try Module(ObjectDecoder(node, path: path), isNamed: true))
        }
        self.modules = modules
        var levels: [Level] = []
        for (node, path) in try decoder.list("tcbLevels") {
            levels.append(try Level(ObjectDecoder(node, path: path)))
        }
        guard !levels.isEmpty else { throw decoder.error("tcbLevels", "found none, expected at least one") }
        self.levels = levels.sorted { $0.isHigher(than: $1) }
    }

    /// Security versions in TEE_TCB_SVN; with another number nothing can be judged.
    private static let componentCount = 16

    /// The module that a domain's security versions name: byte 1 is the major version.
    public func module(for teeTCBSVN: [UInt8]) -> Module? {
        guard teeTCBSVN.count == Self.componentCount else { return nil }
        let major = teeTCBSVN[1]
        return major == 0 ? module : modules.first { $0.id == Self.moduleID(major) }
    }

    /// `TDX_` and the major version as two hex digits.
    static func moduleID(_ major: UInt8) -> String { "TDX_" + [major].hex.uppercased() }

    /// The highest level that a platform reaches; nil if it reaches none.
    ///
    /// With a module of major version 1 or more, TEE_TCB_SVN's first two bytes are the module's and are judged by its own
    /// levels.
    public func level(of pck: PCKCertificate.TCB, teeTCBSVN: [UInt8]) -> Level? {
        guard teeTCBSVN.count == Self.componentCount else { return nil }
        let first = teeTCBSVN[1] > 0 ? 2 : 0
        return levels.first { level in
            zip(pck.components, level.sgxComponents).allSatisfy { $0 >= $1 } && pck.pceSVN >= level.pceSVN
                && zip(teeTCBSVN, level.tdxComponents).dropFirst(first).allSatisfy { $0 >= $1 }
        }
    }
}

extension TCBInfo.Level {
    fileprivate init(_ outer: ObjectDecoder) throws(DocumentError) {
        var decoder = outer
        var tcb = try decoder.object("tcb")
        sgxComponents = try tcb.components("sgxtcbcomponents")
        tdxComponents = try tcb.components("tdxtcbcomponents")
        pceSVN = UInt16(try tcb.integer("pcesvn", in: 0...0xFFFF))
        date = try decoder.time("tcbDate")
        status = try decoder.choice("tcbStatus")
        advisories = try decoder.optionalStrings("advisoryIDs")
    }

    /// Intel's order: SGX components, PCE, TDX components, each as a number of its own.
    fileprivate func isHigher(than other: Self) -> Bool {
        for (a, b) in zip(sgxComponents, other.sgxComponents) where a != b { return a > b }
        if pceSVN != other.pceSVN { return pceSVN > other.pceSVN }
        for (a, b) in zip(tdxComponents, other.tdxComponents) where a != b { return a > b }
        return false
    }
}

extension TCBInfo.Module {
    fileprivate init(_ outer: ObjectDecoder, isNamed: Bool) throws(DocumentError) {
        var decoder = outer
        id = isNamed ? try decoder.string("id") : "TDX_00"
        signer = try decoder.foreignHex("mrsigner", count: 48)
        attributes = try decoder.foreignHex("attributes", count: 8)
        attributesMask = try decoder.foreignHex("attributesMask", count: 8)
        levels = isNamed ? try EnclaveLevel.list(&decoder) : []
    }
}

extension ObjectDecoder {
    /// A time as Intel writes it; seconds since 1970.
    mutating func time(_ key: String) throws(DocumentError) -> Int64 {
        let text = try string(key)
        guard let time = CertificateTime.seconds(text) else {
            throw error(key, "found '\(text)', expected a UTC time like 2026-08-31T12:00:00Z")
        }
        return time
    }

    /// Hex in either case.
    mutating func foreignHex(_ key: String, count: Int) throws(DocumentError) -> [UInt8] {
        let text = try string(key)
        guard let bytes = [UInt8](hex: text.lowercased()), bytes.count == count else {
            throw error(key, "found '\(text)', expected \(count * 2) hex digits")
        }
        return bytes
    }

    /// 16 security versions, each an object with `svn`.
    fileprivate mutating func components(_ key: String) throws(DocumentError) -> [UInt8] {
        var result: [UInt8] = []
        for (node, path) in try list(key) {
            var part = try ObjectDecoder(node, path: path)
            result.append(UInt8(try part.integer("svn", in: 0...255)))
        }
        guard result.count == 16 else { throw error(key, "found \(result.count) components, expected 16") }
        return result
    }
}
