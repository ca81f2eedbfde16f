/// The systematic Reed-Solomon code RS(255, 255 − roots) over `GaloisField.verity`, first root α^0.
///
/// The first symbol of a word is the coefficient of the highest power; the parity stands last.
struct ReedSolomonCode: Sendable {
    static let wordLength = 255

    /// Parity symbols of a word.
    let roots: Int
    /// Message symbols of a word.
    var messageLength: Int { Self.wordLength - roots }
    /// Coefficients of the generator polynomial without its leading 1, highest power first.
    let generator: [UInt8]

    private static let field = GaloisField.verity

    init(roots: Int) {
        self.roots = roots
        var polynomial: [UInt8] = [1]
        for root in 0..<roots { polynomial = Self.field.multiply(polynomial, [Self.field.power(root), 1]) }
        generator = polynomial.dropLast().reversed()
    }

    /// Mends a word of 255 symbols in place.
    ///
    /// `erased` positions may have any value. With s of them and e further errors, 2e + s must not exceed `roots`.
    ///
    /// - Returns: the positions that were changed, or nil (and the word as it was) if the word is beyond repair.
    func mend(_ word: inout [UInt8], erased: [Int]) -> [Int]? {
        let syndromes = syndromes(of: word)
        guard syndromes.contains(where: { $0 != 0 }) else { return [] }
        guard erased.count <= roots, let locator = locator(syndromes, erased) else { return nil }
        let field = Self.field
        let positions = (0..<Self.wordLength).filter {
            field.value(of: locator, at: field.power(-Self.power(of: $0))) == 0
        }
        guard positions.count == locator.count - 1 else { return nil }
        let evaluator = Array(field.multiply(syndromes, locator).prefix(roots))
        // The derivative over a field of characteristic 2 keeps the odd powers alone.
        let derivative = locator.indices.dropFirst().map { $0 % 2 == 1 ? locator[$0] : 0 }
        var mended = word
        for position in positions {
            let inverse = field.power(-Self.power(of: position))
            let slope = field.value(of: Array(derivative), at: inverse)
            guard slope != 0 else { return nil }
            // Forney's formula for first root α^0.
            let ratio = field.divide(field.value(of: evaluator, at: inverse), slope)
            mended[position] ^= field.multiply(field.power(Self.power(of: position)), ratio)
        }
        guard self.syndromes(of: mended).allSatisfy({ $0 == 0 }) else { return nil }
        let changed = positions.filter { word[$0] != mended[$0] }
        word = mended
        return changed
    }

    private static func power(of position: Int) -> Int { wordLength - 1 - position }

    /// The word's values at the roots, α^0 first; all zero for a word of the code.
    private func syndromes(of word: [UInt8]) -> [UInt8] {
        (0..<roots).map { root in
            let x = Self.field.power(root)
            var sum: UInt8 = 0
            for symbol in word { sum = Self.field.multiply(sum, x) ^ symbol }
            return sum
        }
    }

    /// The polynomial whose roots are the inverse places of erasures and errors (Berlekamp and Massey's algorithm,
    /// started from the erasures); nil if there are more than the code can tell.
    private func locator(_ syndromes: [UInt8], _ erased: [Int]) -> [UInt8]? {
        let field = Self.field
        var locator: [UInt8] = [1]
        for position in erased { locator = field.multiply(locator, [1, field.power(Self.power(of: position))]) }
        var previous = locator
        var length = erased.count
        for step in erased.count..<roots {
            var discrepancy: UInt8 = 0
            for (index, coefficient) in locator.enumerated() where index <= step {
                discrepancy ^= field.multiply(coefficient, syndromes[step - index])
            }
            previous.insert(0, at: 0)
            guard discrepancy != 0 else { continue }
            var next = locator + repeatElement(0, count: max(0, previous.count - locator.count))
            for (index, coefficient) in previous.enumerated() {
                next[index] ^= field.multiply(discrepancy, coefficient)
            }
            if 2 * length <= step + erased.count {
                length = step + 1 + erased.count - length
                previous = locator.map { field.divide($0, discrepancy) }
            }
            locator = next
        }
        while locator.last == 0 { locator.removeLast() }
        return locator.count - 1 == length && 2 * length <= roots + erased.count ? locator : nil
    }
}
