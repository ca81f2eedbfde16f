/// GF(2^8) over x^8 + x^4 + x^3 + x^2 + 1 with α = 2: the field of dm-verity's error correction
/// (Linux, drivers/md/dm-verity-fec.c, `init_rs(8, 0x11d, 0, 1, roots)`).
struct GaloisField: Sendable {
    /// α^i, twice around, so that a sum of two logarithms needs no remainder.
    private let exponents: [UInt8]
    /// i of α^i; the entry of 0 has no meaning.
    private let logarithms: [Int]

    static let verity = GaloisField()

    private init() {
        var exponents = [UInt8](repeating: 0, count: 510)
        var logarithms = [Int](repeating: 0, count: 256)
        var value = 1
        for power in 0..<255 {
            exponents[power] = UInt8(value)
            exponents[power + 255] = UInt8(value)
            logarithms[value] = power
            value <<= 1
            if value > 255 { value ^= 0x11D }
        }
        self.exponents = exponents
        self.logarithms = logarithms
    }

    /// α^n for any n.
    func power(_ n: Int) -> UInt8 { exponents[((n % 255) + 255) % 255] }

    func multiply(_ a: UInt8, _ b: UInt8) -> UInt8 {
        a == 0 || b == 0 ? 0 : exponents[logarithms[Int(a)] + logarithms[Int(b)]]
    }

    /// a / b for b that is not 0.
    func divide(_ a: UInt8, _ b: UInt8) -> UInt8 {
        a == 0 ? 0 : exponents[logarithms[Int(a)] + 255 - logarithms[Int(b)]]
    }

    /// The value at `x` of a polynomial whose constant term comes first.
    func value(of polynomial: [UInt8], at x: UInt8) -> UInt8 {
        var sum: UInt8 = 0
        for coefficient in polynomial.reversed() { sum = multiply(sum, x) ^ coefficient }
        return sum
    }

    /// A product of polynomials, constant terms first.
    func multiply(_ a: [UInt8], _ b: [UInt8]) -> [UInt8] {
        guard !a.isEmpty, !b.isEmpty else { return [] }
        var product = [UInt8](repeating: 0, count: a.count + b.count - 1)
        for (i, left) in a.enumerated() where left != 0 {
            for (j, right) in b.enumerated() { product[i + j] ^= multiply(left, right) }
        }
        return product
    }
}
