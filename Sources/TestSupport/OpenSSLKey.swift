import Bytes
import Files

/// An RSA key that the `openssl` program made and signs with, for chains like AMD's.
public struct OpenSSLKey: Sendable {
    public let privatePEM: [UInt8]
    /// SubjectPublicKeyInfo.
    public let publicEncoding: [UInt8]

    public init(bits: Int = 4096) throws {
        privatePEM = try Self.run(["genrsa", "\(bits)"], input: [])
        publicEncoding = try Self.run(["pkey", "-pubout", "-outform", "DER"], input: privatePEM)
    }

    /// RSASSA-PSS with SHA-384 and a salt of 48 bytes.
    public func sign(_ message: [UInt8]) throws -> [UInt8] {
        let folder = try TemporaryFolder()
        let key = try folder.write("key", privatePEM)
        return try Self.run(
            [
                "dgst", "-sha384", "-sign", key, "-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:48",
                "-sigopt", "rsa_mgf1_md:sha384",
            ], input: message)
    }

    private static func run(_ words: [String], input: [UInt8]) throws -> [UInt8] {
        let result = try Subprocess("openssl", words).run(input: input)
        guard result.status == 0 else { throw TestFailure("openssl \(words[0]): \(result.errorText)") }
        return result.output
    }
}
