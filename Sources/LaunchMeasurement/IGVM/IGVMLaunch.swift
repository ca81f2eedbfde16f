private import Bytes
import Documents
public import Firmware
import Hashing
import Trace

/// The launch of an IGVM file on one of its platforms: what a loader hands to the processor, in order.
public struct IGVMLaunch: Sendable {
    /// How errors and traces call the file.
    public let name: String
    public let platform: IGVMPlatform
    public let rules: IGVMRules
    /// SEV-SNP guest policy or TDX attributes from the file; nil if it has none for the platform.
    public let policy: UInt64?
    /// The file's ID block for the platform.
    public let idBlock: IGVMIDBlock?
    /// What a reader should know although the launch can be measured.
    public let warnings: [String]
    /// What is measured, and beside it what is not, in launch order.
    let steps: [Step]

    /// A directive's effect.
    enum Step: Sendable {
        /// Pages of the launch.
        case pages(LaunchPlan.Run)
        /// Nothing that is measured; the trace names it.
        case unmeasured(TraceNode)
    }

    /// Most pages of 4096 bytes in a launch: 16 GiB.
    public static let maximumPageCount = 1 << 22

    /// Goes through the directives for `kind`, which the file must be made for.
    public init(_ file: IGVMFile, platform kind: IGVMPlatform.Kind, rules: IGVMRules = IGVMRules()) throws(IGVMError) {
        guard let platform = file.platform(kind) else {
            throw .platformMissing(file: file.name, wanted: kind, found: file.platforms.map(\.kind))
        }
        guard [.snp, .tdx, .sev, .sevES].contains(kind) else { throw .platformNotMeasured(file: file.name, kind) }
        guard rules.zeroPages == .normal || kind == .snp else { throw .zeroPagesNotNative(kind) }
        var builder = IGVMLaunchBuilder(file: file, platform: platform, rules: rules)
        try builder.addDirectives()
        name = file.name
        self.platform = platform
        self.rules = rules
        policy = file.guestPolicy(platform)
        idBlock = file.idBlock(platform)?.block
        steps = builder.steps
        var warnings = builder.warnings
        for header in file.initializations + file.directives where !header.hasZeroPadding {
            warnings.append("\(header.type) at \(hexadecimal(header.offset)): the padding after it is not zero")
        }
        if kind == .snp, policy == nil { warnings.insert("no SNP guest policy header for this platform", at: 0) }
        self.warnings = warnings
    }

    /// The measured pages alone, as every launch has them.
    public var plan: LaunchPlan {
        LaunchPlan(
            runs: steps.compactMap { step in
                if case .pages(let run) = step { run } else { nil }
            })
    }
}
