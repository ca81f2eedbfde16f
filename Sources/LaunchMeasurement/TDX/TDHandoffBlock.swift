private import Bytes
public import Firmware

/// The hand-off block list that QEMU puts into a TD's memory: the memory map by which the firmware starts (PI 1.8,
/// volume 3, chapter 5; QEMU `hw/i386/tdvf-hob.c`).
public struct TDHandoffBlock: Hashable, Sendable {
    /// A resource descriptor block.
    public struct Range: Hashable, Sendable {
        public var start, length: UInt64
        /// Accepted before the TD starts, because a section of the firmware lies here.
        public var accepted: Bool

        public init(start: UInt64, length: UInt64, accepted: Bool) {
            self.start = start
            self.length = length
            self.accepted = accepted
        }
    }

    /// Guest physical address of the list.
    public var address: UInt64
    /// In the order of addresses.
    public var ranges: [Range]

    /// The list for a q35 machine with `memory` bytes and no limit on those below 4 GiB.
    public init(memory: UInt64, metadata: TDVFMetadata) throws(MeasurementInputError) {
        try self.init(MachineMemory(memory: memory), metadata: metadata)
    }

    /// The list for a q35 machine.
    public init(_ memory: MachineMemory, metadata: TDVFMetadata) throws(MeasurementInputError) {
        ranges = [Range(start: 0, length: memory.low, accepted: false)]
        if memory.high > 0 { ranges.append(Range(start: 1 << 32, length: memory.high, accepted: false)) }
        address = 0
        for section in metadata.sections where section.kind == .tdHOB || section.kind == .tempMem {
            if section.kind == .tdHOB { address = section.address }
            try accept(section)
        }
        ranges.sort { $0.start < $1.start }
    }

    /// Cuts the section out of the unaccepted range that holds it.
    private mutating func accept(_ section: TDVFMetadata.Section) throws(MeasurementInputError) {
        let end = section.address + section.memorySize
        guard
            let index = ranges.firstIndex(where: {
                !$0.accepted && $0.start <= section.address && end <= $0.start + $0.length
            })
        else {
            throw MeasurementInputError(
                "the firmware's \(section.kind) section at \(hexadecimal(section.address)) lies in no free memory",
                hint: "the machine has too little memory for this firmware")
        }
        let old = ranges[index]
        ranges[index] = Range(start: section.address, length: section.memorySize, accepted: true)
        if old.start < section.address {
            ranges.append(Range(start: old.start, length: section.address - old.start, accepted: false))
        }
        if end < old.start + old.length {
            ranges.append(Range(start: end, length: old.start + old.length - end, accepted: false))
        }
    }

    /// The list without its end block: what edk2 hashes.
    public var measuredBytes: [UInt8] {
        var writer = ByteWriter()
        let size = 56 + 48 * ranges.count
        // EFI_HOB_HANDOFF_INFO_TABLE: memory bounds are left zero.
        writer.append(UInt16(1))
        writer.append(UInt16(56))
        writer.append(UInt32(0))
        writer.append(UInt32(9))
        writer.append(repeating: 0, count: 4 + 4 * 8)
        writer.append(address + UInt64(size) + 8)
        for range in ranges {
            // EFI_HOB_RESOURCE_DESCRIPTOR: system memory or unaccepted memory; present, initialised, tested.
            writer.append(UInt16(3))
            writer.append(UInt16(48))
            writer.append(repeating: 0, count: 4 + 16)
            writer.append(UInt32(range.accepted ? 0 : 7))
            writer.append(UInt32(7))
            writer.append(range.start)
            writer.append(range.length)
        }
        return writer.bytes
    }
}
