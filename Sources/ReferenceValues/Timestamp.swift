private import Bytes

/// A second in UTC, as RFC 3339 writes it with `Z`: `2026-08-31T12:00:00Z`. The library never asks a clock for one.
public struct Timestamp: Hashable, Comparable, Sendable, CustomStringConvertible {
    /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
    public var seconds: Int64

    public init(seconds: Int64) { self.seconds = seconds }

    /// Reads `YYYY-MM-DDThh:mm:ssZ` and nothing else; nil for an impossible date or time.
    public init?(_ text: String) {
        let digits = Array(text.utf8)
        let pattern = Array("dddd-dd-ddTdd:dd:ddZ".utf8)
        guard digits.count == pattern.count else { return nil }
        for (digit, expected) in zip(digits, pattern) {
            let isRight = expected == UInt8(ascii: "d") ? (0x30...0x39).contains(digit) : digit == expected
            guard isRight else { return nil }
        }
        func field(_ start: Int, _ count: Int) -> Int64 {
            digits[start..<start + count].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        let (year, month, day) = (field(0, 4), field(5, 2), field(8, 2))
        let (hour, minute, second) = (field(11, 2), field(14, 2), field(17, 2))
        let date = CivilDate(year: year, month: month, day: day)
        guard date.isValid, hour < 24, minute < 60, second < 60 else { return nil }
        seconds = date.daysSince1970 * 86400 + hour * 3600 + minute * 60 + second
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.seconds < b.seconds }

    public var description: String {
        let time = CivilTime(secondsSince1970: seconds)
        return "\(time.dateText)T\(time.clockText)Z"
    }
}
