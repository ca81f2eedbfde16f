public import Hashing
public import Trace

/// The digest and trace of one number of vCPUs of one model.
public struct LaunchPoint: Sendable {
    public var vcpus: Int
    public var digest: Digest
    /// Everything that was hashed, what all points share included.
    public var trace: TraceNode

    public init(vcpus: Int, digest: Digest, trace: TraceNode) {
        self.vcpus = vcpus
        self.digest = digest
        self.trace = trace
    }
}

/// What was said about a kernel that the firmware may not check.
public enum KernelTrust: Sendable {
    /// Only firmware that was seen to verify.
    case verifiedOnly
    /// Also firmware of which it cannot be told.
    case unknownAllowed
    /// Any firmware.
    case unverifiedAllowed

    /// What the trace says about the firmware's verifier; throws where it must not be passed over.
    func note(firmware: String, verifies: Bool?) throws(SNPMeasurementError) -> String {
        switch (verifies, self) {
        case (true?, _): return "found in the firmware"
        case (false?, .unverifiedAllowed): return "not in the firmware; allowed by request"
        case (false?, _): throw .kernelNotVerified(firmware: firmware)
        case (nil, .verifiedOnly): throw .verifierUnknown(firmware: firmware)
        case (nil, _): return "cannot be told from this file"
        }
    }
}
