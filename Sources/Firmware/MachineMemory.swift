/// RAM of a q35 machine, and how QEMU splits it at 4 GiB (QEMU `hw/i386/pc_q35.c`, `pc_q35_init`).
public struct MachineMemory: Hashable, Sendable {
    /// All RAM in bytes.
    public var memory: UInt64
    /// Machine property `max-ram-below-4g` in bytes; nil where it is not given.
    public var maximumBelow4G: UInt64?

    public init(memory: UInt64, maximumBelow4G: UInt64? = nil) {
        self.memory = memory
        self.maximumBelow4G = maximumBelow4G
    }

    /// RAM below 4 GiB: all of it if there is less than 2.75 GiB, else 2 GiB, and never more than the property says.
    public var low: UInt64 {
        let limit: UInt64 = memory >= 0xB000_0000 ? 0x8000_0000 : 0xB000_0000
        return min(memory, limit, maximumBelow4G ?? limit)
    }

    /// RAM from 4 GiB on.
    public var high: UInt64 { memory - low }
}
