/// The order of versions in which systemd's boot loader puts entries (UAPI.10, Version Format Specification; systemd,
/// `strverscmp_improved`).
enum VersionOrder {
    /// Negative if `a` is older, positive if it is newer, zero if nothing tells them apart.
    static func compare(_ a: String, _ b: String) -> Int {
        var a = Array(a.utf8)[...]
        var b = Array(b.utf8)[...]
        while true {
            a = a.drop { !isPart($0) }
            b = b.drop { !isPart($0) }
            // A tilde makes a version older than the one without it, even than its end.
            if let order = pass("~", &a, &b) { return order }
            if a.isEmpty || b.isEmpty { return (a.isEmpty ? 0 : 1) - (b.isEmpty ? 0 : 1) }
            for mark in ["-", "^", "."] {
                if let order = pass(mark, &a, &b) { return order }
            }
            let isNumber = a.first.map(isDigit) == true || b.first.map(isDigit) == true
            let first = a.prefix { isNumber ? isDigit($0) : isLetter($0) }
            let second = b.prefix { isNumber ? isDigit($0) : isLetter($0) }
            let order = isNumber ? numbers(first, second) : letters(first, second)
            guard order == 0 else { return order }
            a = a.dropFirst(first.count)
            b = b.dropFirst(second.count)
        }
    }

    /// Passes over a mark at the start of either; the one that has it alone is older.
    private static func pass(_ mark: String, _ a: inout ArraySlice<UInt8>, _ b: inout ArraySlice<UInt8>) -> Int? {
        let byte = Array(mark.utf8)[0]
        let order = (a.first == byte ? 0 : 1) - (b.first == byte ? 0 : 1)
        guard order == 0 else { return order }
        if a.first == byte {
            a = a.dropFirst()
            b = b.dropFirst()
        }
        return nil
    }

    /// Digits by value, without limit; none at all is older than any.
    private static func numbers(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Int {
        if a.isEmpty != b.isEmpty { return a.isEmpty ? -1 : 1 }
        let first = a.drop { $0 == 0x30 }
        let second = b.drop { $0 == 0x30 }
        if first.count != second.count { return first.count < second.count ? -1 : 1 }
        return bytes(first, second)
    }

    /// Letters by their common part, then the longer is newer.
    private static func letters(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Int {
        let common = min(a.count, b.count)
        let order = bytes(a.prefix(common), b.prefix(common))
        return order != 0 ? order : a.count < b.count ? -1 : a.count > b.count ? 1 : 0
    }

    private static func bytes(_ a: ArraySlice<UInt8>, _ b: ArraySlice<UInt8>) -> Int {
        a.elementsEqual(b) ? 0 : a.lexicographicallyPrecedes(b) ? -1 : 1
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) && byte < 0x80 }
    private static func isPart(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLetter(byte) || [0x7E, 0x2D, 0x5E, 0x2E].contains(byte)
    }
}
