internal import Documents
public import Hashing

/// One complete alternative: an assignment to every axis, and every register's value there. Sets are never mixed.
public struct ValueSet: Hashable, Sendable {
    /// Axis name and value, in the platform's order of axes.
    public var axes: [Assignment]
    /// Every register by its name: `LAUNCH_DIGEST`; `MRTD`, `RTMR0`…; `PCR0.sha256`….
    public var registers: [String: Digest]
    /// SHA-256 of the trace document that explains the registers.
    public var trace: Digest

    /// One axis and where on it the set stands.
    public struct Assignment: Hashable, Sendable {
        public var axis: String
        public var value: String

        public init(_ axis: String, _ value: String) {
            self.axis = axis
            self.value = value
        }
    }

    public init(axes: [Assignment], registers: [String: Digest], trace: Digest) {
        self.axes = axes
        self.registers = registers
        self.trace = trace
    }

    /// The assignment for people: `vcpus=4 model=EPYC-Milan`, or `-` where there are no axes.
    public var label: String {
        axes.isEmpty ? "-" : axes.map { "\($0.axis)=\($0.value)" }.joined(separator: " ")
    }
}

/// What varies between the value sets of a platform, and which registers it moves.
public struct Axis: Hashable, Sendable {
    public var name: String
    /// Names of the registers that differ between two sets that differ on this axis alone, sorted.
    public var registers: [String]
    /// Every value that a set takes, in the sets' order.
    public var values: [String]

    /// The axes that `sets` span. All sets must name the same axes in the same order.
    static func spanned(by sets: [ValueSet]) -> [Axis] {
        guard let first = sets.first else { return [] }
        return first.axes.indices.map { index in
            var values: [String] = []
            var seen: Set<String> = []
            var moved: Set<String> = []
            // The first set met for each assignment to the other axes.
            var companions: [[ValueSet.Assignment]: ValueSet] = [:]
            for set in sets {
                if seen.insert(set.axes[index].value).inserted { values.append(set.axes[index].value) }
                var others = set.axes
                others.remove(at: index)
                guard let companion = companions[others] else {
                    companions[others] = set
                    continue
                }
                moved.formUnion(set.registers.filter { companion.registers[$0.key] != $0.value }.keys)
            }
            return Axis(name: first.axes[index].axis, registers: moved.sorted(by: FileName.precedes), values: values)
        }
    }

    var document: Value {
        .object([
            ("name", .string(name)), ("registers", .array(of: registers.map { .string($0) })),
            ("values", .array(of: values.map { .string($0) })),
        ])
    }
}
