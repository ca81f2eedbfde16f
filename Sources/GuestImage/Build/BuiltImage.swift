private import Bytes
public import DiskFormats
public import Documents
public import Hashing
public import Verity

/// What a build made: the facts that measurements, statements and tests start from.
public struct BuiltImage: Sendable {
    public var name: String
    public var version: String
    public var variant: ImageVariant
    /// SHA-256 of the definition (canonical JSON of all of it, both variants).
    public var definitionDigest: Digest
    /// SHA-256 of the lock's file.
    public var lockDigest: Digest
    public var verity: VerityTarget
    /// UUID in the verity superblock, text order.
    public var verityUUID: [UInt8]
    /// The kernel command line, as in the artifact `cmdline`.
    public var commandLine: String
    public var kernelRelease: String
    /// How `root.erofs` stores files.
    public var rootCompression: EROFSWriter.Compression
    /// How `initrd` stores its archive.
    public var initrdCompression: CPIOArchive.Compression
    /// Everything in the output directory but `artifacts.json` itself, in the order in which it was made.
    public var artifacts: [Artifact]
    /// Where each file of the root lies in `root.erofs`, as ranges of bytes; block numbers are these divided by 4096.
    public var files: [(path: FileTree.Path, ranges: [Range<Int>])]
    /// The maintainer scripts of the root's packages, none of which was run.
    public var scripts: [ScriptVerdict]

    /// Root hash of the root file system.
    public var rootHash: Digest { verity.root }

    public func artifact(_ name: String) -> Artifact? { artifacts.first { $0.name == name } }
}

extension BuiltImage {
    /// Names every writer and rule by its revision: with equal inputs and revisions the bytes are equal.
    var formatRevisions: [(String, Value)] {
        (initrdCompression == .lz4 ? [("lz4-legacy", .string(LZ4LegacyFrame.formatRevision))] : []) + [
            ("cpio", .string("cpio-\(CPIOArchive.formatRevision)")),
            (rootCompression.formatName, .string(rootCompression.formatRevision)),
            ("fat", .string(FATWriter.formatRevision)), ("gpt", .string(GPTWriter.formatRevision)),
            ("identifiers", .string("identifiers-\(DerivedIdentifiers.revision)")),
            ("recipe", .string("recipe-\(ImageRecipe.formatRevision)")),
            ("uki", .string("uki-\(UKI.formatRevision)")),
        ]
    }

    var imageDocument: Value {
        .object([
            ("name", .string(name)), ("version", .string(version)), ("variant", .string(variant.rawValue)),
            ("definition", .string(definitionDigest.hex)), ("lock", .string(lockDigest.hex)),
            ("kernelRelease", .string(kernelRelease)),
        ])
    }

    var verityDocument: Value {
        let parameters = verity.parameters
        return .object([
            ("rootHash", .string(rootHash.hex)), ("algorithm", .string(parameters.algorithm.rawValue)),
            ("hashType", .count(Int(parameters.format.rawValue))), ("dataBlockSize", .count(parameters.dataBlockSize)),
            ("hashBlockSize", .count(parameters.hashBlockSize)), ("dataBlocks", .count(parameters.dataBlocks)),
            ("hashStart", .count(verity.hashStart)), ("salt", .string(parameters.salt.hex)),
            ("uuid", .string(GUID(textOrder: verityUUID)?.description ?? "")),
            ("options", .strings(verity.optionalArguments)),
        ])
    }

    /// The contents of `artifacts.json`.
    public var document: Value {
        .object([
            ("image", imageDocument), ("verity", verityDocument), ("commandLine", .string(commandLine)),
            ("formatRevisions", .object(formatRevisions)), ("artifacts", .array(of: artifacts.map(\.document))),
        ])
    }

    /// The root's files with the data blocks that hold each, as pairs of first block and count.
    public var fileMap: Value {
        .array(
            of: files.map { file in
                let blocks = file.ranges.map { range -> Value in
                    let first = range.lowerBound / EROFS.blockSize
                    let end = range.upperBound.roundedUp(toMultipleOf: EROFS.blockSize) / EROFS.blockSize
                    return .array(of: [.count(first), .count(end - first)])
                }
                return .object([("path", .string(file.path.description)), ("blocks", .array(of: blocks))])
            })
    }
}
