private import Bytes
public import Documents
public import Hashing
public import Signing

/// Signed PCR policies as systemd reads them: the section `.pcrsig` of a unified kernel image, or
/// `tpm2-pcr-signature.json`.
///
///     {"BANK": [{"pcrs": [11], "pkfp": "…", "pol": "…", "sig": "…"}, …], …}
///
/// `pkfp` is the SHA-256 of the RSAPublicKey in DER, `pol` a PolicyPCR digest by SHA-256 whatever the bank, `sig` in Base64 an
/// RSASSA-PKCS1-v1_5 signature over the bytes of `pol` with the bank's hash.
public struct PCRSignatures: Hashable, Sendable {
    /// Largest text that is read, in bytes.
    public static let maximumByteCount = 1 << 20

    /// One signed policy.
    public struct Entry: Hashable, Sendable {
        public var registers: [UInt32]
        public var keyFingerprint: Digest
        public var policy: Digest
        public var signature: [UInt8]
    }

    /// The policies of one PCR bank.
    public struct Bank: Hashable, Sendable {
        public var algorithm: HashAlgorithm
        public var entries: [Entry]
    }

    /// In the order of the text.
    public var banks: [Bank]

    public init(banks: [Bank] = []) { self.banks = banks }

    /// Reads the text; NULs and blanks behind it, with which sections are filled up, do not count.
    public init(_ bytes: [UInt8], source: String) throws {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: source, field: "PCR signatures", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        let end = bytes.lastIndex { $0 > 0x20 }.map { $0 + 1 } ?? 0
        let root = try JSONReader.parse(Array(bytes[..<end]), source: source, mode: .foreign)
        guard case .object(let members) = root.value else {
            throw FormatError(
                source: source, field: "PCR signatures", found: "no object", expected: "an object of banks")
        }
        banks = []
        for member in members {
            guard let algorithm = HashAlgorithm.registers.first(where: { $0.rawValue == member.key }) else {
                throw FormatError(
                    source: source, field: "bank", found: "'\(member.key)'",
                    expected: "sha1, sha256, sha384 or sha512")
            }
            guard case .array(let nodes) = member.node.value else {
                throw FormatError(
                    source: source, field: member.key, found: "no list", expected: "a list of signed policies")
            }
            var entries: [Entry] = []
            for (index, node) in nodes.enumerated() {
                var decoder = try ObjectDecoder(node, path: "\(member.key)[\(index)]")
                entries.append(try Entry(&decoder))
                try decoder.finish()
            }
            banks.append(Bank(algorithm: algorithm, entries: entries))
        }
    }

    /// The text as systemd writes it: one line, members in systemd's order.
    public var encoded: [UInt8] {
        let banks = banks.map { bank in
            "\"\(bank.algorithm.rawValue)\":[" + bank.entries.map(\.text).joined(separator: ",") + "]"
        }
        return Array(("{" + banks.joined(separator: ",") + "}\n").utf8)
    }

    /// For people and programs.
    public var document: Value {
        .object(banks.map { ($0.algorithm.rawValue, .array(of: $0.entries.map(\.document))) })
    }

    /// Signs one bank's policy with `key` and adds it; a policy that is there with this key's signature stays as it is.
    public mutating func sign(_ bank: PCRPolicy.Bank, key: RSAPrivateKey) throws {
        let policy = try PCRPolicy([bank]).digest(.sha256)
        let entry = Entry(
            registers: bank.registers, keyFingerprint: try Self.fingerprint(of: key.publicKey), policy: policy,
            signature: try key.sign(policy.bytes, hash: bank.algorithm))
        let place = banks.firstIndex { $0.algorithm == bank.algorithm }
        if let place {
            if !banks[place].entries.contains(entry) { banks[place].entries.append(entry) }
        } else {
            banks.append(Bank(algorithm: bank.algorithm, entries: [entry]))
        }
    }

    /// `pkfp` of an RSA key.
    public static func fingerprint(of key: CertificateKey) throws(MeasurementInputError) -> Digest {
        guard let encoding = key.rsaPublicKey else {
            throw MeasurementInputError("PCR signatures are made by RSA keys, and this is a key of \(key)")
        }
        return .of(encoding, .sha256)
    }
}

extension PCRSignatures.Entry {
    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        registers = []
        for (node, path) in try decoder.list("pcrs") {
            registers.append(
                UInt32(try ObjectDecoder.integer(node, path: path, in: 0...Int(PCRPolicy.registerCount) - 1)))
        }
        guard !registers.isEmpty, registers == Set(registers).sorted() else {
            throw decoder.error("pcrs", "expected PCR numbers in rising order")
        }
        keyFingerprint = try decoder.sha256("pkfp")
        policy = try decoder.sha256("pol")
        let text = try decoder.string("sig")
        guard let bytes = Base64.decode(text), !bytes.isEmpty else {
            throw decoder.error("sig", "expected a signature in Base64")
        }
        signature = bytes
    }

    fileprivate var text: String {
        let numbers = registers.map { "\($0)" }.joined(separator: ",")
        let signature = Base64.encode(signature)
        return
            "{\"pcrs\":[\(numbers)],\"pkfp\":\"\(keyFingerprint.hex)\",\"pol\":\"\(policy.hex)\",\"sig\":\"\(signature)\"}"
    }

    fileprivate var document: Value {
        .object([
            ("pcrs", .array(of: registers.map { .count(Int($0)) })), ("pkfp", .string(keyFingerprint.hex)),
            ("pol", .string(policy.hex)), ("sig", .string(Base64.encode(signature))),
        ])
    }

    /// Whether this is `key`'s signature over the entry's policy, for a bank of `algorithm`.
    public func isSigned(by key: CertificateKey, bank algorithm: HashAlgorithm) -> Bool {
        guard let fingerprint = try? PCRSignatures.fingerprint(of: key), fingerprint == keyFingerprint else {
            return false
        }
        return key.acceptsBank(signature, of: policy.bytes, hash: algorithm)
    }
}

extension ObjectDecoder {
    /// A SHA-256 digest in lower-case hex.
    fileprivate mutating func sha256(_ key: String) throws(DocumentError) -> Digest {
        let text = try string(key)
        guard let digest = Digest(.sha256, hex: text) else { throw error(key, "expected 64 hex digits") }
        return digest
    }
}
