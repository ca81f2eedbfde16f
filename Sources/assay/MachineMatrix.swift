import Firmware
import Hashing
import LaunchMeasurement
import Release

/// The machines of a profile that options ask for: every number of vCPUs with every size of memory.
struct MachineMatrix {
    /// Each machine with its tables; without a shape it is the profile's own.
    let machines: [ProfileMachine]

    /// - Parameters:
    ///   - acpi: `DIR` with items of the profile's own machine, or `qemu:BINARY`; nil for those that the profile pins.
    ///   - vcpus: a list such as `1,2` or `1-64`; nil for the profile's number.
    ///   - memory: a list such as `1G,2G`; nil for the profile's size.
    init(_ pinned: PlatformFolder, acpi: String?, vcpus: String?, memory: String?) throws {
        guard acpi != nil || vcpus != nil || memory != nil else {
            machines = [.init(blobs: pinned.blobs)]
            return
        }
        guard let capture = pinned.profile.capture else {
            throw CommandFailure(
                "\(pinned.path)/profile.yaml: it has no 'capture' section",
                hint: "without the machine's arguments there is no other machine of this profile")
        }
        let own = try ACPIMachineShape(arguments: capture.arguments)
        let sizes = try memory.map { try ShapeOptions.sizes($0) } ?? [own.memory]
        let counts = try vcpus.map { try ShapeOptions.counts($0) } ?? [own.processors]
        let shapes = counts.flatMap { count in sizes.map { ACPIMachineShape(processors: count, memory: $0) } }
        guard Set(shapes).count == shapes.count else {
            throw CommandFailure("--vcpus or --memory: a machine is asked for twice", hint: "give each value once")
        }
        let given = try acpi.flatMap {
            try $0.hasPrefix("qemu:") ? nil : MachineBlobs.load($0, profile: pinned.profile)
        }
        let named = vcpus != nil || memory != nil
        machines = try shapes.map { shape in
            var folder = pinned
            if let given { folder.blobs.merge(given) { $1 } }
            let blobs: [String: [UInt8]] =
                if let acpi, given == nil {
                    try MachineBlobs.load(acpi, profile: pinned.profile, shape: shape)
                } else {
                    try MachineBlobs.pinned(folder, shape: shape)
                }
            return .init(blobs: blobs, shape: named ? shape : nil, profileProcessors: own.processors)
        }
    }

    /// The one machine that a log can be of.
    func only() throws -> ProfileMachine {
        guard machines.count == 1, let machine = machines.first else {
            throw CommandFailure(
                "--eventlog: a log is of one machine, and these are \(machines.count)",
                hint: "give one number of vCPUs and one size of memory")
        }
        return machine
    }
}

/// Points as lines for people: what all share once, then a line each.
struct PointLines {
    let text: String

    init(_ points: [Measurement]) {
        let first = points.first?.registers ?? []
        let shared = first.filter { register in points.allSatisfy { $0.registers.contains(register) } }
        var lines = shared.map { "\($0.name) \($0.digest.hex)" }
        for point in points {
            let axes = point.axes.map { "\($0.name)=\($0.value)" }
            let own = point.registers.filter { !shared.contains($0) }.map { "\($0.name) \($0.digest.hex)" }
            if !own.isEmpty { lines.append((axes + own).joined(separator: " ")) }
        }
        text = lines.map { $0 + "\n" }.joined()
    }
}
