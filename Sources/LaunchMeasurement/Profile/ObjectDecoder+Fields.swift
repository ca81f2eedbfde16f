import Documents
import Hashing

extension ObjectDecoder {
    /// A digest in lower-case hex.
    mutating func digest(_ key: String, _ algorithm: HashAlgorithm) throws(DocumentError) -> Digest {
        let bytes = try hex(key, count: algorithm.byteCount)
        guard let digest = Digest(algorithm, bytes: bytes) else {
            throw error(key, "expected \(algorithm.byteCount * 2) hex digits")
        }
        return digest
    }

    /// A path that stays below the folder it is relative to.
    mutating func relativePath(_ key: String) throws(DocumentError) -> String {
        let text = try string(key)
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." || $0.utf8.contains(0) }) else {
            throw error(key, "found '\(text)', expected a relative path without '.', '..' or empty parts")
        }
        return text
    }

    /// An unsigned integer of the wanted width.
    mutating func number<T: FixedWidthInteger & UnsignedInteger>(
        _ key: String, as type: T.Type = T.self
    ) throws(DocumentError) -> T {
        let value = try unsigned(key)
        guard let result = T(exactly: value) else {
            throw error(key, "found \(value), expected an integer of at most \(T.bitWidth) bits")
        }
        return result
    }
}
