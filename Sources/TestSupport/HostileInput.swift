import Bytes

/// What an attacker does to a file: changes of valid bytes, each made anew from the valid ones.
///
/// A parser must read each or refuse it with an error of its own type; a trap ends the test run, and the label of the last
/// change stands in the failure of whoever replays the seed.
public enum HostileInput {
    /// Every byte at `offsets` set to zero, to ones, and with its lowest and highest bit turned; with `inTurn` one of these
    /// a byte, for input whose reading takes its time.
    public static func everyByte(
        of valid: [UInt8], at offsets: Range<Int>? = nil, inTurn: Bool = false,
        _ body: (_ label: String, [UInt8]) throws -> Void
    ) rethrows {
        var bytes = valid
        for offset in (offsets ?? valid.indices).clamped(to: valid.indices) {
            let saved = valid[offset]
            let values = [saved ^ 1, 0, saved ^ 0x80, 0xFF]
            for value in inTurn ? [values[offset % 4]] : values where value != saved {
                bytes[offset] = value
                try body("byte \(offset) is \(value)", bytes)
            }
            bytes[offset] = saved
        }
    }

    /// Every prefix, in steps so that there are about `limit` at most, and the valid bytes with more behind them.
    public static func everyLength(
        of valid: [UInt8], limit: Int = 600, _ body: (_ label: String, [UInt8]) throws -> Void
    ) rethrows {
        for count in stride(from: 0, to: valid.count, by: max(1, valid.count / limit)) {
            try body("\(count) of \(valid.count) bytes", Array(valid.prefix(count)))
        }
        for count in [1, 4, 4096] {
            try body("\(count) zeros more", valid + [UInt8](repeating: 0, count: count))
            try body("\(count) bytes 0xFF more", valid + [UInt8](repeating: 0xFF, count: count))
        }
    }

    /// At every offset a number of 2, 4 and 8 bytes that breaks sums, for lengths and counts wherever they are; in turn all
    /// ones, the sign alone at either end, all ones but the sign and but the last.
    public static func everyNumber(
        of valid: [UInt8], at offsets: Range<Int>? = nil, _ body: (_ label: String, [UInt8]) throws -> Void
    ) rethrows {
        for offset in (offsets ?? valid.indices).clamped(to: valid.indices) {
            for (turn, width) in [2, 4, 8].enumerated() where offset + width <= valid.count {
                let ones = [UInt8](repeating: 0xFF, count: width)
                let zeros = [UInt8](repeating: 0, count: width - 1)
                let numbers = [
                    ones, zeros + [0x80], [0x80] + zeros, ones.dropLast() + [0x7F], [0x7F] + ones.dropLast(),
                    [0xFE] + ones.dropFirst(), ones.dropLast() + [0xFE],
                ]
                let number = numbers[(offset + turn) % numbers.count]
                var bytes = valid
                bytes.replaceSubrange(offset..<offset + width, with: number)
                try body("\(number.hex) at \(offset)", bytes)
            }
        }
    }

    /// `rounds` random changes of the valid bytes within `offsets`, and random bytes alone.
    public static func random(
        _ valid: [UInt8], at offsets: Range<Int>? = nil, seed: UInt64, rounds: Int,
        _ body: (_ label: String, [UInt8]) throws -> Void
    ) rethrows {
        var generator = SeededGenerator(seed: seed)
        let places = (offsets ?? valid.indices).clamped(to: valid.indices)
        for round in 0..<rounds {
            let label = "seed \(seed), round \(round)"
            if round.isMultiple(of: 8) || places.isEmpty {
                try body(label, generator.bytes(Int.random(in: 0...512, using: &generator)))
                continue
            }
            var bytes = valid
            for _ in 0..<Int.random(in: 1...4, using: &generator) { change(&bytes, places, &generator) }
            try body(label, bytes)
        }
    }

    /// Numbers at which lengths, counts and offsets break.
    private static let edges: [UInt64] = [
        0, 1, 2, 3, 7, 0x7F, 0x80, 0xFF, 0x100, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
        0xFFFF_FFF8, 0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, .max - 7, .max,
    ]

    private static func change(_ bytes: inout [UInt8], _ places: Range<Int>, _ generator: inout SeededGenerator) {
        let upper = min(places.upperBound, bytes.count)
        guard places.lowerBound < upper else { return }
        let offset = Int.random(in: places.lowerBound..<upper, using: &generator)
        let room = bytes.count - offset
        switch Int.random(in: 0..<7, using: &generator) {
        case 0: bytes[offset] = UInt8.random(in: 0...255, using: &generator)
        case 1, 2:
            let edge = edges[Int.random(in: edges.indices, using: &generator)]
            let width = min([1, 2, 4, 8][Int.random(in: 0..<4, using: &generator)], room)
            for index in 0..<width { bytes[offset + index] = UInt8(truncatingIfNeeded: edge >> UInt64(8 * index)) }
        case 3: bytes.removeSubrange(offset..<offset + Int.random(in: 1...min(room, 64), using: &generator))
        case 4:
            let piece = bytes[offset..<offset + Int.random(in: 1...min(room, 64), using: &generator)]
            bytes.insert(contentsOf: piece, at: offset)
        case 5:
            for index in offset..<offset + Int.random(in: 1...min(room, 16), using: &generator) { bytes[index] = 0xFF }
        default: bytes.removeSubrange(offset...)
        }
    }
}
