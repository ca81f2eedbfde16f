import Bytes
import Files
import Hashing
import LaunchMeasurement
import YAMLDocuments

/// A profile's folder, read: the profile and the blobs that it pins, each checked against its hash.
struct PinnedProfile {
    let profile: PlatformProfile
    let blobs: [String: [UInt8]]

    init(_ folder: String) throws {
        let path = folder + "/profile.yaml"
        profile = try PlatformProfile(
            YAMLReader.parse(InputFile.contents(of: path, limit: YAMLReader.maximumSize), source: path))
        var blobs: [String: [UInt8]] = [:]
        for pin in profile.blobs {
            let file = folder + "/" + pin.file
            let bytes = try InputFile.contents(of: file, limit: 1 << 26)
            let digest = Digest.of(bytes, .sha256)
            guard digest == pin.sha256 else {
                throw FormatError(
                    source: file, field: pin.name, found: "SHA-256 \(digest.hex)", expected: pin.sha256.hex,
                    hint: "the profile pins this file; restore it, or capture it again")
            }
            blobs[pin.name] = bytes
        }
        self.blobs = blobs
    }
}
