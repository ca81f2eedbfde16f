private import Bytes

/// Times of certificates as people read them.
public enum CertificateTime {
    /// `YYYY-MM-DDThh:mm:ssZ` from seconds since 1970-01-01T00:00:00Z.
    public static func text(_ seconds: Int64) -> String {
        let time = CivilTime(secondsSince1970: seconds)
        return "\(time.dateText)T\(time.clockText)Z"
    }
}
