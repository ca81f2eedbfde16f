private import Glibc

extension Array where Element == UInt8 {
    /// Offset of the first place at or after `start` where `pattern` stands; nil if there is none or it is empty.
    public func firstOffset(of pattern: [UInt8], from start: Int = 0) -> Int? {
        guard let first = pattern.first, start >= 0, count - start >= pattern.count else { return nil }
        return unsafe withUnsafeBytes { bytes -> Int? in
            guard let base = bytes.baseAddress else { return nil }
            var offset = start
            let end = count - pattern.count + 1
            while offset < end {
                guard let hit = unsafe memchr(base + offset, Int32(first), end - offset) else { return nil }
                let found = unsafe UnsafeRawPointer(hit) - base
                let equal = unsafe pattern.withUnsafeBytes { pattern in
                    guard let start = pattern.baseAddress else { return false }
                    return unsafe memcmp(base + found, start, pattern.count) == 0
                }
                if equal { return found }
                offset = found + 1
            }
            return nil
        }
    }
}
