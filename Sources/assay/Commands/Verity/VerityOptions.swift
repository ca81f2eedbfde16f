import ArgumentParser
import Bytes
import Files
import Hashing
import Verity

/// A number of bytes or blocks: decimal or 0x, with K, M, G or T for powers of 1024.
struct CountArgument: ExpressibleByArgument {
    var count: Int

    init?(argument: String) {
        guard let count = parseByteCount(argument) else { return nil }
        self.count = count
    }
}

/// A salt in hex; `-` is none.
struct SaltArgument: ExpressibleByArgument {
    var bytes: [UInt8]

    init?(argument: String) {
        guard let bytes = argument == "-" ? [] : [UInt8](hex: argument) else { return nil }
        self.bytes = bytes
    }
}

extension HashAlgorithm: ExpressibleByArgument {
    public init?(argument: String) { self.init(rawValue: argument.lowercased()) }
}

/// What a tree is made with, as veritysetup names it.
struct VerityOptions: ParsableArguments {
    @Option(help: "Hash function (default: sha256).")
    var hash: HashAlgorithm?
    @Option(help: "1 for the normal format, 0 for Chrome OS's (default: 1).")
    var format: UInt32?
    @Option(help: ArgumentHelp("Block size of the data (default: 4096).", valueName: "bytes"))
    var dataBlockSize: CountArgument?
    @Option(help: ArgumentHelp("Block size of the tree (default: 4096).", valueName: "bytes"))
    var hashBlockSize: CountArgument?
    @Option(help: ArgumentHelp("Number of data blocks (default: all whole blocks).", valueName: "blocks"))
    var dataBlocks: CountArgument?
    @Option(name: [.customShort("s"), .long], help: ArgumentHelp("Salt; - is none.", valueName: "hex"))
    var salt: SaltArgument?
    @Option(help: "UUID in the superblock.")
    var uuid: String?
    @Option(help: ArgumentHelp("Where the hash area starts on the hash device (default: 0).", valueName: "bytes"))
    var hashOffset: CountArgument?
    @Flag(help: "There is no superblock: the options say everything.")
    var noSuperblock = false

    var offset: Int { hashOffset?.count ?? 0 }

    /// Parameters from the options alone.
    func parameters(data: InputFile, salt: [UInt8]) throws -> VerityParameters {
        let size = dataBlockSize?.count ?? 4096
        guard let format = VerityParameters.Format(rawValue: format ?? 1) else {
            throw CommandFailure("--format \(self.format ?? 1): expected 0 or 1")
        }
        return try VerityParameters(
            algorithm: hash ?? .sha256, format: format, dataBlockSize: size,
            hashBlockSize: hashBlockSize?.count ?? 4096, salt: salt,
            dataBlocks: dataBlocks?.count ?? data.size / max(1, size))
    }

    /// The UUID that was given, in text order.
    func givenUUID() throws -> [UInt8]? {
        guard let uuid else { return nil }
        guard let guid = GUID(uuid) else {
            throw CommandFailure("--uuid '\(uuid)': expected xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx")
        }
        return guid.textOrder
    }

    /// The hash area on an existing device: from its superblock, or from the options.
    func area(on hash: InputFile, data: InputFile) throws -> VerityHashArea {
        guard noSuperblock else {
            let superblock = try Self.superblock(of: hash, at: offset)
            try requireAgreement(superblock)
            return try VerityHashArea(superblock, offset: offset)
        }
        guard let salt else {
            throw CommandFailure("without a superblock the salt must be given", hint: "add --salt HEX, or --salt -")
        }
        return try VerityHashArea(parameters(data: data, salt: salt.bytes), uuid: nil, offset: offset)
    }

    static func superblock(of hash: InputFile, at offset: Int) throws -> VeritySuperblock {
        guard offset.isMultiple(of: 512) else {
            throw CommandFailure("--hash-offset \(offset): expected a multiple of 512")
        }
        let size = max(0, min(VeritySuperblock.byteCount, hash.size - min(offset, hash.size)))
        let bytes = try hash.read(at: min(offset, hash.size), count: size)
        return try bytes.withReader(source: hash.path, base: offset) { try VeritySuperblock(parsing: &$0) }
    }

    /// Nobody vouches for a superblock: what the user states must be what it says.
    private func requireAgreement(_ superblock: VeritySuperblock) throws {
        let stored = superblock.parameters
        let given: [(name: String, agrees: Bool, stored: String)] = [
            ("--hash", hash.map { $0 == stored.algorithm } ?? true, stored.algorithm.rawValue),
            ("--format", format.map { $0 == stored.format.rawValue } ?? true, "\(stored.format.rawValue)"),
            (
                "--data-block-size", dataBlockSize.map { $0.count == stored.dataBlockSize } ?? true,
                "\(stored.dataBlockSize)"
            ),
            (
                "--hash-block-size", hashBlockSize.map { $0.count == stored.hashBlockSize } ?? true,
                "\(stored.hashBlockSize)"
            ),
            ("--data-blocks", dataBlocks.map { $0.count == stored.dataBlocks } ?? true, "\(stored.dataBlocks)"),
            ("--salt", salt.map { $0.bytes == stored.salt } ?? true, stored.salt.hex),
            (
                "--uuid", try givenUUID().map { $0 == superblock.uuid } ?? true,
                GUID(textOrder: superblock.uuid)?.description ?? ""
            ),
        ]
        for option in given where !option.agrees {
            throw CommandFailure(
                "\(option.name) is not what the superblock says: '\(option.stored)'", outcome: .no,
                hint: "the superblock may have been changed; to leave it out of account give --no-superblock")
        }
    }
}

/// The root hash, given as a word or in a file.
struct RootHashOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The root hash in hex.", valueName: "root-hash"))
    var rootHash: String?
    @Option(help: ArgumentHelp("Read the root hash from this file.", valueName: "file"))
    var rootHashFile: String?

    func root(_ algorithm: HashAlgorithm) throws -> Digest {
        let text: String
        switch (rootHash, rootHashFile) {
        case (let given?, nil): text = given
        case (nil, let file?):
            let bytes = try InputFile.contents(of: file, limit: 1024)
            text = String(decoding: bytes.last == UInt8(ascii: "\n") ? bytes.dropLast() : bytes, as: UTF8.self)
        default: throw CommandFailure("expected the root hash, as a word or by --root-hash-file")
        }
        guard let root = Digest(algorithm, hex: text) else {
            throw CommandFailure(
                "root hash '\(text)': expected \(algorithm.byteCount * 2) hex digits (\(algorithm.rawValue))")
        }
        return root
    }
}
