import Bytes
import Documents
import Files
import Hashing
import TestSupport
import Testing
import Trace
import Verity

private let uuid = GUID("01234567-89ab-4def-8123-456789abcdef")?.textOrder ?? []
/// `count` bytes of which byte i is i · 7 + i / 4096, modulo 256.
private func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 / 4096) }
}

@Suite("dm-verity tree")
struct VerityTreeTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private func parameters(
        _ algorithm: HashAlgorithm = .sha256, format: VerityParameters.Format = .normal, data: Int = 4096,
        hash: Int = 4096, salt: [UInt8] = [1, 2, 3], blocks: Int
    ) throws -> VerityParameters {
        try VerityParameters(
            algorithm: algorithm, format: format, dataBlockSize: data, hashBlockSize: hash, salt: salt,
            dataBlocks: blocks)
    }

    private func build(_ parameters: VerityParameters, _ bytes: [UInt8], workers: Int = 2) throws -> Digest {
        let data = try folder.write("data", bytes)
        let output = try OutputFile(folder.file("hash"))
        let root = try VerityHashArea(parameters, uuid: uuid).build(over: InputFile(data), workers: workers) {
            try output.write($1, at: $0)
        }
        try output.commit()
        return root
    }

    /// Checks `data` and `hash` of the folder.
    private func verify(_ parameters: VerityParameters, _ root: Digest) throws {
        try VerityHashArea(parameters, uuid: uuid).verify(
            InputFile(folder.file("data")), hash: InputFile(folder.file("hash")), root: root)
    }

    private func change(_ name: String, at offset: Int) throws {
        var bytes = try InputFile.contents(of: folder.file(name))
        bytes[offset] ^= 0x40
        try OutputFile.write(bytes, to: folder.file(name))
    }

    @Test("root hashes of a rule's data are those that veritysetup 2.6.1 prints")
    func literals() throws {
        #expect(
            try build(parameters(blocks: 300), pattern(300 * 4096)).hex
                == "f8b137a146753d3a171f8a5bd239331b9a3a3dde778b7c9e727543228712cc59")
        #expect(
            try build(
                parameters(.sha1, format: .chromeOS, data: 1024, hash: 512, salt: [], blocks: 97), pattern(97 << 10)
            )
            .hex == "5f96a5ab091a8c3bd8ecf95062675516c0da045a")
    }

    @Test("the number of workers changes nothing", arguments: [1, 2, 3, 8])
    func workers(count: Int) throws {
        let bytes = pattern(517 * 512)
        let parameters = try parameters(data: 512, hash: 512, blocks: 517)
        #expect(try build(parameters, bytes, workers: count) == build(parameters, bytes, workers: 1))
    }

    @Test("one block has no tree; its digest is the root")
    func oneBlock() throws {
        let parameters = try parameters(salt: [9], blocks: 1)
        #expect(parameters.levels.isEmpty)
        let root = try build(parameters, pattern(4096))
        #expect(root == Digest.of([9] + pattern(4096), .sha256))
        try verify(parameters, root)
        try change("data", at: 4095)
        let error = #expect(throws: VerityError.self) { try verify(parameters, root) }
        #expect(error?.place == .data(block: 0, offset: 0))
    }

    @Test("a changed data block is named")
    func changedData() throws {
        let parameters = try parameters(blocks: 300)
        let root = try build(parameters, pattern(300 * 4096))
        try verify(parameters, root)
        try change("data", at: 299 * 4096 + 17)
        try change("data", at: 177 * 4096 + 17)
        let error = #expect(throws: VerityError.self) { try verify(parameters, root) }
        #expect(error?.place == .data(block: 177, offset: 177 * 4096))
        #expect(error?.outcome == .no)
        #expect(error?.description.contains("data block 177, at byte 724992, does not fit the tree") == true)
    }

    @Test("a changed hash block of any level is named, its padding too")
    func changedTree() throws {
        // 600 blocks of 512: levels of 38, 3 and 1 hash blocks with 16 digests each.
        let parameters = try parameters(data: 512, hash: 512, blocks: 600)
        #expect(parameters.levels == [38, 3, 1])
        let root = try build(parameters, pattern(600 * 512))
        let places: [(Int, VerityError.Place)] = [
            (512, .hash(level: 2, block: 0, offset: 512)), (1024 + 511, .hash(level: 1, block: 0, offset: 1024)),
            (2 * 1024, .hash(level: 1, block: 2, offset: 2048)),
            (2560 + 37 * 512 + 400, .hash(level: 0, block: 37, offset: 2560 + 37 * 512)),
        ]
        for (offset, place) in places {
            try change("hash", at: offset)
            let error = #expect(throws: VerityError.self) { try verify(parameters, root) }
            #expect(error?.place == place)
            try change("hash", at: offset)
        }
        try verify(parameters, root)
    }

    @Test("a tree that is cut short is refused")
    func shortTree() throws {
        let parameters = try parameters(blocks: 300)
        let root = try build(parameters, pattern(300 * 4096))
        let bytes = try InputFile.contents(of: folder.file("hash"))
        try OutputFile.write(Array(bytes.dropLast(1)), to: folder.file("hash"))
        let error = #expect(throws: VerityError.self) { try verify(parameters, root) }
        #expect(error?.description.contains("too short for level 0") == true)
        try OutputFile.write(Array(bytes.prefix(4096)), to: folder.file("hash"))
        #expect(throws: VerityError.self) { try verify(parameters, root) }
    }

    @Test("data that is too short, odd sizes and overlaps are refused")
    func refusals() throws {
        #expect(throws: VerityError.self) { try build(parameters(blocks: 11), pattern(10 * 4096)) }
        #expect(throws: VerityError.self) { try parameters(blocks: 0) }
        #expect(throws: VerityError.self) { try parameters(blocks: .max) }
        for size in [-1, 0, 256, 4095, 1 << 20] {
            #expect(throws: VerityError.self) { try parameters(data: size, blocks: 1) }
            #expect(throws: VerityError.self) { try parameters(hash: size, blocks: 1) }
        }
        #expect(throws: VerityError.self) { try parameters(salt: Array(repeating: 0, count: 257), blocks: 1) }
        for offset in [-512, 1, 100, 511] {
            #expect(throws: VerityError.self) { try VerityHashArea(parameters(blocks: 1), uuid: nil, offset: offset) }
        }
        #expect(throws: VerityError.self) {
            try VerityHashArea(parameters(blocks: 10), uuid: uuid, offset: 4096).requireBehindData()
        }
        try VerityHashArea(parameters(blocks: 10), uuid: uuid, offset: 40960).requireBehindData()
        // Without a superblock the tree starts at the hash block that the offset lies in.
        #expect(throws: VerityError.self) {
            try VerityHashArea(parameters(data: 512, blocks: 9), uuid: nil, offset: 4608).requireBehindData()
        }
    }

    @Test("the trace's root follows from its salt and top block")
    func trace() throws {
        for format in VerityParameters.Format.allCases {
            let parameters = try parameters(format: format, blocks: 200)
            let root = try build(parameters, pattern(200 * 4096))
            let node = try VerityHashArea(parameters, uuid: uuid).trace(of: root, data: "data", hash: "hash")
            var bytes: [UInt8] = []
            for child in node.children {
                switch child.source {
                case .literal(let literal): bytes += literal
                case .zeros(let count): bytes += [UInt8](repeating: 0, count: count)
                case .range(let artifact, let offset, let count):
                    bytes += try InputFile(folder.file(artifact)).read(at: offset, count: count)
                case nil: Issue.record("\(child.name) has no source")
                }
            }
            #expect(node.digest == root && Digest.of(bytes, .sha256) == root)
        }
    }

    @Test("a device is described with every parameter")
    func target() throws {
        let target = VerityTarget(try parameters(salt: [], blocks: 8), root: .zero(.sha256), hashStart: 1)
        let zeros = String(repeating: "0", count: 64)
        #expect(
            target.table(data: "/dev/vda2", hash: "/dev/vda3")
                == "0 64 verity 1 /dev/vda2 /dev/vda3 4096 4096 8 1 sha256 \(zeros) - 1 panic_on_corruption")
        #expect(
            target.createArgument(name: "root", data: "a", hash: "b")
                == "dm-mod.create=\"root,,,ro,0 64 verity 1 a b 4096 4096 8 1 sha256 \(zeros) - 1 panic_on_corruption\""
        )
        #expect(target.systemdArguments(data: "a", hash: "b").first == "roothash=\(zeros)")
        #expect(
            target.systemdArguments(data: "a", hash: "b").last
                == "systemd.verity_root_options=superblock=no,format=1,data-block-size=4096,hash-block-size=4096,"
                + "data-blocks=8,hash-offset=4096,salt=-,hash=sha256,panic-on-corruption")
        #expect(target.veritysetupArguments(name: "r", data: "a", hash: "b").contains("--panic-on-corruption"))
    }
}

