/// Compresses into LZ4 blocks of bounded size (LZ4 block format description 1.6).
///
/// The bytes are fixed by the input alone: they belong to a format revision of whoever writes them, so nothing here
/// changes without a new one.
struct LZ4Encoder {
    /// Shortest match (LZ4 block format, "Compressed block format").
    private static let minimumMatch = 4
    /// The last match starts 12 bytes or more before the end of a block, and its last 5 bytes are literals.
    private static let matchStartMargin = 12
    private static let literalTail = 5
    private static let maximumDistance = 65_535
    private static let tableBits: UInt32 = 14

    /// The position after the one where four bytes were last seen, by their hash; entries of what was compressed before
    /// are told by their position.
    private var table = [UInt32](repeating: 0, count: 1 << tableBits)

    /// Forgets everything, for a new source.
    mutating func reset() {
        for index in table.indices { table[index] = 0 }
    }

    /// Compresses as much of `source` from `start` on as gives at most `capacity` bytes, and appends them to `output`.
    ///
    /// Calls for one source must go forward through it, with one `reset` before the first.
    ///
    /// - Returns: the number of bytes of `source` that went in.
    mutating func compress(
        _ source: [UInt8], from start: Int, capacity: Int, into output: inout [UInt8]
    ) -> Int {
        var block = LZ4BlockWriter(capacity: capacity, anchor: start)
        unsafe source.withUnsafeBufferPointer { source in
            unsafe table.withUnsafeMutableBufferPointer { table in
                unsafe Self.fill(&block, source, start, table)
            }
        }
        output += block.bytes
        return block.anchor - start
    }

    private static func fill(
        _ block: inout LZ4BlockWriter, _ source: UnsafeBufferPointer<UInt8>, _ start: Int,
        _ table: UnsafeMutableBufferPointer<UInt32>
    ) {
        let end = source.count
        var position = start
        // Where nothing matches, steps grow, as data that does not compress is not worth the search.
        var misses = 0
        while position <= end - matchStartMargin {
            let sequence = unsafe word(source, position)
            let slot = hash(sequence)
            let candidate = unsafe Int(table[slot]) - 1
            unsafe table[slot] = UInt32(truncatingIfNeeded: position + 1)
            guard candidate >= start, candidate < position, position - candidate <= maximumDistance,
                unsafe word(source, candidate) == sequence
            else {
                misses += 1
                position += 1 + misses >> 6
                continue
            }
            misses = 0
            var first = position
            var from = candidate
            while unsafe first > block.anchor && from > start && source[first - 1] == source[from - 1] {
                first -= 1
                from -= 1
            }
            var length = position - first + minimumMatch
            let limit = end - literalTail
            while unsafe first + length < limit && source[first + length] == source[from + length] { length += 1 }
            // A match that ends sooner than the margin wants leaves more literals behind it.
            let tail = max(literalTail, matchStartMargin - length)
            guard let taken = unsafe block.append(source, matchAt: first, distance: first - from, length, tail: tail)
            else { break }
            position = block.anchor
            guard taken == length else { break }
            if position - 2 > first, position <= end - matchStartMargin {
                let inside = unsafe word(source, position - 2)
                unsafe table[hash(inside)] = UInt32(truncatingIfNeeded: position - 1)
            }
        }
        unsafe block.finish(source)
    }

    @inline(__always)
    private static func word(_ source: UnsafeBufferPointer<UInt8>, _ position: Int) -> UInt32 {
        guard let base = source.baseAddress else { return 0 }
        return unsafe UnsafeRawPointer(base).loadUnaligned(fromByteOffset: position, as: UInt32.self)
    }

    /// Knuth's multiplicative hash, the upper bits.
    @inline(__always)
    private static func hash(_ sequence: UInt32) -> Int {
        Int((UInt32(littleEndian: sequence) &* 2_654_435_761) >> (32 - tableBits))
    }
}

/// One LZ4 block while it is written: sequences of literals and a match, at the end literals alone.
struct LZ4BlockWriter {
    private(set) var bytes: [UInt8] = []
    private let capacity: Int
    /// Start of what was not written yet.
    private(set) var anchor: Int

    init(capacity: Int, anchor: Int) {
        self.capacity = capacity
        self.anchor = anchor
        bytes.reserveCapacity(capacity)
    }

    /// Bytes that a length takes beside the four bits in the token.
    private static func extensionCount(_ length: Int) -> Int { length < 15 ? 0 : (length - 15) / 255 + 1 }

    /// Appends the literals up to a match, and the match; `tail` literals must still find room behind it.
    ///
    /// - Returns: the length of the match as it was written, less than asked for if the room ends; nil if there is none.
    mutating func append(
        _ source: UnsafeBufferPointer<UInt8>, matchAt first: Int, distance: Int, _ length: Int, tail: Int
    ) -> Int? {
        let literals = first - anchor
        let fixed = bytes.count + 1 + Self.extensionCount(literals) + literals + 2 + 1 + tail
        let room = capacity - fixed
        guard room >= 0 else { return nil }
        // Without extension 18 bytes match, with n of them 14 + 4 + 255 · n.
        let taken = min(length, 18 + 255 * room)
        appendToken(literals: literals, match: taken - 4)
        unsafe appendLiterals(source, literals)
        bytes.append(UInt8(truncatingIfNeeded: distance))
        bytes.append(UInt8(truncatingIfNeeded: distance >> 8))
        appendExtension(taken - 4)
        anchor = first + taken
        return taken
    }

    /// Ends the block with as many literals as there are and have room.
    mutating func finish(_ source: UnsafeBufferPointer<UInt8>) {
        let room = capacity - bytes.count
        var literals = min(source.count - anchor, room - 1)
        while literals > 0, 1 + Self.extensionCount(literals) + literals > room { literals -= 1 }
        guard literals > 0 else { return }
        appendToken(literals: literals, match: 0)
        unsafe appendLiterals(source, literals)
        anchor += literals
    }

    private mutating func appendToken(literals: Int, match: Int) {
        bytes.append(UInt8(min(literals, 15)) << 4 | UInt8(min(match, 15)))
        appendExtension(literals)
    }

    private mutating func appendExtension(_ length: Int) {
        guard length >= 15 else { return }
        var left = length - 15
        while left >= 255 {
            bytes.append(255)
            left -= 255
        }
        bytes.append(UInt8(left))
    }

    private mutating func appendLiterals(_ source: UnsafeBufferPointer<UInt8>, _ count: Int) {
        guard count > 0 else { return }
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(rebasing: source[anchor..<anchor + count]))
    }
}
