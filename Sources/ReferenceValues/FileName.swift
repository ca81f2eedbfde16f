/// Names of files in statements and bundles: relative, portable, and unable to leave their folder.
enum FileName {
    /// Largest name, in bytes.
    static let maximumSize = 240
    private static let maximumDepth = 16

    /// Whether `name` is one or more parts of letters, digits and `._+~:@%=,-` with slashes between them, none of them
    /// empty or made of dots alone.
    static func isValid(_ name: String) -> Bool {
        guard name.utf8.count <= maximumSize else { return false }
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return parts.count <= maximumDepth
            && parts.allSatisfy { part in
                part.contains { $0 != UInt8(ascii: ".") } && part.allSatisfy(isAllowed)
            }
    }

    /// Whether `word` can be an image name, a version or a channel: one part that starts with a letter or a digit.
    static func isWord(_ word: String) -> Bool {
        guard let first = word.utf8.first, isAlphanumeric(first) else { return false }
        return word.utf8.count <= 80 && !word.contains("/") && isValid(word)
    }

    /// Order of names everywhere: by bytes.
    static func precedes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        isAlphanumeric(byte) || "._+~:@%=,-".utf8.contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: false
        }
    }
}
