private import Bytes
internal import Documents
internal import Hashing

extension ObjectDecoder {
    /// A digest in lower-case hex.
    mutating func digest(_ key: String, _ algorithm: HashAlgorithm) throws(DocumentError) -> Digest {
        let bytes = try hex(key, count: algorithm.byteCount)
        guard let digest = Digest(algorithm, bytes: bytes) else { throw error(key, "expected \(algorithm.rawValue)") }
        return digest
    }

    /// An image name, a version or a channel.
    mutating func word(_ key: String) throws(DocumentError) -> String {
        let text = try string(key)
        guard FileName.isWord(text) else {
            throw error(key, "found '\(text)', expected letters, digits and ._+~:@%=,- after a letter or digit")
        }
        return text
    }

    /// A string that must be exactly this.
    mutating func expect(_ key: String, _ expected: String) throws(DocumentError) {
        let found = try string(key)
        guard found == expected else { throw error(key, "found '\(found)', expected '\(expected)'") }
    }

    /// A list of strings in which nothing comes twice.
    mutating func distinctStrings(_ key: String) throws(DocumentError) -> [String] {
        let list = try optionalStrings(key)
        guard Set(list).count == list.count else { throw error(key, "something is listed twice") }
        return list
    }
}
