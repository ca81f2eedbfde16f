import Bytes
import Testing

@Suite("calendar")
struct CivilDateTests {
    // Second column from `date -u -d @N +%FT%T`.
    @Test(
        "agrees with date(1)",
        arguments: [
            (0, "1970-01-01 00:00:00"), (-1, "1969-12-31 23:59:59"), (951_782_400, "2000-02-29 00:00:00"),
            (951_868_799, "2000-02-29 23:59:59"), (1_793_491_200, "2026-11-01 00:00:00"),
            (4_107_542_400, "2100-03-01 00:00:00"), (4_107_542_399, "2100-02-28 23:59:59"),
            (-2_203_891_200, "1900-03-01 00:00:00"), (-62_167_219_200, "0000-01-01 00:00:00"),
            (253_402_300_799, "9999-12-31 23:59:59"),
        ] as [(Int64, String)])
    func known(seconds: Int64, text: String) {
        let time = CivilTime(secondsSince1970: seconds)
        #expect("\(time.dateText) \(time.clockText)" == text)
    }

    @Test("every day of 800 years has one date, and goes back to itself")
    func roundTrip() {
        var previous = CivilDate(daysSince1970: -150_001)
        for days in Int64(-150_000)...150_000 {
            let date = CivilDate(daysSince1970: days)
            #expect(date.daysSince1970 == days && date.isValid && date != previous)
            previous = date
        }
    }

    @Test(
        "knows what is no date",
        arguments: [(2026, 2, 29), (2100, 2, 29), (2026, 4, 31), (2026, 13, 1), (2026, 0, 1), (2026, 1, 0)]
            as [(Int64, Int64, Int64)])
    func invalid(year: Int64, month: Int64, day: Int64) {
        #expect(!CivilDate(year: year, month: month, day: day).isValid)
    }
}
