private import Files

/// Key files: private keys are readable by their owner alone.
public enum KeyFile {
    /// Reads a private key; a passphrase is needed if the file is encrypted.
    public static func privateKey(at path: String, passphrase: String? = nil) throws -> PrivateKey {
        try PrivateKey(pem: text(at: path), passphrase: passphrase, source: path)
    }

    /// Reads a public key.
    public static func publicKey(at path: String) throws -> PublicKey {
        try PublicKey(pem: text(at: path), source: path)
    }

    /// Writes a private key with mode 0600; a file that is there already is left alone.
    public static func write(_ key: PrivateKey, to path: String, passphrase: String? = nil) throws {
        guard FileSystem.kind(of: path) == nil else { throw SigningError(path, .fileExists) }
        try OutputFile.write(Array(try key.pem(passphrase: passphrase).utf8), to: path, mode: 0o600)
    }

    /// The first line of a file, as a passphrase.
    public static func passphrase(at path: String) throws -> String {
        let line = try text(at: path).prefix { !$0.isNewline }
        guard !line.isEmpty else {
            throw FileError(
                "read the passphrase", path, reason: "its first line is empty", isInput: true,
                hint: "put the passphrase on the first line")
        }
        return String(line)
    }

    private static func text(at path: String) throws -> String {
        let bytes = try InputFile.contents(of: path, limit: PublicKey.maximumTextSize)
        guard let text = String(validating: bytes, as: UTF8.self) else { throw SigningError(path, .notPEM) }
        return text
    }
}
