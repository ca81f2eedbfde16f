/// A chain shaped like AMD's, with keys of its own: ARK, ASK and the certificate of a VCEK or VLEK.
public struct AMDChain: Sendable {
    public let rootKey, authorityKey: OpenSSLKey
    public var root, authority, leaf: CertificateRecipe

    /// Certificates for `product`; `leafKey` is a P-384 SubjectPublicKeyInfo, `parts` are security versions by the number
    /// of their extension, `hardwareID` is nil for a VLEK.
    public init(
        product: String = "Milan", rootKey: OpenSSLKey, authorityKey: OpenSSLKey, leafKey: [UInt8],
        structureVersion: Int = 0, parts: [Int: Int] = [1: 4, 2: 0, 3: 24, 8: 217], hardwareID: [UInt8]?
    ) {
        self.rootKey = rootKey
        self.authorityKey = authorityKey
        let isChip = hardwareID != nil
        root = CertificateRecipe(
            subject: "ARK-\(product)", issuer: "ARK-\(product)", key: rootKey.publicEncoding,
            algorithm: TestDER.rsaPSS, extensions: TestDER.authority())
        authority = CertificateRecipe(
            subject: isChip ? "SEV-\(product)" : "SEV-VLEK-\(product)", issuer: "ARK-\(product)",
            key: authorityKey.publicEncoding, algorithm: TestDER.rsaPSS,
            extensions: TestDER.authority(pathLength: 0, usage: 0x04))
        authority.serial = TestDER.integer(0x10001)
        leaf = CertificateRecipe(
            subject: isChip ? "SEV-VCEK" : "SEV-VLEK", issuer: isChip ? "SEV-\(product)" : "SEV-VLEK-\(product)",
            key: leafKey, algorithm: TestDER.rsaPSS)
        let name = isChip ? product + "-B0" : product
        leaf.extensions = [
            Self.part([1], TestDER.integer(structureVersion)), Self.part([2], TestDER.element(0x16, Array(name.utf8))),
        ]
        for (number, value) in parts.sorted(by: { $0.key < $1.key }) {
            leaf.extensions.append(Self.part([3, number], TestDER.integer(value)))
        }
        if let hardwareID {
            leaf.extensions.append(Self.part([4], hardwareID))
        } else {
            leaf.extensions.append(Self.part([5], TestDER.element(0x16, Array("CN=provider.example".utf8))))
        }
    }

    /// An extension below AMD's arc.
    public static func part(_ rest: [Int], _ value: [UInt8]) -> [UInt8] {
        TestDER.certificateExtension([1, 3, 6, 1, 4, 1, 3704, 1] + rest, value)
    }

    public func rootBytes() throws -> [UInt8] { try root.signed(rootKey.sign) }
    public func authorityBytes() throws -> [UInt8] { try authority.signed(rootKey.sign) }
    public func leafBytes() throws -> [UInt8] { try leaf.signed(authorityKey.sign) }

    /// A revocation list of the root.
    public func revocationList(_ serials: [Int]) throws -> [UInt8] {
        let issuer = String(decoding: root.subject.suffix(root.subject.count - 13), as: UTF8.self)
        return try RevocationRecipe(issuer: issuer, algorithm: TestDER.rsaPSS, revoked: serials).signed(rootKey.sign)
    }
}
