internal import Bytes
internal import DiskFormats
internal import Files
internal import Hashing

/// An artifact, partition, section or file that is read like a file of its own.
struct ComparedPart {
    let source: ByteSource
    /// The file on disk that `source` is a window of, if it is one.
    let file: InputFile?
    let kind: PartKind

    init(_ source: ByteSource, in file: InputFile?, name: String) throws {
        self.source = source
        self.file = file
        kind = try PartKind(of: source, name: name)
    }

    init(path: String, name: String) throws {
        let file = try InputFile(path)
        try self.init(ByteSource(file), in: file, name: name)
    }

    /// Where the part is in `file`.
    var range: Range<Int> { source.base..<source.base + source.count }
    var content: ComparedContent { ComparedContent(source) }

    /// SHA-256 of what is before the zeros at its end: a partition and the artifact in it have one digest.
    func digestWithoutPadding() throws -> Digest {
        var end = source.count
        while end > 0 {
            let start = max(0, end - 1 << 16)
            let piece = try source.read(at: start, count: end - start, "padding")
            if let last = piece.lastIndex(where: { $0 != 0 }) {
                end = start + last + 1
                break
            }
            end = start
        }
        var hash = Hash(.sha256)
        try source.forEachChunk(in: 0..<end) { hash.update($0) }
        return hash.finish()
    }
}

/// What a part is, by its first bytes or else its name.
enum PartKind: String {
    case disk = "GPT disk"
    case erofs = "EROFS image"
    case verity = "dm-verity tree"
    case fat = "FAT file system"
    case cpio = "cpio archive"
    case pe = "PE image"
    case words = "kernel command line"
    case json = "JSON document"
    case other = "file"

    init(of source: ByteSource, name: String) throws {
        let head = try source.read(at: 0, count: min(source.count, 4104), "first bytes")
        let mark = Self.marks.first { head.dropFirst($0.offset).starts(with: $0.bytes) }
        self =
            mark?.kind ?? (name == "cmdline" || name == ".cmdline" ? .words : name.hasSuffix(".json") ? .json : .other)
    }

    private static let marks: [(kind: PartKind, offset: Int, bytes: [UInt8])] = [
        (.disk, 512, Array("EFI PART".utf8)), (.disk, 4096, Array("EFI PART".utf8)),
        (.erofs, EROFS.superblockOffset, [0xE2, 0xE1, 0xF5, 0xE0]),
        (.verity, 0, Array("verity\0\0".utf8)), (.fat, 82, Array("FAT32   ".utf8)), (.fat, 54, Array("FAT16   ".utf8)),
        (.fat, 54, Array("FAT12   ".utf8)), (.cpio, 0, Array("070701".utf8)), (.pe, 0, Array("MZ".utf8)),
    ]
}

/// Compares parts and what is in them, and keeps what it finds.
struct PartComparison {
    /// Name of the artifact that is compared.
    var artifact = ""
    private(set) var findings: [ImageDifference.Finding] = []
    /// Pairs that were compared already, by both digests: the same pair within something else is only named.
    private var known: [[Digest]: String] = [:]

    /// Compares two parts that stand at `place` of the artifact; gives whether they differ.
    @discardableResult
    mutating func compare(_ old: ComparedPart, _ new: ComparedPart, at place: [String] = []) throws -> Bool {
        guard let first = try old.content.firstDifference(from: new.content) else { return false }
        let pair = [try old.digestWithoutPadding(), try new.digestWithoutPadding()]
        if let other = known[pair], pair[0] != pair[1] {
            note(place, [.init("content", nil, nil, ["as in \(other)"])])
            return true
        }
        known[pair] = ([artifact] + place).joined(separator: ", ")
        let count = findings.count
        if old.kind == new.kind {
            do {
                try describe(old, new, at: place)
            } catch let error as FormatError {
                note(place, [.init("content", nil, nil, ["not readable as \(old.kind.rawValue): \(error)"])])
            }
        } else {
            note(place, [.init("kind", old.kind.rawValue, new.kind.rawValue)])
        }
        if findings.count == count {
            let details = ["first differing byte: \(first)"] + Self.owner(of: first, in: new)
            note(place, [.init("bytes", "\(old.source.count) bytes", "\(new.source.count) bytes", details)])
        }
        return true
    }

    mutating func note(
        _ place: [String], _ aspects: [ImageDifference.Aspect], _ change: ImageDifference.Change = .changed
    ) {
        guard !aspects.isEmpty else { return }
        findings.append(.init(artifact: artifact, place: place, change: change, aspects: aspects))
    }

    private mutating func describe(_ old: ComparedPart, _ new: ComparedPart, at place: [String]) throws {
        switch old.kind {
        case .disk: try compareDisks(old, new, at: place)
        case .erofs, .fat, .cpio: try compareTrees(old, new, at: place)
        case .verity: try compareVerity(old, new, at: place)
        case .pe: try compareSections(old, new, at: place)
        case .words, .json, .other: try compareContents(old, new, at: place)
        }
    }

    private mutating func compareContents(_ old: ComparedPart, _ new: ComparedPart, at place: [String]) throws {
        let limit = 16 << 20
        guard old.kind != .other, let one = try old.content.bytes(limit: limit),
            let other = try new.content.bytes(limit: limit)
        else {
            let name = place.last ?? artifact
            if let aspect = try ContentComparison(name).aspect(old.content, new.content) { note(place, [aspect]) }
            return
        }
        let lines = old.kind == .words ? WordComparison.lines(one, other) : JSONComparison.lines(one, other)
        if let lines { note(place, [.init("content", nil, nil, lines)]) }
    }

    /// Which file of an EROFS image a byte belongs to.
    private static func owner(of offset: Int, in part: ComparedPart) -> [String] {
        guard part.kind == .erofs, let file = part.file,
            let tree = try? EROFSReader(file, in: part.range).tree()
        else { return [] }
        let place = part.range.lowerBound + offset
        func holds(_ content: FileTree.Content) -> Bool {
            switch content {
            case .range(_, let start, let count): (start..<start + count).contains(place)
            case .pieces(let pieces): pieces.contains { holds($0) }
            default: false
            }
        }
        for (path, entry) in tree.sorted {
            if case .file(let content) = entry.kind, holds(content) { return ["it is in the blocks of \(path)"] }
        }
        return ["no file has it in its blocks: the superblock, an inode, or the space between"]
    }
}
