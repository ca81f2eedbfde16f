import ArgumentParser
import Bytes
import Documents
import Files
import Hashing
import LaunchMeasurement
import Signing

/// `assay idblock`: ID blocks, which make firmware refuse any other launch digest.
struct IDBlockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "idblock",
        abstract: "Build, sign and verify SNP ID blocks, and derive the ID key that nobody holds.",
        subcommands: [
            IDBlockBuildCommand.self, IDBlockSignCommand.self, IDBlockVerifyCommand.self, IDBlockDeriveCommand.self,
        ])
}

/// The fields of an ID block.
struct IDBlockOptions: ParsableArguments {
    @Option(help: "Launch digest, 96 hex digits or base64.")
    var measurement: String
    @Option(help: "Family identifier, 32 hex digits; zeros by default.")
    var familyId: String?
    @Option(help: "Image identifier, 32 hex digits; zeros by default.")
    var imageId: String?
    @Option(help: "Security version of the guest.")
    var guestSvn: UInt32 = 0
    @Option(help: "Launch policy; it must be the guest's. 0x30000 allows SMT and nothing else.")
    var policy = "0x30000"

    func block() throws -> IDBlock {
        guard let policy = parseInteger(policy) else {
            throw CommandFailure("--policy: found '\(policy)', expected an integer, decimal or 0x…")
        }
        guard policy & IDBlock.mandatoryPolicy != 0 else {
            throw CommandFailure(
                "--policy: found \(hexadecimal(policy)), expected bit 17 (0x20000) set",
                hint: "firmware launches no guest without it")
        }
        let block = IDBlock(
            launchDigest: try IDBlockText.digest(measurement, "--measurement"),
            familyID: try familyId.map { try identifier($0, "--family-id") },
            imageID: try imageId.map { try identifier($0, "--image-id") }, guestSVN: guestSvn, policy: policy)
        guard let block else { throw CommandFailure("these fields make no ID block") }
        return block
    }

    private func identifier(_ text: String, _ option: String) throws -> [UInt8] {
        guard let bytes = [UInt8](hex: text), bytes.count == IDBlock.identifierByteCount else {
            throw CommandFailure("\(option): found '\(text)', expected 32 hex digits")
        }
        return bytes
    }
}

/// Where the two structures go beside standard output.
struct IDBlockOutputs: ParsableArguments {
    @Option(help: ArgumentHelp("Write the ID block's 96 bytes to this file.", valueName: "file"))
    var blockFile: String?
    @Option(help: ArgumentHelp("Write the ID authentication's 4096 bytes to this file.", valueName: "file"))
    var authFile: String?
    @Flag(help: "Print JSON.")
    var json = false

    func write(_ block: IDBlock, _ authentication: IDAuthentication) throws {
        if let blockFile { try OutputFile.write(block.bytes, to: blockFile) }
        if let authFile { try OutputFile.write(authentication.bytes, to: authFile) }
        let facts = IDBlockText.facts(block, authentication)
        print(json ? ReadableJSON.encode(.object(facts)) : FactsText.render(facts), terminator: "")
    }
}

/// Digests and structures as people hand them over.
enum IDBlockText {
    /// A SHA-384 digest in hex or base64.
    static func digest(_ text: String, _ option: String) throws -> Digest {
        if let digest = Digest(.sha384, hex: text) { return digest }
        if let bytes = Base64.decode(text), let digest = Digest(.sha384, bytes: bytes) { return digest }
        throw CommandFailure("\(option): found '\(text)', expected a SHA-384 digest as 96 hex digits or base64")
    }

    /// A structure of `size` bytes from a file that holds it as bytes or as base64.
    static func structure(at path: String, size: Int) throws -> [UInt8] {
        let bytes = try InputFile.contents(of: path, limit: 1 << 16)
        if bytes.count == size { return bytes }
        let text = String(validating: bytes, as: UTF8.self)?.filter { !$0.isWhitespace }
        if let decoded = text.flatMap(Base64.decode), decoded.count == size { return decoded }
        throw CommandFailure("\(path): found \(bytes.count) bytes, expected \(size) bytes, or base64 of them")
    }

    /// What QEMU takes, and the digests that a report will show.
    static func facts(_ block: IDBlock, _ authentication: IDAuthentication) -> [(String, Value)] {
        var facts: [(String, Value)] = [
            ("id-block", .string(Base64.encode(block.bytes))),
            ("id-auth", .string(Base64.encode(authentication.bytes))),
            ("idKeyDigest", .string(authentication.idKey.digest.hex)),
        ]
        if let author = authentication.author { facts.append(("authorKeyDigest", .string(author.key.digest.hex))) }
        facts += [("authorKeyEnabled", .bool(authentication.author != nil))]
        return facts + fields(block)
    }

    /// The fields of a block.
    static func fields(_ block: IDBlock) -> [(String, Value)] {
        [
            ("measurement", .string(block.launchDigest.hex)), ("familyID", .string(block.familyID.hex)),
            ("imageID", .string(block.imageID.hex)), ("guestSVN", .count(Int(block.guestSVN))),
            ("policy", .hex(block.policy)),
        ]
    }
}
