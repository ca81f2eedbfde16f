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
        guard (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day), hour < 24, minute < 60,
            second < 60
        else { return nil }
        seconds = Self.dayNumber(year, month, day) * 86400 + hour * 3600 + minute * 60 + second
    }

    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.seconds < b.seconds }

    public var description: String {
        let day = seconds >= 0 ? seconds / 86400 : -((86399 - seconds) / 86400)
        let second = seconds - day * 86400
        let (year, month, date) = Self.date(day)
        let clock = [second / 3600, second / 60 % 60, second % 60].map { Self.padded($0, 2) }.joined(separator: ":")
        return "\(Self.padded(year, 4))-\(Self.padded(month, 2))-\(Self.padded(date, 2))T\(clock)Z"
    }

    private static func padded(_ number: Int64, _ width: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, width - text.utf8.count)) + text
    }

    private static func isLeap(_ year: Int64) -> Bool {
        year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400))
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: isLeap(year) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 to a date of the Gregorian calendar, year 0 to 9999.
    private static func dayNumber(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let past = year - 1
        let leapDays = year == 0 ? -1 : past / 4 - past / 100 + past / 400
        let months = (1..<month).reduce(0) { $0 + days(in: $1, of: year) }
        return past * 365 + leapDays + months + day - 719_163
    }

    private static func date(_ dayNumber: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // 146 097 days are 400 years; the estimate is at most one year too early.
        var year = 1970 + (dayNumber * 400 - 400) / 146_097
        while Self.dayNumber(year + 1, 1, 1) <= dayNumber { year += 1 }
        while Self.dayNumber(year, 1, 1) > dayNumber { year -= 1 }
        var month: Int64 = 1
        var rest = dayNumber - Self.dayNumber(year, 1, 1)
        while rest >= days(in: month, of: year) {
            rest -= days(in: month, of: year)
            month += 1
        }
        return (year, month, rest + 1)
    }
}
