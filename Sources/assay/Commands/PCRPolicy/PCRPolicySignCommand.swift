import ArgumentParser
import Bytes
import Documents
import Files
import Hashing
import LaunchMeasurement
import Signing

/// `assay pcr-policy sign`.
struct PCRPolicySignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign the policies of PCR 11 in each phase, as systemd reads them.",
        discussion: """
            The output is what belongs into the image's section .pcrsig, and what systemd-measure prints for the same image \\
            and key. The key is RSA: systemd's and TPMs' form of signature is RSASSA-PKCS1-v1_5. Whoever holds it can open \\
            what is sealed to it, with any image.
            """)
    @OptionGroup var options: PCRPolicyOptions
    @Option(help: ArgumentHelp("The RSA private key in PEM.", valueName: "file"))
    var key: String
    @OptionGroup var passphrase: PassphraseOptions
    @Option(help: ArgumentHelp("A bank: sha1, sha256, sha384 or sha512; may be repeated.", valueName: "hash"))
    var bank: [String] = ["sha256"]
    @Option(help: ArgumentHelp("Signatures that the new ones are added to.", valueName: "file"))
    var append: String?
    @Option(
        name: [.short, .long], help: ArgumentHelp("File to write; standard output if not given.", valueName: "file"))
    var output: String?

    func run() throws {
        let banks = try HashAlgorithm.banks(bank)
        let text = try InputFile.contents(of: key, limit: PublicKey.maximumTextSize)
        let key = try RSAPrivateKey(
            pem: String(decoding: text, as: UTF8.self), passphrase: passphrase.value(), source: key)
        var signatures = PCRSignatures()
        if let append {
            signatures = try PCRSignatures(
                InputFile.contents(of: append, limit: PCRSignatures.maximumByteCount), source: append)
        }
        let registers = try options.registers(banks)
        for phases in try options.phases(extending: true) {
            for algorithm in banks {
                try signatures.sign(
                    [PCRPolicy.Bank].bank(algorithm, [11], of: registers).after(phases), key: key)
            }
        }
        guard let output else { return print(String(decoding: signatures.encoded, as: UTF8.self), terminator: "") }
        try OutputFile.write(signatures.encoded, to: output)
    }
}
