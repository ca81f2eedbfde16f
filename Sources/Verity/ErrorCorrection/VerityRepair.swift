private import Bytes
public import Files
public import Hashing

/// Mends a verified device from its parity: what is written has the digest that the tree wants, so that a wrong parity
/// can spoil nothing.
public struct VerityRepair: Sendable {
    /// A device whose bytes are changed.
    public enum Device: Sendable, Hashable { case data, hash }

    /// What came of it.
    public struct Outcome: Sendable, Equatable {
        /// Blocks that were mended, in the order in which they were.
        public var mended: [VerityError.Place] = []
        /// The first block that no parity could mend; nil if data and tree now fit the root hash.
        public var beyondRepair: VerityError?
    }

    private let parity: VerityParity
    private let data: InputFile
    private let hash: InputFile
    private let stored: InputFile
    private let root: Digest

    public init(_ parity: VerityParity, data: InputFile, hash: InputFile, stored: InputFile, root: Digest) throws {
        try parity.requireParity(stored)
        self.parity = parity
        self.data = data
        self.hash = hash
        self.stored = stored
        self.root = root
    }

    /// Mends what can be mended; `write` must change the files that are read, at once.
    ///
    /// A hash block has to be right before the blocks below it can be told right from wrong. So the tree is walked
    /// anew after each pass that mended something, at most once a level more than the tree has.
    public func run(
        workers: Int = BlockHasher.cores, write: (Device, _ offset: Int, [UInt8]) throws -> Void
    ) throws -> Outcome {
        var outcome = Outcome()
        while true {
            let survey = try self.survey(workers)
            guard let first = survey.first else { return outcome }
            var progress = false
            for (row, wrong) in survey.rows.sorted(by: { $0.key < $1.key }) {
                for block in try mend(row, wrong, doubtful: survey.doubtful) {
                    try write(block.device, block.offset, block.bytes)
                    outcome.mended.append(block.place)
                    progress = true
                }
            }
            guard progress else {
                outcome.beyondRepair = first
                return outcome
            }
        }
    }

    /// A block that does not fit, and the digest that it must have.
    private struct WrongBlock {
        /// Position in a word.
        var index: Int
        var place: VerityError.Place
        var wanted: [UInt8]
    }

    private struct MendedBlock {
        var device: Device
        var offset: Int
        var bytes: [UInt8]
        var place: VerityError.Place
    }

    private struct Survey {
        var first: VerityError?
        var rows: [Int: [WrongBlock]] = [:]
        /// Covered blocks below a wrong hash block: nobody knows what they should be.
        var doubtful: [Range<Int>] = []
        var count = 0
    }

    private func survey(_ workers: Int) throws -> Survey {
        var survey = Survey()
        let parameters = parity.area.parameters
        try parity.area.forEachMismatch(data, hash: hash, root: root, workers: workers) { error, wanted in
            guard let place = error.place else { throw error }
            survey.first = survey.first ?? error
            survey.count += 1
            // No parity mends more than `roots` blocks a row.
            guard survey.count <= parity.rounds * parity.roots else { throw error }
            let covered: Int
            switch place {
            case .data(let block, _): covered = block
            case .hash(let level, let block, _):
                covered = parameters.dataBlocks + parameters.firstBlock(ofLevel: level) + block
                survey.doubtful += parity.coveredBlocks(belowLevel: level, block: block)
            }
            survey.rows[covered % parity.rounds, default: []].append(
                WrongBlock(index: covered / parity.rounds, place: place, wanted: wanted))
        }
        return survey
    }

    /// Blocks of a row that came out right.
    private func mend(_ row: Int, _ wrong: [WrongBlock], doubtful: [Range<Int>]) throws -> [MendedBlock] {
        let words = try BlockRows(parity, data: data, hash: hash).words(ofRow: row, parityFile: stored)
        let known = wrong.map(\.index)
        let suspects = (0..<255 - parity.roots).filter { index in
            let covered = row + index * parity.rounds
            return !known.contains(index) && doubtful.contains { $0.contains(covered) }
        }
        // Further errors are looked for first; then all that is in doubt is taken for lost.
        for erased in suspects.isEmpty ? [known] : [known, known + suspects] {
            let mended = try mend(words, wrong, erased: erased)
            if !mended.isEmpty { return mended }
        }
        return []
    }

    private func mend(_ words: [[UInt8]], _ wrong: [WrongBlock], erased: [Int]) throws -> [MendedBlock] {
        let code = parity.code
        var blocks = [[UInt8]](repeating: [], count: wrong.count)
        for word in words {
            var word = word
            // A word beyond repair leaves its bytes as they are: the digest decides.
            _ = code.mend(&word, erased: erased)
            for (number, block) in wrong.enumerated() { blocks[number].append(word[block.index]) }
        }
        let hasher = parity.area.parameters.hasher(blockSize: parity.blockSize)
        return zip(wrong, blocks).compactMap { block, bytes in
            guard hasher.digests(of: bytes.raw) == block.wanted else { return nil }
            switch block.place {
            case .data(_, let offset):
                return MendedBlock(device: .data, offset: offset, bytes: bytes, place: block.place)
            case .hash(_, _, let offset):
                return MendedBlock(device: .hash, offset: offset, bytes: bytes, place: block.place)
            }
        }
    }
}

extension VerityParity {
    /// The covered blocks whose digests are in a hash block, or below.
    fileprivate func coveredBlocks(belowLevel level: Int, block: Int) -> [Range<Int>] {
        let parameters = area.parameters
        var first = block
        var end = block + 1
        var result: [Range<Int>] = []
        for below in stride(from: level - 1, through: -1, by: -1) {
            let count = below < 0 ? parameters.dataBlocks : parameters.levels[below]
            first = min(count, first * parameters.digestsPerBlock)
            end = min(count, end * parameters.digestsPerBlock)
            let base = below < 0 ? 0 : parameters.dataBlocks + parameters.firstBlock(ofLevel: below)
            result.append(base + first..<base + end)
        }
        return result
    }
}
