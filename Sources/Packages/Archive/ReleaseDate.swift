private import Bytes

/// Dates as Release files write them (RFC 5322, §3.3, in UTC): `Sat, 21 Nov 2026 09:15:44 UTC`.
enum ReleaseDate {
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// Seconds since 1970; nil for anything else. The day of the week is not checked.
    static func seconds(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        guard words.count == 6, words[0].hasSuffix(","), ["UTC", "GMT", "+0000"].contains(words[5]),
            let day = Int64(words[1]), (1...31).contains(day),
            let month = months.firstIndex(of: String(words[2])),
            let year = Int64(words[3]), (1970...9999).contains(year)
        else { return nil }
        let clock = words[4].split(separator: ":").map { Int64($0) ?? -1 }
        guard clock.count == 3, (0...23).contains(clock[0]), (0...59).contains(clock[1]), (0...60).contains(clock[2])
        else { return nil }
        return CivilDate(year: year, month: Int64(month) + 1, day: day).daysSince1970 * 86400 + clock[0] * 3600 + clock[
            1] * 60 + clock[2]
    }

    /// `2026-11-21 09:15:44 UTC`.
    static func text(_ seconds: Int64) -> String {
        let time = CivilTime(secondsSince1970: seconds)
        return "\(time.dateText) \(time.clockText) UTC"
    }
}
