private import Bytes
import Firmware

/// The hand-off block list that Google's VMM puts into a TD's memory (PI 1.8, volume 3, chapter 5).
///
/// It differs from QEMU's in its order (all sections as the descriptor has them, then what is left of memory), in the end
/// address, which is that of the end block, and in a flag for memory that the firmware accepts. Origin: gce-tcb-verifier.
struct GoogleHandoffBlock {
    /// Sizes of the machines whose memory map is known, C3 standard, in GiB.
    static let knownSizes: [UInt64] = [16, 32, 88, 176, 352, 704]
    private static let nodeSize: UInt64 = 176 << 30
    private static let low: UInt64 = 3 << 30
    private static let high: UInt64 = 1 << 32
    /// EFI_RESOURCE_ATTRIBUTE_… present, initialised, tested; and, outside the specification, accepted early.
    private static let attributes: UInt32 = 7
    private static let earlyAccept: UInt32 = 0x1000_0000

    private typealias Range = (start: UInt64, end: UInt64)
    private let address: UInt64
    private let sections: [Range]
    private let unaccepted: [Range]
    private let acceptEarly: Bool

    init(memory: UInt64, acceptEarly: Bool, metadata: TDVFMetadata) throws(MeasurementInputError) {
        guard Self.knownSizes.contains(where: { $0 << 30 == memory }) else {
            throw MeasurementInputError(
                "\(memory) bytes: the memory map of such a machine of Google Compute Engine is not known",
                hint: "give one of \(Self.knownSizes.map { "\($0)G" }.joined(separator: ", "))")
        }
        self.acceptEarly = acceptEarly
        address = metadata.sections.first { $0.kind == .tdHOB }?.address ?? 0
        sections = metadata.sections.map { ($0.address, $0.address + $0.memorySize) }
        let taken = sections.filter { $0.start < $0.end }.sorted { $0.start < $1.start }
        unaccepted = Self.banks(memory).flatMap { Self.rest(of: $0, without: taken) }
    }

    /// Three GiB below, two MiB for the firmware, and the rest from 4 GiB on by NUMA nodes of 176 GiB.
    private static func banks(_ memory: UInt64) -> [Range] {
        var banks: [Range] = [(0, low), (high - (2 << 20), high)]
        var start = high
        var left = memory - low
        var room = nodeSize - low
        while left > 0 {
            let count = min(left, room)
            banks.append((start, start + count))
            start += count
            left -= count
            room = nodeSize
        }
        return banks
    }

    private static func rest(of bank: Range, without taken: [Range]) -> [Range] {
        var result: [Range] = []
        var start = bank.start
        for range in taken where range.end > bank.start && range.start < bank.end {
            if range.start > start { result.append((start, range.start)) }
            start = max(start, range.end)
        }
        if start < bank.end { result.append((start, bank.end)) }
        return result
    }

    /// The whole list with its end block.
    var bytes: [UInt8] {
        var writer = ByteWriter()
        // EFI_HOB_HANDOFF_INFO_TABLE: memory bounds are left zero.
        writer.append(UInt16(1))
        writer.append(UInt16(56))
        writer.append(UInt32(0))
        writer.append(UInt32(9))
        writer.append(repeating: 0, count: 4 + 4 * 8)
        writer.append(address + 56 + 48 * UInt64(sections.count + unaccepted.count))
        for range in sections { Self.append(range, type: 0, attributes: Self.attributes, to: &writer) }
        for range in unaccepted {
            let early = acceptEarly || range.end <= Self.high
            Self.append(
                range, type: 7, attributes: early ? Self.attributes | Self.earlyAccept : Self.attributes, to: &writer)
        }
        writer.append(UInt16(0xFFFF))
        writer.append(UInt16(8))
        writer.append(UInt32(0))
        return writer.bytes
    }

    /// EFI_HOB_RESOURCE_DESCRIPTOR: type 0 is system memory, 7 unaccepted memory.
    private static func append(_ range: Range, type: UInt32, attributes: UInt32, to writer: inout ByteWriter) {
        writer.append(UInt16(3))
        writer.append(UInt16(48))
        writer.append(repeating: 0, count: 4 + 16)
        writer.append(type)
        writer.append(attributes)
        writer.append(range.start)
        writer.append(range.end - range.start)
    }
}
