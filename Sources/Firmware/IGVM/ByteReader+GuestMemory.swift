import Bytes

extension ByteReader {
    /// Reads an address or size that must be a multiple of 4096.
    mutating func pages<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ field: String
    ) throws(FormatError) -> T {
        try aligned(field, to: 4096)
    }

    /// Reads an address or size that must be a multiple of `alignment`, which is not 0.
    mutating func aligned<T: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ field: String, to alignment: T
    ) throws(FormatError) -> T {
        let place = position
        let value: T = try read(field)
        guard value.isMultiple(of: alignment) else {
            throw error(
                field, found: hexadecimal(value), expected: "a multiple of \(hexadecimal(alignment))", at: place)
        }
        return value
    }

    /// Requires that a range of guest memory ends at or below 2^52, the most that x86 processors address.
    func requireRange(_ gpa: UInt64, _ size: UInt64, _ field: String) throws(FormatError) {
        guard gpa <= 1 << 52, size <= (1 << 52) - gpa else {
            throw error(
                field, found: "\(hexadecimal(gpa)) + \(hexadecimal(size))", expected: "a range below 2^52", at: 0)
        }
    }
}