@Suite("dm-verity superblock")
struct VeritySuperblockTests {
    private func superblock() throws -> VeritySuperblock {
        VeritySuperblock(
            try VerityParameters(
                algorithm: .sha512, format: .chromeOS, dataBlockSize: 1024, hashBlockSize: 2048, salt: [0xAA, 0xBB],
                dataBlocks: 77), uuid: uuid)
    }

    private func parse(_ bytes: [UInt8]) throws -> VeritySuperblock {
        try bytes.withReader(source: "hash") { try VeritySuperblock(parsing: &$0) }
    }

    @Test("reads back what it writes, field by field at the places of the format")
    func roundTrip() throws {
        let bytes = try superblock().bytes
        #expect(bytes.count == 512)
        #expect(Array(bytes.prefix(16)).hex == "7665726974790000" + "01000000" + "00000000")
        #expect(Array(bytes[16..<32]) == uuid)
        #expect(Array(bytes[32..<38]) == Array("sha512".utf8))
        #expect(Array(bytes[64..<82]).hex == "00040000" + "00080000" + "4d00000000000000" + "0200")
        #expect(Array(bytes[88..<90]) == [0xAA, 0xBB])
        #expect(try parse(bytes) == superblock())
    }

    @Test(
        "a field out of range is named",
        arguments: [
            (0, 0x00, "signature"), (8, 2, "version"), (12, 2, "hash_type"), (32, 0x7A, "algorithm"),
            (81, 2, "salt_size"), (79, 0xFF, "data_blocks"),
        ] as [(Int, UInt8, String)])
    func badField(offset: Int, value: UInt8, field: String) throws {
        var bytes = try superblock().bytes
        bytes[offset] = value
        let error = #expect(throws: FormatError.self) { try parse(bytes) }
        #expect(error?.field == field)
    }

    @Test("sizes that are no power of two are refused", arguments: [64, 68])
    func badSize(offset: Int) throws {
        var bytes = try superblock().bytes
        bytes[offset] = 1
        #expect(throws: VerityError.self) { try parse(bytes) }
    }

    @Test("a short or random superblock gives an error and no trap")
    func garbage() throws {
        let good = try superblock().bytes
        for count in 0..<512 { #expect(throws: FormatError.self) { try parse(Array(good.prefix(count))) } }
        let seed: UInt64 = 77
        var random = SeededGenerator(seed: seed)
        for _ in 0..<2000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 8..<100, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let read = try? parse(bytes) else { continue }
            #expect(read.parameters.hashBlocks >= 0, "seed \(seed)")
            _ = try? VerityHashArea(read, offset: 512).end
        }
    }
}
