public import Documents
private import Hashing
public import LaunchMeasurement
public import Trace

/// What a measurement's file holds: the points that were measured, each with its trace.
///
/// Read are `measurements/PLATFORM.json` of a build, and what `assay measure snp`, `igvm`, `tdx` and `tpm` print with
/// `--trace`. The values beside a trace must be those inside it.
public struct MeasurementRecord: Sendable {
    /// One launch.
    public struct Point: Sendable {
        public var axes: [Measurement.Axis]
        /// What the file says of the launch beside its trace, as text.
        public var facts: [Measurement.Axis]
        public var registers: [Measurement.Register]
        public var trace: TraceNode

        public init(
            axes: [Measurement.Axis], facts: [Measurement.Axis] = [], registers: [Measurement.Register],
            trace: TraceNode
        ) {
            self.axes = axes
            self.facts = facts
            self.registers = registers
            self.trace = trace
        }

        /// `cpu=EPYC-Milan,vcpus=4`; `all` where there is one point.
        public var label: String {
            axes.isEmpty ? "all" : axes.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
        }
    }

    /// The file, for messages.
    public var source: String
    /// In the file's order; never empty.
    public var points: [Point]

    /// Reads a file of at most 64 MiB.
    public init(_ bytes: [UInt8], source: String) throws(DocumentError) {
        try self.init(JSONReader.parse(bytes, source: source), source: source)
    }

    /// Reads a document.
    public init(_ node: Node, source: String) throws(DocumentError) {
        self.source = source
        points = []
        if case .array(let nodes) = node.value {
            for (index, node) in nodes.enumerated() {
                points.append(try Self.measurement(ObjectDecoder(node, path: "[\(index)]")))
            }
        } else if node.value["traceDigest"] != nil {
            points = try Self.platform(ObjectDecoder(node))
        } else if node.value["axes"] != nil {
            points = [try Self.measurement(ObjectDecoder(node))]
        } else if node.value["mrtd"] != nil || node.value["rtmr0"] != nil || node.value["pcrs"] != nil {
            points = try Self.boots(ObjectDecoder(node))
        } else {
            points = try Self.launch(ObjectDecoder(node))
        }
        guard !points.isEmpty else { throw DocumentError(node.location, "found no point, expected at least one") }
    }

    /// The first point that has all these values; nil if none has.
    public func point(_ axes: [Measurement.Axis]) -> Point? {
        points.first { point in axes.allSatisfy { point.axes.contains($0) } }
    }
}

extension MeasurementRecord {
    /// `{platform, tee, axes, registers, trace}`.
    private static func measurement(_ decoder: ObjectDecoder) throws(DocumentError) -> Point {
        var decoder = decoder
        let facts = [
            Measurement.Axis("platform", try decoder.string("platform")),
            Measurement.Axis("tee", try decoder.string("tee")),
        ]
        let axes = try texts(decoder.object("axes"))
        let registers = try texts(decoder.object("registers"))
        let trace = try trace(&decoder)
        try decoder.finish()
        return try point(axes, facts, registers, trace, decoder)
    }

    /// `{platform, tee, profileDigest, points, traceDigest, trace}`: the trace's children are the points' traces.
    private static func platform(_ decoder: ObjectDecoder) throws(DocumentError) -> [Point] {
        var decoder = decoder
        var facts: [Measurement.Axis] = []
        for key in ["platform", "tee", "profileDigest"] { facts.append(.init(key, try decoder.string(key))) }
        let list = try decoder.list("points")
        let stated = try decoder.string("traceDigest")
        let trace = try trace(&decoder)
        try decoder.finish()
        guard try trace.documentDigest().hex == stated else {
            throw decoder.error("traceDigest", "found '\(stated)', which is not the digest of this trace")
        }
        guard list.count == trace.children.count else {
            throw decoder.error("points", "found \(list.count) points, and \(trace.children.count) traces")
        }
        var points: [Point] = []
        for ((node, path), child) in zip(list, trace.children) {
            var inner = try ObjectDecoder(node, path: path)
            let axes = try texts(inner.object("axes"))
            let registers = try texts(inner.object("registers"))
            try inner.finish()
            let point = try point(axes, facts, registers, child, inner)
            guard point.label == child.id else {
                throw inner.error("axes", "found \(point.label), and its trace is '\(child.id)'")
            }
            points.append(point)
        }
        return points
    }

