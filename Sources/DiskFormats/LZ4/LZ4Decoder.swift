/// Decompresses LZ4 blocks that come from anywhere.
enum LZ4Decoder {
    /// The contents of a block; nil if it is not well-formed, or would give more than `limit` bytes.
    ///
    /// A block that is followed by something else is read up to `limit` bytes and cut there, as Linux does it.
    static func decode(_ block: [UInt8], limit: Int, cutsAtLimit: Bool = false) -> [UInt8]? {
        var output: [UInt8] = []
        output.reserveCapacity(min(limit, block.count * 4))
        var position = 0
        func length(_ nibble: Int) -> Int? {
            guard nibble == 15 else { return nibble }
            var total = 15
            while position < block.count {
                let byte = Int(block[position])
                position += 1
                total += byte
                if byte != 255 { return total }
                guard total <= limit + 15 else { return nil }
            }
            return nil
        }
        while position < block.count {
            let token = Int(block[position])
            position += 1
            guard let literals = length(token >> 4), literals <= block.count - position else { return nil }
            guard output.count + literals <= limit else {
                guard cutsAtLimit else { return nil }
                return output + block[position..<position + limit - output.count]
            }
            output += block[position..<position + literals]
            position += literals
            if position == block.count { return token & 15 == 0 ? output : nil }
            guard block.count - position >= 2 else { return nil }
            let distance = Int(block[position]) | Int(block[position + 1]) << 8
            position += 2
            guard distance > 0, distance <= output.count, let match = length(token & 15) else { return nil }
            var left = match + 4
            if output.count + left > limit {
                guard cutsAtLimit else { return nil }
                left = limit - output.count
            }
            append(left, from: distance, to: &output)
            if cutsAtLimit, output.count == limit { return output }
        }
        return nil
    }

    /// A match may overlap what it makes: what is there already then repeats.
    private static func append(_ count: Int, from distance: Int, to output: inout [UInt8]) {
        let start = output.count - distance
        var left = count
        while left > 0 {
            let piece = min(left, output.count - start)
            output += output[start..<start + piece]
            left -= piece
        }
    }
}
