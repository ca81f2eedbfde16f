import Files
import Hashing
import ReferenceValues
import YAMLDocuments

/// A trust policy as it was read: what it says and the SHA-256 of its bytes.
struct TrustPolicyFile {
    let policy: TrustPolicy
    let digest: Digest

    init(_ path: String) throws {
        let bytes = try InputFile.contents(of: path, limit: YAMLReader.maximumSize)
        digest = .of(bytes, .sha256)
        policy = try TrustPolicy(YAMLReader.parse(bytes, source: path))
    }
}
