/// Parity of many words at a time, fed one symbol of each: the inner loop of error correction.
///
/// A column's parity is kept in 64-bit words, the highest power in the lowest byte of the first, so that a step of the
/// division by the generator is one shift and one look-up for each eight roots.
struct ParityRegister {
    private let wordsPerColumn: Int
    private let roots: Int
    /// The generator's multiples by each symbol, `wordsPerColumn` a symbol.
    private let multiples: [UInt64]
    private var state: [UInt64]
    private let columns: Int

    init(_ code: ReedSolomonCode, columns: Int) {
        roots = code.roots
        wordsPerColumn = (code.roots + 7) / 8
        self.columns = columns
        state = [UInt64](repeating: 0, count: columns * wordsPerColumn)
        var multiples = [UInt64](repeating: 0, count: 256 * wordsPerColumn)
        for symbol in 0..<256 {
            for (index, coefficient) in code.generator.enumerated() {
                let product = UInt64(GaloisField.verity.multiply(UInt8(symbol), coefficient))
                multiples[symbol * wordsPerColumn + index / 8] |= product << UInt64(index % 8 * 8)
            }
        }
        self.multiples = multiples
    }

    /// Takes the next symbol of each of the first `symbols.count` columns.
    mutating func feed(_ symbols: [UInt8]) {
        let count = min(symbols.count, columns)
        let width = wordsPerColumn
        unsafe symbols.withUnsafeBufferPointer { symbols in
            unsafe state.withUnsafeMutableBufferPointer { state in
                unsafe multiples.withUnsafeBufferPointer { multiples in
                    if width == 1 {
                        for column in 0..<count {
                            let value = unsafe state[column]
                            let feedback = unsafe Int(symbols[column] ^ UInt8(truncatingIfNeeded: value))
                            unsafe state[column] = value &>> 8 ^ multiples[feedback]
                        }
                        return
                    }
                    for column in 0..<count {
                        let base = column &* width
                        let feedback = unsafe Int(symbols[column] ^ UInt8(truncatingIfNeeded: state[base])) &* width
                        for word in 0..<width {
                            let above = unsafe word &+ 1 < width ? state[base &+ word &+ 1] : 0
                            unsafe state[base &+ word] =
                                state[base &+ word] &>> 8 ^ above &<< 56 ^ multiples[feedback &+ word]
                        }
                    }
                }
            }
        }
    }

    /// The parity, `roots` bytes a column.
    var parity: [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(columns * roots)
        for column in 0..<columns {
            for index in 0..<roots {
                let word = state[column * wordsPerColumn + index / 8]
                result.append(UInt8(truncatingIfNeeded: word >> UInt64(index % 8 * 8)))
            }
        }
        return result
    }
}
