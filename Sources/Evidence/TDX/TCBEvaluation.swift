private import Bytes

/// What Intel's collateral says of a quote's platform (Intel PCS API version 4, "TDX TCB status determination").
public struct TCBEvaluation: Hashable, Sendable {
    /// The status of all parts together; nil if a part is at no level that Intel lists.
    public private(set) var status: TCBStatus?
    /// Security advisories that explain it, in Intel's words.
    public private(set) var advisories: [String] = []
    /// Parts that are at no level.
    public private(set) var problems: [String] = []
    /// The parts and their statuses in words.
    public private(set) var text = ""

    /// Evaluates the platform, its TDX module and its quoting enclave.
    ///
    /// A body of TDX 1.5 says also what the platform is now: if the domain was launched on an older one than that, it is
    /// told to be launched again.
    public init(_ quote: TDXQuote, _ pck: PCKCertificate, _ info: TCBInfo, _ identity: EnclaveIdentity) {
        let launch = Self.platform(quote.body.teeTCBSVN, pck, info)
        problems = launch.problems
        advisories = launch.advisories
        var parts = launch.parts
        var status = launch.status
        if let now = quote.body.teeTCBSVN2, status?.isOutOfDate == true {
            let updated = Self.platform(now, pck, info)
            if let newer = updated.status, !newer.isOutOfDate, newer != .revoked {
                status = newer.afterUpdate
                parts.append("platform now \(newer.rawValue)")
            }
        }
        if let level = EnclaveLevel.reached(by: quote.certification.report.isvSVN, identity.levels) {
            status = status?.joined(with: level.status)
            advisories += level.advisories
            parts.append("quoting enclave \(level.status.rawValue)")
        } else {
            problems.append("the quoting enclave's ISVSVN \(quote.certification.report.isvSVN) is below every level")
        }
        advisories = Set(advisories).sorted()
        text = parts.joined(separator: ", ")
        self.status = problems.isEmpty ? status : nil
    }

    private struct Part {
        var status: TCBStatus?
        var advisories: [String] = []
        var problems: [String] = []
        var parts: [String] = []
    }

    /// Platform and module at these security versions.
    private static func platform(_ teeTCBSVN: [UInt8], _ pck: PCKCertificate, _ info: TCBInfo) -> Part {
        var part = Part()
        if let level = info.level(of: pck.tcb, teeTCBSVN: teeTCBSVN) {
            part.status = level.status
            part.advisories = level.advisories
            part.parts.append("platform \(level.status.rawValue)")
        } else {
            part.problems.append("the platform is below every level: TEE_TCB_SVN \(teeTCBSVN.hex)")
        }
        guard teeTCBSVN[1] > 0 else { return part }
        let id = TCBInfo.moduleID(teeTCBSVN[1])
        let levels = info.module(for: teeTCBSVN)?.levels ?? []
        if let level = EnclaveLevel.reached(by: UInt16(teeTCBSVN[0]), levels) {
            part.status = part.status?.joined(with: level.status)
            part.advisories += level.advisories
            part.parts.append("module \(id) \(level.status.rawValue)")
        } else {
            part.problems.append("module \(id) with security version \(teeTCBSVN[0]) is at no level that is known")
        }
        return part
    }
}
