import ArgumentParser
import Bytes
import Files
import LaunchMeasurement
import Signing

/// `assay idblock sign`: the authentication structure, with keys at hand or signatures made elsewhere.
struct IDBlockSignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign",
        abstract: "Sign an ID block, or take a signature that was made elsewhere.",
        discussion: """
            With a private key it signs; with a public key and a signature (r‖s of 96 bytes, or DER) it checks that the \
            signature holds and puts the structure together. What an external author signs is the ID key's structure of \
            1028 bytes (--id-key-structure). Keys are ECDSA P-384.

              assay idblock sign block.bin --id-key id.pem --author-key author.pem
              assay idblock sign block.bin --id-public-key id.pub --id-signature rs.bin
            """)

    @Argument(help: "File with the ID block, as bytes or base64.")
    var block: String
    @Option(help: ArgumentHelp("Private ID key (PEM).", valueName: "file"))
    var idKey: String?
    @Option(help: ArgumentHelp("Private author key (PEM).", valueName: "file"))
    var authorKey: String?
    @Option(help: ArgumentHelp("Public ID key (PEM) of a signature made elsewhere.", valueName: "file"))
    var idPublicKey: String?
    @Option(help: ArgumentHelp("Signature over the block's 96 bytes.", valueName: "file"))
    var idSignature: String?
    @Option(help: ArgumentHelp("Public author key (PEM) of a signature made elsewhere.", valueName: "file"))
    var authorPublicKey: String?
    @Option(help: ArgumentHelp("Signature over the ID key's 1028 bytes.", valueName: "file"))
    var authorSignature: String?
    @Option(
        help: ArgumentHelp("Write the ID key's 1028 bytes, for an author elsewhere, to this file.", valueName: "file"))
    var idKeyStructure: String?
    @OptionGroup var passphrase: PassphraseOptions
    @OptionGroup var outputs: IDBlockOutputs

    func validate() throws {
        guard (idPublicKey == nil) == (idSignature == nil), (authorPublicKey == nil) == (authorSignature == nil) else {
            throw ValidationError("a public key and the signature made with it go together")
        }
        guard (idKey == nil) != (idPublicKey == nil) else {
            throw ValidationError("give --id-key, or --id-public-key with --id-signature")
        }
        guard authorKey == nil || authorPublicKey == nil else {
            throw ValidationError("--author-key and --author-public-key exclude each other")
        }
    }

    func run() throws {
        let bytes = try IDBlockText.structure(at: block, size: IDBlock.byteCount)
        let block = try IDBlock(bytes, source: self.block)
        let id = try signature(privateKey: idKey, publicKey: idPublicKey, signature: idSignature, over: block.bytes)
        guard let id else { throw CommandFailure("no ID key") }
        let structure = SEVPublicKey(id.key)?.bytes ?? []
        if let idKeyStructure, !structure.isEmpty { try OutputFile.write(structure, to: idKeyStructure) }
        let author = try signature(
            privateKey: authorKey, publicKey: authorPublicKey, signature: authorSignature, over: structure)
        try outputs.write(block, block.authenticated(idKey: id.key, signature: id.signature, author: author))
    }

    /// A signature by a key at hand, or the one that was made elsewhere; nil if neither was named.
    private func signature(
        privateKey: String?, publicKey: String?, signature: String?, over message: [UInt8]
    ) throws -> (key: PublicKey, signature: [UInt8])? {
        if let privateKey {
            let key = try KeyFile.privateKey(at: privateKey, passphrase: passphrase.value())
            return (key.publicKey, try key.sign(message))
        }
        guard let publicKey, let signature else { return nil }
        return (try KeyFile.publicKey(at: publicKey), try InputFile.contents(of: signature, limit: 1 << 12))
    }
}
