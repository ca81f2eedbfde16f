public import Documents
public import Hashing
public import Trace

/// What launches and reports.
public enum TEE: String, Sendable, CaseIterable {
    case snp, tdx, vtpm
}

/// The values that one platform point will report, and how they come about.
///
/// A point is one assignment to every axis of its profile (vCPUs, CPU model, ExitBootServices form…); a profile gives
/// one measurement a point.
public struct Measurement: Sendable {
    /// Name of the platform profile.
    public var platform: String
    public var tee: TEE
    /// Axis name and this point's value on it, in the profile's order.
    public var axes: [Axis]
    /// Register name and value: `LAUNCH_DIGEST`; `MRTD`, `RTMR0`…; `PCR0.sha256`… in the profile's order.
    public var registers: [Register]
    public var trace: TraceNode
    /// The events that make the registers, in order; none for SEV-SNP, whose launch has no events.
    public var events: [MeasuredEvent]

    public struct Axis: Hashable, Sendable {
        public var name: String
        public var value: String
        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public struct Register: Hashable, Sendable {
        public var name: String
        public var digest: Digest
        public init(_ name: String, _ digest: Digest) {
            self.name = name
            self.digest = digest
        }
    }

    public init(
        platform: String, tee: TEE, axes: [Axis], registers: [Register], trace: TraceNode,
        events: [MeasuredEvent] = []
    ) {
        self.platform = platform
        self.tee = tee
        self.axes = axes
        self.registers = registers
        self.trace = trace
        self.events = events
    }

    /// The events as documents, with the registers of the TEE.
    public var eventDocuments: [Value] { events.map { $0.document(on: tee == .tdx ? .td : .tpm) } }

    /// The measurement with its trace as a document.
    public var document: Value {
        .object([
            ("platform", .string(platform)), ("tee", .string(tee.rawValue)),
            ("axes", .object(axes.map { ($0.name, .string($0.value)) })),
            ("registers", .object(registers.map { ($0.name, .string($0.digest.hex)) })),
            ("trace", trace.document),
        ])
    }
}

/// What a machine boots: the artifacts of a build by name, as files on this machine.
///
/// Traces name artifacts, never paths.
public struct BootArtifacts: Sendable {
    /// Path of each artifact by its name in `artifacts.json`: `vmlinuz`, `initrd`, `cmdline`, `uki.efi`, `disk.raw`.
    public var paths: [String: String]

    public init(paths: [String: String]) { self.paths = paths }
}
