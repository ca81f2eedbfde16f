import ArgumentParser
import Bytes
import Files
import GuestImage
import Hashing
import Signing
import Verity

/// `assay verity format`: hashes a device and writes the tree.
struct VerityFormatCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "format",
        abstract: "Hash a data device and write its tree; print the root hash.",
        discussion: """
            A hash file that is another file than the data appears whole or not at all. On a device, in the data's own \
            file, or behind an offset in an existing file the area is written in place, its superblock last. Salt and \
            UUID are random when neither they nor a seed are given: an image build gives both.

              assay verity format root.erofs root.verity --salt 00ff
              assay verity format disk.img disk.img \\
                  --data-blocks 16384 --hash-offset 64M
              assay verity format root.erofs root.verity --fec-device root.fec
            """)

    @Argument(help: ArgumentHelp("Device or file with the data.", valueName: "data-device"))
    var data: String
    @Argument(help: ArgumentHelp("Device or file for the tree.", valueName: "hash-device"))
    var hash: String
    @OptionGroup var options: VerityOptions
    @Option(help: ArgumentHelp("Derive salt and UUID from it, as systemd-repart --seed does.", valueName: "uuid"))
    var seed: String?
    @OptionGroup var correction: ParityOptions
    @OptionGroup var signature: RootHashSignatureOptions
    @Option(help: ArgumentHelp("Sign the root hash with this private key (ECDSA).", valueName: "file"))
    var signKey: String?
    @OptionGroup var passphrase: PassphraseOptions
    @Option(help: ArgumentHelp("Write the root hash to this file, too.", valueName: "file"))
    var rootHashFile: String?
    @Flag(help: "Print the facts as JSON.")
    var json = false

    func validate() throws {
        if (signKey == nil) != (signature.rootHashSignature == nil) {
            throw ValidationError("--sign-key, --certificate and --root-hash-signature (the file to write) go together")
        }
    }

    func run() throws {
        let key = try signKey.map { try KeyFile.privateKey(at: $0, passphrase: passphrase.value()) }
        let input = try InputFile(data)
        let seed = try givenSeed()
        let salt = options.salt?.bytes ?? seed?.veritySalt ?? Self.randomBytes(32)
        let uuid = try options.givenUUID() ?? seed?.verityUUID?.textOrder ?? Self.randomUUID()
        let area = try VerityHashArea(
            options.parameters(data: input, salt: salt), uuid: options.noSuperblock ? nil : uuid,
            offset: options.offset)
        let isSame = FileSystem.areSame(data, hash)
        if isSame { try area.requireBehindData() }
        // Whatever is wrong with the parity's place is said before anything is written.
        _ = try correction.parity(area, data: data, hash: hash, hashSize: max(area.end, area.treeOffset))
        let root = try isSame || !isReplaced ? writeInPlace(area, input) : writeNew(area, input)
        if let rootHashFile { try OutputFile.write(Array(root.hex.utf8), to: rootHashFile) }
        if let key { try signature.write(root, key: key) }
        let device = try InputFile(hash)
        let parity = try correction.parity(area, data: data, hash: hash, hashSize: device.size)
        if let parity { try correction.write(parity, data: input, hash: device) }
        VerityFacts(area: area, name: hash, root: root, parity: parity).print(json: json)
    }

    /// Whether the hash file is made anew: there is none, or nothing of an old one has to stay.
    private var isReplaced: Bool {
        switch FileSystem.kind(of: hash) {
        case nil: true
        case .file: options.offset == 0
        default: false
        }
    }

    private func givenSeed() throws -> RepartSeed? {
        guard let seed else { return nil }
        guard let guid = GUID(seed) else {
            throw CommandFailure("--seed '\(seed)': expected xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
        }
        return RepartSeed(guid)
    }

    private func writeNew(_ area: VerityHashArea, _ input: InputFile) throws -> Digest {
        let output = try OutputFile(hash)
        let root = try area.build(over: input) { offset, bytes throws(FileError) in try output.write(bytes, at: offset)
        }
        try output.commit()
        return root
    }

    private func writeInPlace(_ area: VerityHashArea, _ input: InputFile) throws -> Digest {
        let output = try ExistingFile(hash)
        let root = try area.build(over: input) { offset, bytes throws(FileError) in try output.write(bytes, at: offset)
        }
        try output.synchronize()
        return root
    }

    private static func randomBytes(_ count: Int) -> [UInt8] {
        // The system generator is the kernel's, as /dev/urandom is.
        var generator = SystemRandomNumberGenerator()
        return (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }

    /// A random UUID, version 4 (RFC 9562).
    private static func randomUUID() -> [UInt8] {
        var bytes = randomBytes(16)
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        return bytes
    }
}
