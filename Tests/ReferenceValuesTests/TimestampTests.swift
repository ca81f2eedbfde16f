import ReferenceValues
import Testing

@Suite("Timestamp (RFC 3339)")
struct TimestampTests {
    @Test(
        "known answers, both ways",
        arguments: [
            ("1970-01-01T00:00:00Z", 0), ("2000-02-29T12:34:56Z", 951_827_696), ("2026-08-31T23:59:59Z", 1_788_220_799),
            ("2100-03-01T00:00:00Z", 4_107_542_400), ("1969-12-31T23:59:59Z", -1),
            ("0001-01-01T00:00:00Z", -62_135_596_800),
            ("9999-12-31T23:59:59Z", 253_402_300_799),
        ])
    func knownAnswers(text: String, seconds: Int64) {
        #expect(Timestamp(text) == Timestamp(seconds: seconds))
        #expect(Timestamp(seconds: seconds).description == text)
    }

    @Test(
        "refuses other forms and impossible dates",
        arguments: [
            "", "2026-08-31", "2026-08-31T00:00:00", "2026-08-31T00:00:00+00:00", "2026-08-31 00:00:00Z",
            "2026-02-29T00:00:00Z", "2100-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-04-31T00:00:00Z",
            "2026-08-31T24:00:00Z", "2026-08-31T00:60:00Z", "2026-08-31T00:00:60Z", "2026-08-00T00:00:00Z",
            "2026-08-31t00:00:00z", "２026-08-31T00:00:00Z",
        ])
    func malformed(text: String) {
        #expect(Timestamp(text) == nil)
    }
}
