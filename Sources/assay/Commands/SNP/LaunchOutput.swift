import Documents
import Files
import Hashing
import LaunchMeasurement
import Signing
import Trace

/// One digest with the values that led to it.
struct LaunchLine {
    var model: CPUOptions.Model
    var features: UInt64
    var vcpus: Int
    var digest: Digest
    var trace: TraceNode?
}

extension MeasureSNPCommand {
    /// All points of a SEV-SNP launch.
    func output(
        _ launch: SNPLaunch, models: [CPUOptions.Model], features: [UInt64], facts: [(String, Value)]
    ) throws {
        let range = try range()
        var lines: [LaunchLine] = []
        for model in models {
            for feature in features {
                let points = try launch.points(model.signature, features: feature, vcpus: range)
                lines += points.map { line($0, model: model, features: feature) }
            }
        }
        if dumpVMSA {
            let model = try single(models, of: features)
            let areas = launch.saveAreas(model.signature, features: features[0])
            try dump(boot: areas.boot, application: areas.application, count: range.upperBound)
        }
        var facts = facts
        if case .firmware(let application) = launch.reset { facts.append(("resetAddress", .hex(application))) }
        write(lines, facts: facts)
    }

    /// All points of a SEV-ES launch.
    func output(_ launch: SEVLaunch, models: [CPUOptions.Model], facts: [(String, Value)]) throws {
        let range = try range()
        let lines = try models.flatMap { model in
            try launch.points(model.signature, vcpus: range).map { line($0, model: model, features: 0) }
        }
        if dumpVMSA {
            let model = try single(models, of: [0])
            let areas = launch.saveAreas(model.signature)
            try dump(boot: areas.boot, application: areas.application, count: range.upperBound)
        }
        write(lines, facts: facts)
    }

    /// The one point of a SEV launch.
    func output(_ point: LaunchPoint, facts: [(String, Value)]) throws {
        guard !dumpVMSA else { throw CommandFailure("--mode sev has no VMSA to dump", hint: "use seves or snp") }
        guard json || trace else { return write(point.digest) }
        var members: [(String, Value)] = [
            ("mode", .string(mode.rawValue)), ("launchDigest", .string(point.digest.hex)),
        ]
        members += facts
        if trace { members.append(("trace", point.trace.document)) }
        print(ReadableJSON.encode(.object(members)), terminator: "")
    }

    private func line(_ point: LaunchPoint, model: CPUOptions.Model, features: UInt64) -> LaunchLine {
        LaunchLine(
            model: model, features: features, vcpus: point.vcpus, digest: point.digest,
            trace: trace ? point.trace : nil)
    }

    private func single(_ models: [CPUOptions.Model], of features: [UInt64]) throws -> CPUOptions.Model {
        guard models.count == 1, features.count == 1 else {
            throw CommandFailure("--dump-vmsa is for one CPU model and one feature value", hint: "name one of each")
        }
        return models[0]
    }

    private func dump(boot: VMSA, application: VMSA?, count: Int) throws {
        for index in 0..<count {
            try OutputFile.write((index == 0 ? boot : application ?? boot).bytes, to: "vmsa\(index).bin")
        }
    }

    private func text(_ digest: Digest) -> String {
        outputFormat == .hex ? digest.hex : Base64.encode(digest.bytes)
    }

    func write(_ digest: Digest) { print(text(digest)) }

    /// Prints all lines: before each digest stands what varies over them.
    func write(_ lines: [LaunchLine], facts: [(String, Value)]) {
        guard json || trace else {
            let severalModels = Set(lines.map(\.model.name)).count > 1
            let severalFeatures = Set(lines.map(\.features)).count > 1
            let severalCounts = vcpus?.contains("-") == true
            for line in lines {
                var words: [String] = []
                if severalModels { words.append(line.model.name) }
                if severalFeatures { words.append("0x" + String(line.features, radix: 16)) }
                if severalCounts { words.append(String(line.vcpus)) }
                print((words + [text(line.digest)]).joined(separator: " "))
            }
            return
        }
        var members: [(String, Value)] = [("mode", .string(mode.rawValue))]
        if lines.count == 1 {
            members += facts + point(lines[0])
        } else {
            members += facts + [("points", .array(of: lines.map { .object(point($0)) }))]
        }
        print(ReadableJSON.encode(.object(members)), terminator: "")
    }

    private func point(_ line: LaunchLine) -> [(String, Value)] {
        var members: [(String, Value)] = [
            ("launchDigest", .string(line.digest.hex)), ("vcpus", .count(line.vcpus)),
            ("guestFeatures", .hex(line.features)),
        ]
        if vmm.known.usesSignature { members.append(("vcpuSignature", .hex(line.model.signature.rawValue))) }
        if let trace = line.trace { members.append(("trace", trace.document)) }
        return members
    }
}

extension Value {
    /// True, false, or null for what cannot be told.
    static func optional(_ flag: Bool?) -> Value { flag.map { .bool($0) } ?? .null }
}
