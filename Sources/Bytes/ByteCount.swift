/// Reads a size as people write it: decimal or `0x` digits, then nothing or K, M, G, T (powers of 1024, `iB` allowed).
///
/// Nil for anything else, for a negative number, and for one that does not fit `Int`.
public func parseByteCount(_ text: String) -> Int? {
    var digits = Substring(text)
    var factor = 1
    for (index, suffix) in ["K", "M", "G", "T"].enumerated() {
        for spelling in [suffix + "iB", suffix] where digits.uppercased().hasSuffix(spelling.uppercased()) {
            if digits.lowercased().hasPrefix("0x") { return nil }
            digits = digits.dropLast(spelling.count)
            factor = 1 << (10 * (index + 1))
            break
        }
        if factor > 1 { break }
    }
    guard let number = parseInteger(String(digits)), number <= UInt64(Int.max) else { return nil }
    let (result, overflow) = Int(number).multipliedReportingOverflow(by: factor)
    return overflow ? nil : result
}

/// Reads an unsigned integer in decimal (no leading zero, no sign) or with `0x`; nil for anything else.
public func parseInteger(_ text: String) -> UInt64? {
    if text.hasPrefix("0x") {
        let digits = text.dropFirst(2)
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 != UInt8(ascii: "+") && $0 != UInt8(ascii: "-") }) else {
            return nil
        }
        return UInt64(digits, radix: 16)
    }
    guard text == "0" || !text.hasPrefix("0"), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return UInt64(text)
}
