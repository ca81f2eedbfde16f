public import Bytes
public import Hashing

/// A firmware file is not the one that a profile pins.
public struct FirmwareMismatch: ExplainedError, Equatable {
    public var source: String
    public var pin: FirmwarePin
    public var foundSize: Int
    public var found: Digest

    public var description: String {
        "\(source): firmware: found \(foundSize) bytes, SHA-256 \(found), expected \(pin.size) bytes, "
            + "SHA-256 \(pin.sha256)"
    }
    public var hint: String? {
        "the profile pins \(pin.path) of \(pin.package) \(pin.version); give that file, or a profile for this one"
    }
    public var outcome: Outcome { .unusable }
}
