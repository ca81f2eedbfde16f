/// DER and X.509 made field by field, for tests; it shares no code with the readers that it tests.
public enum TestDER {
    public static func element(_ tag: UInt8, _ content: [UInt8]) -> [UInt8] {
        if content.count < 0x80 { return [tag, UInt8(content.count)] + content }
        if content.count < 0x100 { return [tag, 0x81, UInt8(content.count)] + content }
        return [tag, 0x82, UInt8(content.count >> 8), UInt8(content.count & 0xFF)] + content
    }

    public static func sequence(_ parts: [UInt8]...) -> [UInt8] { element(0x30, parts.flatMap { $0 }) }

    public static func integer(_ value: Int) -> [UInt8] {
        if value < 0x80 { return element(0x02, [UInt8(value)]) }
        if value < 0x100 { return element(0x02, [0, UInt8(value)]) }
        return element(0x02, [0, UInt8(value >> 16), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)].withoutPadding)
    }

    /// An OBJECT IDENTIFIER from its arcs.
    public static func identifier(_ arcs: [Int]) -> [UInt8] {
        let content = ([arcs[0] * 40 + arcs[1]] + arcs.dropFirst(2)).flatMap { arc -> [UInt8] in
            var groups = [UInt8(arc & 0x7F)]
            var left = arc >> 7
            while left > 0 {
                groups.insert(UInt8(left & 0x7F) | 0x80, at: 0)
                left >>= 7
            }
            return groups
        }
        return element(0x06, content)
    }

    /// A name with a common name alone.
    public static func name(_ commonName: String) -> [UInt8] {
        sequence(element(0x31, sequence(identifier([2, 5, 4, 3]), element(0x0C, Array(commonName.utf8)))))
    }

    /// `YYMMDDhhmmssZ`.
    public static func time(_ text: String) -> [UInt8] { element(0x17, Array(text.utf8)) }

    public static func certificateExtension(_ arcs: [Int], critical: Bool = false, _ value: [UInt8]) -> [UInt8] {
        sequence(identifier(arcs), critical ? [0x01, 0x01, 0xFF] : [], element(0x04, value))
    }

    /// basicConstraints and keyUsage of an authority.
    public static func authority(pathLength: Int? = nil, usage: UInt8 = 0x06) -> [[UInt8]] {
        let constraints = sequence([0x01, 0x01, 0xFF], pathLength.map { integer($0) } ?? [])
        return [
            certificateExtension([2, 5, 29, 19], critical: true, constraints),
            certificateExtension([2, 5, 29, 15], critical: true, element(0x03, [1, usage])),
        ]
    }

    /// RSASSA-PSS with SHA-384 and a salt of 48 bytes, the trailer written out as AMD does.
    public static let rsaPSS: [UInt8] = {
        let hash = sequence(identifier([2, 16, 840, 1, 101, 3, 4, 2, 2]), [0x05, 0x00])
        return sequence(
            identifier([1, 2, 840, 113549, 1, 1, 10]),
            sequence(
                element(0xA0, hash), element(0xA1, sequence(identifier([1, 2, 840, 113549, 1, 1, 8]), hash)),
                element(0xA2, integer(48)), element(0xA3, integer(1))))
    }()
    public static let ecdsaSHA256 = sequence(identifier([1, 2, 840, 10045, 4, 3, 2]))
    public static let ecdsaSHA384 = sequence(identifier([1, 2, 840, 10045, 4, 3, 3]))
}

extension [UInt8] {
    fileprivate var withoutPadding: [UInt8] {
        var bytes = self
        while bytes.count > 1, bytes[0] == 0, bytes[1] < 0x80 { bytes.removeFirst() }
        return bytes
    }
}

/// A certificate to be signed; every field can be set.
public struct CertificateRecipe: Sendable {
    public var version: [UInt8] = TestDER.element(0xA0, TestDER.integer(2))
    public var serial: [UInt8] = TestDER.integer(0)
    public var algorithm: [UInt8]
    public var issuer, subject: [UInt8]
    public var notBefore = TestDER.time("200101000000Z")
    public var notAfter = TestDER.time("400101000000Z")
    /// SubjectPublicKeyInfo.
    public var key: [UInt8]
    public var extensions: [[UInt8]]

    public init(
        subject: String, issuer: String, key: [UInt8], algorithm: [UInt8], extensions: [[UInt8]] = []
    ) {
        self.subject = TestDER.name(subject)
        self.issuer = TestDER.name(issuer)
        self.key = key
        self.algorithm = algorithm
        self.extensions = extensions
    }

    public var signedBytes: [UInt8] {
        let list = TestDER.element(0x30, extensions.flatMap { $0 })
        return TestDER.sequence(
            version, serial, algorithm, issuer, TestDER.sequence(notBefore, notAfter), subject, key,
            extensions.isEmpty ? [] : TestDER.element(0xA3, list))
    }

    public func signed(_ sign: ([UInt8]) throws -> [UInt8]) rethrows -> [UInt8] {
        TestDER.sequence(signedBytes, algorithm, TestDER.element(0x03, [0] + (try sign(signedBytes))))
    }
}

/// A revocation list to be signed.
public struct RevocationRecipe: Sendable {
    public var algorithm: [UInt8]
    public var issuer: [UInt8]
    public var thisUpdate = TestDER.time("250101000000Z")
    public var nextUpdate = TestDER.time("350101000000Z")
    /// Serial numbers.
    public var revoked: [Int]
    public var entryExtensions: [UInt8] = []
    /// Extensions of the list itself; none leaves the field out.
    public var extensions: [[UInt8]] = []

    public init(issuer: String, algorithm: [UInt8], revoked: [Int]) {
        self.issuer = TestDER.name(issuer)
        self.algorithm = algorithm
        self.revoked = revoked
    }

    public func signed(_ sign: ([UInt8]) throws -> [UInt8]) rethrows -> [UInt8] {
        let entries = revoked.map {
            TestDER.sequence(TestDER.integer($0), TestDER.time("250601000000Z"), entryExtensions)
        }
        let body = TestDER.sequence(
            TestDER.integer(1), algorithm, issuer, thisUpdate, nextUpdate,
            entries.isEmpty ? [] : TestDER.element(0x30, entries.flatMap { $0 }),
            extensions.isEmpty ? [] : TestDER.element(0xA0, TestDER.element(0x30, extensions.flatMap { $0 })))
        return TestDER.sequence(body, algorithm, TestDER.element(0x03, [0] + (try sign(body))))
    }
}
