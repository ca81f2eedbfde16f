public import Firmware

/// A machine of a profile: the tables that it hands to its firmware, and its shape where it is not the profile's own.
public struct ProfileMachine: Sendable {
    public var blobs: [String: [UInt8]]
    public var shape: ACPIMachineShape?
    /// The number of processors of the machine that the profile describes.
    public var profileProcessors: Int?

    public init(blobs: [String: [UInt8]], shape: ACPIMachineShape? = nil, profileProcessors: Int? = nil) {
        self.blobs = blobs
        self.shape = shape
        self.profileProcessors = profileProcessors
    }

    /// CPUID leaf 1 EDX: bit 28 is there when a package has several logical processors.
    func features(of processor: TDXSection.Processor) -> UInt32 {
        guard let shape, shape.processors == 1, profileProcessors != 1 else { return processor.features }
        return processor.features & ~(1 << 28)
    }

    /// The axes `vcpus` and `memory` of a machine with a shape.
    public var axes: [Measurement.Axis] {
        guard let shape else { return [] }
        return [.init("vcpus", String(shape.processors)), .init("memory", shape.memoryText)]
    }
}

extension ACPIMachineShape {
    /// The size of memory as options take it: `2G`, or `2816M`.
    public var memoryText: String {
        memory.isMultiple(of: 1 << 30) ? "\(memory >> 30)G" : "\(memory >> 20)M"
    }
}
