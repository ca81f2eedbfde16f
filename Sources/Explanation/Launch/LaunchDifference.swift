private import Hashing
import LaunchMeasurement
import Trace

/// What differs between two launches at one node of their traces, and what is behind it.
public struct LaunchDifference: Hashable, Sendable {
    /// What kind of input it is.
    public enum Kind: String, Sendable, CaseIterable {
        /// The bytes of a file.
        case artifact
        /// A page or section that the firmware's metadata asks for.
        case firmwareSection = "firmware section"
        /// A directive of an IGVM file.
        case directive = "IGVM directive"
        /// A rule or value of the platform profile.
        case profileRule = "profile rule"
        /// A field of a vCPU's save area.
        case saveAreaField = "save area field"
        /// Kernel, initrd or command line, by their hashes.
        case kernelHashTable = "kernel hash table"
        case vcpuCount = "number of vCPUs"
        /// Something that firmware or boot code measured.
        case event
        /// What the trace does not say.
        case untold
    }

    /// Identifier of the node.
    public var node: String
    public var name: String
    public var origin: String
    public var gpa: UInt64?
    public var kind: Kind
    /// The file, section, field, rule or part, by name.
    public var cause: String
    /// The two values, where the traces hold them; nil on a side that lacks the node.
    public var first, second: String?
    /// The key or rule of a profile that decides it.
    public var rule: String?

    init(
        _ node: TraceNode, _ kind: Kind, _ cause: String, _ first: String? = nil, _ second: String? = nil,
        rule: String? = nil
    ) {
        self.node = node.id
        name = node.name
        origin = node.origin
        gpa = node.gpa
        self.kind = kind
        self.cause = cause
        self.first = first
        self.second = second
        self.rule = rule
    }
}

/// How two launches differ.
public struct LaunchComparison: Sendable {
    /// A register with two values.
    public struct Register: Sendable {
        public var name: String
        /// Nil where the launch has no such register.
        public var first, second: String?
        /// In the order of hashing; the first is the cause of the register's difference. Those after it are inputs that
        /// differ too, as far as the traces hold them.
        public var differences: [LaunchDifference]
    }

    /// Registers that are equal.
    public var equal: [String]
    public var different: [Register]
    /// What the files say of the launches beside their traces, where it differs: name and both values.
    public var facts: [(name: String, first: String?, second: String?)]

    public var isEqual: Bool { different.isEmpty }

    /// Compares two launches register by register.
    public init(_ first: MeasurementRecord.Point, _ second: MeasurementRecord.Point) {
        equal = []
        different = []
        let others = second.trace.registerNodes
        for node in first.trace.registerNodes {
            let name = node.register ?? ""
            guard let other = others.first(where: { $0.register == node.register }) else {
                different.append(
                    Register(name: name, first: node.digest?.hex, second: nil, differences: []))
                continue
            }
            guard node.digest != other.digest else {
                equal.append(name)
                continue
            }
            var comparison = TraceComparison()
            comparison.compare(node, other)
            different.append(
                Register(
                    name: name, first: node.digest?.hex, second: other.digest?.hex,
                    differences: comparison.differences))
        }
        let known = Set(first.registers.map(\.name))
        different += second.registers.filter { !known.contains($0.name) }
            .map { Register(name: $0.name, first: nil, second: $0.digest.hex, differences: []) }
        facts = Self.facts(first.axes + first.facts, second.axes + second.facts)
    }

    private static func facts(
        _ first: [Measurement.Axis], _ second: [Measurement.Axis]
    ) -> [(name: String, first: String?, second: String?)] {
        let names = first.map(\.name) + second.map(\.name).filter { name in !first.contains { $0.name == name } }
        return names.compactMap { name in
            let values = (first.first { $0.name == name }?.value, second.first { $0.name == name }?.value)
            return values.0 == values.1 ? nil : (name, values.0, values.1)
        }
    }
}
