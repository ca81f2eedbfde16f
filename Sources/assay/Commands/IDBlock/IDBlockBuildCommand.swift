import ArgumentParser
import Documents
import Files
import LaunchMeasurement
import Signing

/// `assay idblock build`: the 96 bytes that an ID key signs.
struct IDBlockBuildCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "build",
        abstract: "Build an ID block and print it as base64.",
        discussion: """
            The file's 96 bytes are what an external signer gets: it signs them with ECDSA P-384 and SHA-384, and \
            'assay idblock sign' takes the signature.

              assay idblock build --measurement DIGEST --output block.bin
            """)

    @OptionGroup var fields: IDBlockOptions
    @Option(name: [.short, .long], help: ArgumentHelp("Write the 96 bytes to this file.", valueName: "file"))
    var output: String?
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let block = try fields.block()
        if let output { try OutputFile.write(block.bytes, to: output) }
        guard json else { return print(Base64.encode(block.bytes)) }
        let facts = [("id-block", Value.string(Base64.encode(block.bytes)))] + IDBlockText.fields(block)
        print(ReadableJSON.encode(.object(facts)), terminator: "")
    }
}

/// `assay idblock derive-key`: the key that follows from the block alone.
struct IDBlockDeriveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "derive-key",
        abstract: "Sign with the ID key that follows from the block and that nobody holds.",
        discussion: """
            The signature is constant (r = 2, s = 1) and the key is recovered from it, so ID_KEY_DIGEST in a report is a \
            function of launch digest, policy and identifiers, as Contrast uses it.
            """)

    @OptionGroup var fields: IDBlockOptions
    @OptionGroup var outputs: IDBlockOutputs

    func run() throws {
        let block = try fields.block()
        try outputs.write(block, block.derivedAuthentication())
    }
}
