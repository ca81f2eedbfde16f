private import Bytes
import Documents
import Firmware
public import Hashing
public import Trace

extension IGVMLaunch {
    /// Name of the register that takes the value.
    public var register: String { platform.kind == .tdx ? MRTD.register : SNPMeasurement.register }

    /// The value that the platform reports, and a trace with a node a directive; a run of equal pages is one node.
    ///
    /// SEV-SNP: the launch digest (SHA-384 chain). TDX: MRTD. SEV and SEV-ES: the SHA-256 that the owner's HMAC covers.
    public func measure() -> (digest: Digest, trace: TraceNode) {
        let digest: Digest
        var nodes: [TraceNode]
        switch platform.kind {
        case .tdx: (digest, nodes) = plan.measureMRTD()
        case .sev, .sevES: (digest, nodes) = plan.measureSEV()
        default:
            let result = plan.measure()
            (digest, nodes) = (result.digest.value, result.nodes)
        }
        nodes.reverse()
        let children = steps.map { step in
            switch step {
            case .unmeasured(let node): node
            case .pages: nodes.popLast() ?? TraceNode(id: "", name: "")
            }
        }
        let trace = TraceNode(
            id: "igvm", name: "\(platform.kind) launch of an IGVM file", origin: "IGVM definitions, directive order",
            operation: .chain, register: register, digest: digest,
            details: [
                ("platform", .string(platform.kind.description)),
                ("zeroPages", .string(rules.zeroPages.rawValue)), ("placement", .string(rules.placement.rawValue)),
                ("parameters", .string(rules.parameters.rawValue)),
            ], children: children)
        return (digest, trace)
    }

    /// Whether the file's ID block names the digest that was computed; nil if the file has none.
    public func idBlockMatches(_ digest: Digest) -> Bool? {
        idBlock.map { $0.launchDigest == digest.bytes }
    }
}
