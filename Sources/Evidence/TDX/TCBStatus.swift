/// How Intel judges a TCB (Intel PCS API version 4, TCB Info and Enclave Identity: tcbStatus).
///
/// A platform, its TDX module and its quoting enclave each have one; what holds for any of them holds for all together,
/// so statuses are joined by what they say: that something is revoked, is out of date, needs other settings, needs
/// software that protects itself.
public enum TCBStatus: String, Sendable, CaseIterable, Hashable {
    case upToDate = "UpToDate"
    case swHardeningNeeded = "SWHardeningNeeded"
    case configurationNeeded = "ConfigurationNeeded"
    case configurationAndSWHardeningNeeded = "ConfigurationAndSWHardeningNeeded"
    case outOfDate = "OutOfDate"
    case outOfDateConfigurationNeeded = "OutOfDateConfigurationNeeded"
    case revoked = "Revoked"
    /// The platform was brought up to date under a running domain, which was launched before.
    case relaunchAdvised = "TDRelaunchAdvised"
    case relaunchAdvisedConfigurationNeeded = "TDRelaunchAdvisedConfigurationNeeded"

    private struct Findings: OptionSet {
        let rawValue: UInt8
        static let hardening = Findings(rawValue: 1)
        static let configuration = Findings(rawValue: 2)
        static let outOfDate = Findings(rawValue: 4)
        static let revoked = Findings(rawValue: 8)
        static let relaunch = Findings(rawValue: 16)
    }

    private var findings: Findings {
        switch self {
        case .upToDate: []
        case .swHardeningNeeded: .hardening
        case .configurationNeeded: .configuration
        case .configurationAndSWHardeningNeeded: [.configuration, .hardening]
        case .outOfDate: .outOfDate
        case .outOfDateConfigurationNeeded: [.outOfDate, .configuration]
        case .revoked: .revoked
        case .relaunchAdvised: .relaunch
        case .relaunchAdvisedConfigurationNeeded: [.relaunch, .configuration]
        }
    }

    private init(_ findings: Findings) {
        let needsConfiguration = findings.contains(.configuration)
        if findings.contains(.revoked) {
            self = .revoked
        } else if findings.contains(.outOfDate) {
            self = needsConfiguration ? .outOfDateConfigurationNeeded : .outOfDate
        } else if findings.contains(.relaunch) {
            self = needsConfiguration ? .relaunchAdvisedConfigurationNeeded : .relaunchAdvised
        } else if needsConfiguration {
            self = findings.contains(.hardening) ? .configurationAndSWHardeningNeeded : .configurationNeeded
        } else {
            self = findings.contains(.hardening) ? .swHardeningNeeded : .upToDate
        }
    }

    /// The status of two parts together.
    public func joined(with other: TCBStatus) -> TCBStatus { TCBStatus(findings.union(other.findings)) }

    /// Whether something is older than it should be.
    var isOutOfDate: Bool { findings.contains(.outOfDate) }

    /// The status of a domain that was launched out of date on a platform that is no longer.
    var afterUpdate: TCBStatus { TCBStatus(findings.subtracting(.outOfDate).union(.relaunch)) }
}
