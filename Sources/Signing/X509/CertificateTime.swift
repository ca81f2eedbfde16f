private import Bytes

/// Times of certificates as people read them.
public enum CertificateTime {
    /// `YYYY-MM-DDThh:mm:ssZ` from seconds since 1970-01-01T00:00:00Z.
    public static func text(_ seconds: Int64) -> String {
        let time = CivilTime(secondsSince1970: seconds)
        return "\(time.dateText)T\(time.clockText)Z"
    }

    /// Seconds since 1970 from `YYYY-MM-DDThh:mm:ssZ` and nothing else; nil for an impossible date or time.
    public static func seconds(_ text: String) -> Int64? {
        let digits = Array(text.utf8)
        let pattern = Array("dddd-dd-ddTdd:dd:ddZ".utf8)
        guard digits.count == pattern.count,
            zip(digits, pattern).allSatisfy({
                $1 == UInt8(ascii: "d") ? (0x30...0x39).contains($0) : $0 == $1
            })
        else { return nil }
        func field(_ start: Int, _ count: Int) -> Int64 {
            digits[start..<start + count].reduce(0) { $0 * 10 + Int64($1 - 0x30) }
        }
        let date = CivilDate(year: field(0, 4), month: field(5, 2), day: field(8, 2))
        let (hour, minute, second) = (field(11, 2), field(14, 2), field(17, 2))
        guard date.isValid, hour < 24, minute < 60, second < 60 else { return nil }
        return date.daysSince1970 * 86_400 + hour * 3600 + minute * 60 + second
    }
}
