import Bytes
import Files

/// A key that the `openssl` program made and signs with, for chains like AMD's and for signers elsewhere.
public struct OpenSSLKey: Sendable {
    /// PKCS#8.
    public let privatePEM: [UInt8]
    /// SubjectPublicKeyInfo.
    public let publicEncoding: [UInt8]
    private let signingOptions: [String]

    /// An RSA key, which signs with RSASSA-PSS, SHA-384 and a salt of 48 bytes.
    public init(bits: Int = 4096) throws {
        try self.init(
            ["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:\(bits)"],
            signingOptions: ["rsa_padding_mode:pss", "rsa_pss_saltlen:48", "rsa_mgf1_md:sha384"])
    }

    /// An elliptic-curve key, which signs with ECDSA and SHA-384.
    public init(curve: String) throws {
        try self.init(["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:\(curve)"], signingOptions: [])
    }

    private init(_ generation: [String], signingOptions: [String]) throws {
        privatePEM = try Self.run(["genpkey"] + generation, input: [])
        publicEncoding = try Self.run(["pkey", "-pubout", "-outform", "DER"], input: privatePEM)
        self.signingOptions = signingOptions
    }

    public var publicPEM: [UInt8] {
        get throws { try Self.run(["pkey", "-pubout"], input: privatePEM) }
    }

    /// A signature as `openssl` writes it: DER for ECDSA.
    public func sign(_ message: [UInt8]) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let key = try folder.write("key", privatePEM)
        return try Self.run(
            ["dgst", "-sha384", "-sign", key] + signingOptions.flatMap { ["-sigopt", $0] }, input: message)
    }

    /// An ECDSA P-384 signature as r‖s, 48 bytes each, most significant byte first.
    public func signRaw(_ message: [UInt8]) throws -> [UInt8] {
        // SEQUENCE { INTEGER r, INTEGER s }, every length below 128.
        let der = try sign(message)
        guard der.count > 4 else { throw TestFailure("openssl dgst: a signature of \(der.count) bytes") }
        let second = 4 + Int(der[3])
        return [der[4..<second], der[(second + 2)...]].flatMap { number in
            let digits = number.drop { $0 == 0 }
            return [UInt8](repeating: 0, count: 48 - digits.count) + digits
        }
    }

    private static func run(_ words: [String], input: [UInt8]) throws -> [UInt8] {
        let result = try Subprocess("openssl", words).run(input: input)
        guard result.status == 0 else { throw TestFailure("openssl \(words[0]): \(result.errorText)") }
        return result.output
    }
}
