import ArgumentParser
import Bytes
import Documents
import Files
import Signing

/// `assay key`: keys for statements.
struct Key: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key",
        abstract: "Make signing keys and show their public halves.",
        subcommands: [Generate.self, Public.self])

    struct Generate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a new private key.",
            discussion: """
                The key is written as PKCS#8 in PEM with mode 0600, encrypted if there is a passphrase. A file that is there \
                already is never overwritten. What is printed is the key's identifier: the SHA-256 of its public half.
                """)

        @Option(name: [.short, .long], help: "File to write the private key to.")
        var output: String

        @Option(help: "ecdsa-p384, ecdsa-p256 or ed25519.")
        var algorithm: KeyAlgorithm = .p384

        @OptionGroup var passphrase: PassphraseOptions

        @Flag(help: "Print JSON.")
        var json = false

        func run() throws {
            let key = try PrivateKey.generate(algorithm)
            try KeyFile.write(key, to: output, passphrase: passphrase.value())
            Key.show(key.publicKey, json: json) { "\(key.publicKey.id)" }
        }
    }

    struct Public: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the public half of a private key.",
            discussion: "The PEM text is what a trust policy takes as publicKey.")

        @Argument(help: "File of the private key.")
        var key: String

        @OptionGroup var passphrase: PassphraseOptions

        @Flag(help: "Print JSON.")
        var json = false

        func run() throws {
            let key = try KeyFile.privateKey(at: key, passphrase: passphrase.value()).publicKey
            Key.show(key, json: json) { String(key.pem.dropLast()) }
        }
    }

    private static func show(_ key: PublicKey, json: Bool, _ text: () -> String) {
        guard json else { return print(text()) }
        let facts: [(String, Value)] = [
            ("algorithm", .string(key.algorithm.rawValue)), ("id", .string(key.id)), ("publicKey", .string(key.pem)),
        ]
        print(ReadableJSON.encode(.object(facts)), terminator: "")
    }
}

/// Where the passphrase of a private key comes from; never the command line, which other users can read.
struct PassphraseOptions: ParsableArguments {
    @Option(help: "File whose first line is the private key's passphrase.")
    var passphraseFile: String?

    @Option(help: "Name of the environment variable that holds the private key's passphrase.")
    var passphraseVariable: String?

    func validate() throws {
        guard passphraseFile == nil || passphraseVariable == nil else {
            throw ValidationError("--passphrase-file and --passphrase-variable exclude each other")
        }
    }

    /// The passphrase; nil if none was named.
    func value() throws -> String? {
        if let passphraseFile { return try KeyFile.passphrase(at: passphraseFile) }
        guard let passphraseVariable else { return nil }
        guard let value = FileSystem.environment(passphraseVariable), !value.isEmpty else {
            throw CommandFailure(
                "the environment variable \(passphraseVariable) is not set or empty",
                hint: "set it to the passphrase, or use --passphrase-file")
        }
        return value
    }
}

extension KeyAlgorithm: ExpressibleByArgument {}
