public import Documents
import Firmware
import Hashing
public import LaunchMeasurement
public import ReferenceValues
public import Trace

/// One platform's values for an image: every point, and the one trace that explains them all.
public struct MeasuredPlatform: Sendable {
    public var folder: PlatformFolder
    public var measurements: [Measurement]
    /// A group with the trace of each point, in the points' order.
    public var trace: TraceNode

    /// Measures `artifacts` under a profile with the firmware that it pins.
    ///
    /// A profile with a compact form needs no firmware; where it is given all the same, the form must follow from it.
    public init(_ folder: PlatformFolder, firmware: [UInt8]?, artifacts: BootArtifacts) throws {
        let profile = folder.profile
        self.folder = folder
        let full = try firmware.map { try Self.measure(folder, firmware: $0, artifacts: artifacts) }
        if profile.compact == nil, let full {
            measurements = full
        } else {
            measurements = try SNPMeasurement.measureCompact(profile: profile, artifacts: artifacts)
        }
        trace = TraceNode(
            id: profile.name, name: profile.description,
            children: measurements.map { measurement in
                var node = measurement.trace
                node.id = Self.label(measurement.axes)
                return node
            })
    }

    private static func measure(
        _ folder: PlatformFolder, firmware: [UInt8], artifacts: BootArtifacts
    ) throws -> [Measurement] {
        let profile = folder.profile
        switch profile.tee {
        case .snp where profile.loadsIGVM:
            return try SNPMeasurement.measureIGVM(profile: profile, firmware: firmware)
        case .snp:
            return try SNPMeasurement.measure(
                profile: profile, firmware: OVMFImage(firmware, name: "firmware"), artifacts: artifacts)
        case .tdx:
            return try TDXMeasurement.measure(
                profile: profile, firmware: firmware, blobs: folder.blobs, artifacts: artifacts)
        case .vtpm:
            return try VTPMMeasurement.measure(
                profile: profile, firmware: firmware, blobs: folder.blobs, artifacts: artifacts)
        }
    }

    /// `cpu=EPYC-Milan,vcpus=4`; `all` where a profile has one point.
    private static func label(_ axes: [Measurement.Axis]) -> String {
        axes.isEmpty ? "all" : axes.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
    }

    /// The points as a statement's value sets.
    public func valueSets() throws -> [ValueSet] {
        let digest = try trace.documentDigest()
        return measurements.map { measurement in
            ValueSet(
                axes: measurement.axes.map { .init($0.name, $0.value) },
                registers: Dictionary(
                    measurement.registers.map { ($0.name, $0.digest) }, uniquingKeysWith: { first, _ in first }),
                trace: digest)
        }
    }

    /// The values without their trace.
    public func summary() throws -> Value {
        .object([
            ("platform", .string(folder.profile.name)), ("tee", .string(folder.profile.tee.rawValue)),
            ("profileDigest", .string(try folder.profile.digest().hex)),
            ("points", .array(of: measurements.map(Self.point))),
        ])
    }

    /// What `build/NAME/measurements/PLATFORM.json` holds.
    public func document() throws -> Value {
        .object([
            ("platform", .string(folder.profile.name)), ("tee", .string(folder.profile.tee.rawValue)),
            ("profileDigest", .string(try folder.profile.digest().hex)),
            ("points", .array(of: measurements.map(Self.point))),
            ("traceDigest", .string(try trace.documentDigest().hex)), ("trace", trace.document),
        ])
    }

    private static func point(_ measurement: Measurement) -> Value {
        .object([
            ("axes", .object(measurement.axes.map { ($0.name, .string($0.value)) })),
            ("registers", .object(measurement.registers.map { ($0.name, .string($0.digest.hex)) })),
        ])
    }
}