    /// `{mrtd, rtmr0…, or pcrs, …, trace}`, what is measured of one boot, or such values beside the points of a profile.
    private static func boots(_ decoder: ObjectDecoder) throws(DocumentError) -> [Point] {
        var decoder = decoder
        if let list = decoder.optionalNode("points") {
            var points: [Point] = []
            for (node, path) in try ObjectDecoder.list(list, path: "points") {
                points.append(try measurement(ObjectDecoder(node, path: path)))
            }
            return points
        }
        let trace = try trace(&decoder)
        let names = Set(trace.registerNodes.compactMap(\.register))
        var stated: [Measurement.Axis] = []
        if var banks = try decoder.optionalObject("pcrs") {
            for (bank, node) in banks.remainingMembers() {
                let values = try texts(ObjectDecoder(node, path: "pcrs.\(bank)"))
                stated += values.map { .init("PCR\($0.name).\(bank)", $0.value) }
            }
        }
        var facts: [Measurement.Axis] = []
        for (key, node) in decoder.remainingMembers() where !["events", "unpredicted"].contains(key) {
            let text = plainText(node.value)
            if names.contains(key.uppercased()) {
                stated.append(.init(key.uppercased(), text))
            } else {
                facts.append(.init(key, text))
            }
        }
        return [try point([], facts, stated, trace, decoder)]
    }

    /// `{mode, …, launchDigest or digest, trace}`, or the same with several `points`.
    private static func launch(_ decoder: ObjectDecoder) throws(DocumentError) -> [Point] {
        var decoder = decoder
        let mode = Measurement.Axis("mode", try decoder.string("mode"))
        guard let list = decoder.optionalNode("points") else {
            return [try launch(&decoder, [mode])]
        }
        let shared = [mode] + decoder.remainingMembers().map { .init($0.key, plainText($0.node.value)) }
        var points: [Point] = []
        for (node, path) in try ObjectDecoder.list(list, path: "points") {
            var inner = try ObjectDecoder(node, path: path)
            points.append(try launch(&inner, shared))
        }
        return points
    }

    private static func launch(
        _ decoder: inout ObjectDecoder, _ shared: [Measurement.Axis]
    ) throws(DocumentError) -> Point {
        let trace = try trace(&decoder)
        let rest = decoder.remainingMembers().map { Measurement.Axis($0.key, plainText($0.node.value)) }
        guard let digest = rest.first(where: { $0.name == "launchDigest" || $0.name == "digest" }),
            let register = trace.register
        else { throw decoder.error("launchDigest", "missing; it is required") }
        let axes = rest.filter { ["vcpus", "vcpuSignature", "guestFeatures"].contains($0.name) }
        let facts = rest.filter { !axes.contains($0) && $0 != digest }
        return try point(axes, shared + facts, [.init(register, digest.value)], trace, decoder)
    }

    private static func trace(_ decoder: inout ObjectDecoder) throws(DocumentError) -> TraceNode {
        guard let node = decoder.optionalNode("trace") else {
            throw decoder.error("trace", "missing; it is required", hint: "print the measurement with --trace")
        }
        return try TraceNode(node, path: decoder.pathOf("trace"))
    }

    /// A point whose stated registers are those of its trace.
    private static func point(
        _ axes: [Measurement.Axis], _ facts: [Measurement.Axis], _ stated: [Measurement.Axis], _ trace: TraceNode,
        _ decoder: ObjectDecoder
    ) throws(DocumentError) -> Point {
        let registers = trace.registerNodes.compactMap { node in
            node.digest.map { Measurement.Register(node.register ?? "", $0) }
        }
        guard registers.map({ Measurement.Axis($0.name, $0.digest.hex) }).sortedByName == stated.sortedByName else {
            throw decoder.error(
                "trace", "its registers are not those that stand beside it",
                hint: "the file was changed after it was written")
        }
        return Point(axes: axes, facts: facts, registers: registers, trace: trace)
    }

    private static func texts(_ decoder: ObjectDecoder) throws(DocumentError) -> [Measurement.Axis] {
        var decoder = decoder
        var axes: [Measurement.Axis] = []
        for (key, node) in decoder.remainingMembers() {
            axes.append(.init(key, try ObjectDecoder.string(node, path: decoder.pathOf(key))))
        }
        return axes
    }
}

extension [Measurement.Axis] {
    fileprivate var sortedByName: Self { sorted { ($0.name, $0.value) < ($1.name, $1.value) } }
}

extension TraceNode {
    /// The topmost nodes that hold a register's value.
    var registerNodes: [TraceNode] {
        register != nil && digest != nil ? [self] : children.flatMap(\.registerNodes)
    }

    /// A detail as text.
    func detail(_ name: String) -> String? { details.first { $0.name == name }.map { plainText($0.value) } }
}

/// A value on one line, for people.
func plainText(_ value: Value) -> String {
    switch value {
    case .null: "none"
    case .bool(let flag): flag ? "yes" : "no"
    case .integer(let number): String(number)
    case .number(let text), .string(let text), .plain(let text): text
    case .array(let nodes): nodes.map { plainText($0.value) }.joined(separator: ", ")
    case .object(let members): members.map { "\($0.key) \(plainText($0.node.value))" }.joined(separator: ", ")
    }
}
