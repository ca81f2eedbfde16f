import Bytes
import Files
import Hashing
import TestSupport
import Testing
import Verity

/// The same inputs to veritysetup and to Assay, compared byte by byte.
@Suite("dm-verity beside veritysetup", .enabled(if: Outside.has("veritysetup"), "veritysetup is not installed"))
struct VeritysetupTests {
    struct Case: Sendable {
        var algorithm = HashAlgorithm.sha256
        var format = VerityParameters.Format.normal
        var data = 4096
        var hash = 4096
        var salt = 32
        var blocks: Int
        var hasSuperblock = true
        var offset = 0
    }

    static let cases: [Case] =
        HashAlgorithm.allCases.flatMap { algorithm in
            VerityParameters.Format.allCases.map { Case(algorithm: algorithm, format: $0, salt: 5, blocks: 131) }
        }
        + [512, 1024, 4096].flatMap { data in
            [512, 2048, 4096].map { Case(data: data, hash: $0, blocks: 300, offset: 1024) }
        }
        + [0, 1, 23, 24, 55, 56, 63, 64, 65, 255, 256].map { Case(salt: $0, blocks: 3) }
        + [1, 2, 128, 129, 16_385].map { Case(data: 512, blocks: $0, hasSuperblock: $0 % 2 == 0) }
        + [Case(format: .chromeOS, salt: 0, blocks: 129), Case(salt: 0, blocks: 5, hasSuperblock: false, offset: 4608)]

    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    @Test("makes the same root hash and hash file, and each accepts the other's", arguments: cases)
    func same(given: Case) throws {
        var random = SeededGenerator(seed: UInt64(given.blocks))
        let input = random.bytes(given.blocks * given.data + 100)
        let data = try folder.write("data", input)
        let salt = random.bytes(given.salt)
        let uuid = "5a1b6f0e-7c44-4b5d-9f3e-0d1c2b3a4958"
        let parameters = try VerityParameters(
            algorithm: given.algorithm, format: given.format, dataBlockSize: given.data, hashBlockSize: given.hash,
            salt: salt, dataBlocks: given.blocks)
        let area = try VerityHashArea(
            parameters, uuid: given.hasSuperblock ? GUID(uuid)?.textOrder : nil, offset: given.offset)
        let output = try OutputFile(folder.file("ours"))
        let root = try area.build(over: InputFile(data)) { try output.write($1, at: $0) }
        try output.commit()

        var options = [
            "--hash", given.algorithm.rawValue, "--format", "\(given.format.rawValue)", "--data-block-size",
            "\(given.data)", "--hash-block-size", "\(given.hash)", "--salt", salt.isEmpty ? "-" : salt.hex,
            "--hash-offset", "\(given.offset)", "--data-blocks", "\(given.blocks)",
        ]
        options += given.hasSuperblock ? ["--uuid", uuid] : ["--no-superblock"]
        let theirs = folder.file("theirs")
        let made = try Subprocess("veritysetup", ["format", data, theirs] + options).run()
        #expect(made.status == 0, "\(made.errorText)")
        #expect(made.outputText.contains("Root hash:      \t\(root.hex)\n"))
        #expect(try InputFile.contents(of: theirs) == InputFile.contents(of: output.path))
        let checked = try Subprocess("veritysetup", ["verify", data, output.path, root.hex] + options).run()
        #expect(checked.status == 0, "\(checked.errorText)")
        try area.verify(InputFile(data), hash: InputFile(theirs), root: root)
    }

    struct Correction: Sendable {
        var blocks: Int
        var roots = 2
        var blockSize = 4096
        var hasSuperblock = true
        /// Data, tree and parity in one file.
        var isOneFile = false
        /// Bytes behind the tree in the hash file, which are covered too.
        var behind = 0
    }

    static let corrections: [Correction] =
        (2...24).map { Correction(blocks: 260, roots: $0, blockSize: 512) }
        + [1, 2, 252, 253, 254, 505, 506, 5000].map { Correction(blocks: $0, blockSize: 1024) }
        + [
            Correction(blocks: 300, hasSuperblock: false), Correction(blocks: 260, roots: 24, isOneFile: true),
            Correction(blocks: 129, roots: 9, isOneFile: true), Correction(blocks: 300, behind: 4096 * 3),
            Correction(blocks: 300, behind: 1000),
        ]

    @Test("makes the same parity, and veritysetup accepts it", arguments: corrections)
    func sameParity(given: Correction) throws {
        var random = SeededGenerator(seed: UInt64(given.blocks * given.roots))
        let size = given.blockSize
        let data = try folder.write("image", random.bytes(given.blocks * size))
        let hash = given.isOneFile ? data : folder.file("hash")
        let parameters = try VerityParameters(
            dataBlockSize: size, hashBlockSize: size, salt: [7], dataBlocks: given.blocks)
        let uuid = "5a1b6f0e-7c44-4b5d-9f3e-0d1c2b3a4958"
        let area = try VerityHashArea(
            parameters, uuid: given.hasSuperblock ? GUID(uuid)?.textOrder : nil,
            offset: given.isOneFile ? given.blocks * size : 0)
        if !given.isOneFile, given.behind > 0 {
            try OutputFile.write(random.bytes(area.end + given.behind), to: hash)
        }
        var options = [
            "--data-block-size", "\(size)", "--hash-block-size", "\(size)", "--salt", "07", "--hash-offset",
            "\(area.offset)", "--data-blocks", "\(given.blocks)", "--fec-roots", "\(given.roots)",
        ]
        options += given.hasSuperblock ? ["--uuid", uuid] : ["--no-superblock"]
        let offset = given.isOneFile ? area.end : 0
        let theirs = given.isOneFile ? data : folder.file("parity")
        let correction = ["--fec-device", theirs, "--fec-offset", "\(offset)"]
        let made = try Subprocess("veritysetup", ["format", data, hash] + options + correction).run()
        #expect(made.status == 0, "\(made.errorText)")
        let device = try InputFile(hash)
        let parity = try VerityParity(
            area, roots: given.roots, offset: offset, hashEnd: given.isOneFile ? offset : device.size)
        var ours: [UInt8] = []
        try parity.build(data: InputFile(data), hash: device) { ours += $1 }
        #expect(try InputFile(theirs).read(at: offset, count: parity.byteCount) == ours)
        #expect(try parity.wrongBlocks(data: InputFile(data), hash: device, parity: InputFile(theirs)) == [])
    }
}
