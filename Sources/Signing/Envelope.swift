private import Bytes
private import Documents

/// A DSSE envelope, version 1.0.2: bytes with a type, and signatures over both.
///
///     { "payload": base64, "payloadType": text, "signatures": [ { "sig": base64, "keyid": text }, … ] }
public struct Envelope: Hashable, Sendable {
    public var payloadType: String
    public var payload: [UInt8]
    public var signatures: [Signature]

    /// One signature over the pre-authentication encoding.
    public struct Signature: Hashable, Sendable {
        /// An unauthenticated hint at the key. Nothing is decided by it.
        public var keyID: String?
        public var bytes: [UInt8]

        public init(keyID: String?, bytes: [UInt8]) {
            self.keyID = keyID
            self.bytes = bytes
        }
    }

    /// Payload type of an in-toto statement.
    public static let statementType = "application/vnd.in-toto+json"
    /// Largest envelope that is read, in bytes.
    public static let maximumSize = 32 << 20
    /// Most signatures that are read.
    public static let maximumSignatures = 32
    /// Largest signature, in bytes.
    public static let maximumSignatureSize = 4096

    public init(payloadType: String, payload: [UInt8], signatures: [Signature] = []) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// The bytes that are signed (DSSE, "Signature Definition"): `DSSEv1`, then the lengths in decimal and the values of
    /// type and payload, all separated by single spaces.
    public var preAuthenticationEncoding: [UInt8] {
        Array("DSSEv1 \(payloadType.utf8.count) \(payloadType) \(payload.count) ".utf8) + payload
    }

    /// Adds a signature by `key`, in place of an earlier one under the same key identifier.
    public mutating func sign(with key: PrivateKey) throws(SigningError) {
        let bytes = try key.sign(preAuthenticationEncoding)
        signatures.removeAll { $0.keyID == key.publicKey.id }
        signatures.append(Signature(keyID: key.publicKey.id, bytes: bytes))
    }

    /// The keys among `keys` that signed this type and payload, each once, in the order of `keys`.
    ///
    /// Every key is tried on every signature whatever its `keyid` says: a wrong hint neither adds nor hides a signer, and
    /// a signature that no key accepts is passed over.
    public func signers(among keys: [PublicKey]) -> [PublicKey] {
        let message = preAuthenticationEncoding
        var seen: Set<PublicKey> = []
        return keys.filter { key in
            seen.insert(key).inserted && signatures.contains { key.isValid($0.bytes, of: message) }
        }
    }
}

extension Envelope {
    /// The envelope as canonical JSON, signatures in the order of their key identifiers.
    public func encoded() throws(SigningError) -> [UInt8] {
        let ordered = signatures.sorted { ($0.keyID ?? "", $0.bytes.hex) < ($1.keyID ?? "", $1.bytes.hex) }
        let values = ordered.map { signature in
            var members: [(String, Value)] = [("sig", .string(Base64.encode(signature.bytes)))]
            if let keyID = signature.keyID { members.append(("keyid", .string(keyID))) }
            return Value.object(members)
        }
        let document = Value.object([
            ("payload", .string(Base64.encode(payload))), ("payloadType", .string(payloadType)),
            ("signatures", .array(of: values)),
        ])
        do { return try CanonicalJSON.encode(document) } catch {
            throw SigningError("envelope", .envelope(member: error.path, problem: error.problem))
        }
    }

    /// Reads an envelope.
    ///
    /// Duplicate members are refused, and so is one that differs from a known name in case alone, which other readers
    /// would take for it. Members that DSSE does not define are passed over, as it demands.
    public init(parsing bytes: [UInt8], source: String) throws(SigningError) {
        guard bytes.count <= Self.maximumSize else {
            throw SigningError(source, .tooLarge(found: bytes.count, limit: Self.maximumSize))
        }
        do {
            let root = try JSONReader.parse(bytes, source: source, mode: .foreign, limit: Self.maximumSize)
            try self.init(node: root, source: source)
        } catch let error as SigningError {
            throw error
        } catch let error as DocumentError {
            let place = error.path.isEmpty ? "\(error.location)" : "\(error.location): \(error.path)"
            throw SigningError(source, .envelope(member: place, problem: error.problem))
        } catch {
            throw SigningError(source, .envelope(member: "envelope", problem: "\(error)"))
        }
    }

    private init(node: Node, source: String) throws {
        var object = try ObjectDecoder(node)
        payload = try Self.base64(&object, "payload", source)
        payloadType = try object.string("payloadType")
        let entries = try object.list("signatures")
        guard (1...Self.maximumSignatures).contains(entries.count) else {
            throw object.error("signatures", "found \(entries.count), expected 1 to \(Self.maximumSignatures)")
        }
        try Self.refuseRespelt(&object, ["payload", "payloadType", "signatures"])
        signatures = []
        for (node, path) in entries {
            var entry = try ObjectDecoder(node, path: path)
            let bytes = try Self.base64(&entry, "sig", source)
            guard (1...Self.maximumSignatureSize).contains(bytes.count) else {
                throw entry.error("sig", "found \(bytes.count) bytes, expected 1 to \(Self.maximumSignatureSize)")
            }
            let keyID = try entry.optionalString("keyid")
            try Self.refuseRespelt(&entry, ["sig", "keyid"])
            signatures.append(Signature(keyID: keyID == "" ? nil : keyID, bytes: bytes))
        }
    }

    private static func base64(
        _ object: inout ObjectDecoder, _ key: String, _ source: String
    ) throws(DocumentError) -> [UInt8] {
        guard let bytes = Base64.decode(try object.string(key)) else {
            throw object.error(key, "expected base64, padded, in the standard or the URL-safe alphabet")
        }
        return bytes
    }

    private static func refuseRespelt(_ object: inout ObjectDecoder, _ names: [String]) throws(DocumentError) {
        for member in object.remainingMembers() {
            guard let name = names.first(where: { $0.lowercased() == member.key.lowercased() }) else { continue }
            throw object.error(member.key, "differs from '\(name)' in case alone")
        }
    }
}
