import Bytes
import Files
import Hashing
import TestSupport
import Testing

@testable import Verity

@Suite("Reed-Solomon code of dm-verity")
struct ReedSolomonCodeTests {
    /// A word of the code with a random message, by the register that writes parity.
    private func word(_ code: ReedSolomonCode, _ random: inout SeededGenerator) -> [UInt8] {
        let message = random.bytes(code.messageLength)
        var register = ParityRegister(code, columns: 1)
        for symbol in message { register.feed([symbol]) }
        return message + register.parity
    }

    @Test("the generator has the roots α^0 to α^(n−1)", arguments: 2...24)
    func generator(roots: Int) {
        let code = ReedSolomonCode(roots: roots)
        let polynomial = Array(([1] + code.generator).reversed())
        for power in 0..<255 {
            let isRoot = GaloisField.verity.value(of: polynomial, at: GaloisField.verity.power(power)) == 0
            #expect(isRoot == (power < roots))
        }
    }

    /// Errors and erasures up to the bound 2e + s = roots.
    @Test("mends as many errors and erasures as the code can", arguments: [2, 3, 8, 9, 24])
    func mends(roots: Int) {
        var random = SeededGenerator(seed: UInt64(roots))
        let code = ReedSolomonCode(roots: roots)
        for erasures in stride(from: 0, through: roots, by: max(1, roots / 6)) {
            let original = word(code, &random)
            var spoiled = original
            let errors = (roots - erasures) / 2
            let places = Array((0..<255).shuffled(using: &random).prefix(erasures + errors))
            for place in places { spoiled[place] ^= UInt8.random(in: 1...255, using: &random) }
            let changed = code.mend(&spoiled, erased: Array(places.prefix(erasures)))
            #expect(spoiled == original)
            #expect(changed.map(Set.init) == Set(places))
        }
    }

    @Test("leaves a word alone that is beyond repair or was right", arguments: [2, 4, 24])
    func leaves(roots: Int) {
        var random = SeededGenerator(seed: 77)
        let code = ReedSolomonCode(roots: roots)
        let original = word(code, &random)
        var same = original
        #expect(code.mend(&same, erased: [1]) == [] && same == original)
        var spoiled = original
        for place in 0...roots { spoiled[place * 3] ^= 0x5A }
        let before = spoiled
        #expect(code.mend(&spoiled, erased: Array(0...roots)) == nil)
        #expect(spoiled == before)
    }
}

@Suite("dm-verity error correction")
struct VerityParityTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    private struct Device {
        var area: VerityHashArea
        var parity: VerityParity
        var root: Digest
        var original: [VerityRepair.Device: [UInt8]]
        var paths: [VerityRepair.Device: String]
        var stored: String
    }

    private func device(blocks: Int, roots: Int, blockSize: Int = 512) throws -> Device {
        var random = SeededGenerator(seed: UInt64(blocks * roots))
        let bytes = random.bytes(blocks * blockSize)
        let data = try folder.write("data", bytes)
        let parameters = try VerityParameters(
            dataBlockSize: blockSize, hashBlockSize: blockSize, salt: [1, 2], dataBlocks: blocks)
        let area = try VerityHashArea(parameters, uuid: Array(0..<16))
        let hash = try OutputFile(folder.file("hash"))
        let root = try area.build(over: InputFile(data)) { try hash.write($1, at: $0) }
        try hash.commit()
        let parity = try VerityParity(area, roots: roots, hashEnd: InputFile(hash.path).size)
        var stored: [UInt8] = []
        try parity.build(data: InputFile(data), hash: InputFile(hash.path)) { stored += $1 }
        #expect(stored.count == parity.byteCount)
        return Device(
            area: area, parity: parity, root: root,
            original: [.data: bytes, .hash: try InputFile.contents(of: hash.path)],
            paths: [.data: data, .hash: hash.path], stored: try folder.write("parity", stored))
    }

    /// Overwrites whole blocks with other bytes; hash blocks are counted from the tree's start.
    private func spoil(_ device: Device, data: [Int], tree: [Int] = []) throws {
        for (side, blocks, start) in [
            (VerityRepair.Device.data, data, 0), (.hash, tree, device.area.treeOffset),
        ] {
            var bytes = try #require(device.original[side])
            for block in blocks {
                for at in 0..<512 { bytes[start + block * 512 + at] ^= 0xA5 }
            }
            try OutputFile.write(bytes, to: try #require(device.paths[side]))
        }
    }

    private func repair(_ device: Device) throws -> VerityRepair.Outcome {
        let data = try #require(device.paths[.data])
        let hash = try #require(device.paths[.hash])
        let job = try VerityRepair(
            device.parity, data: InputFile(data), hash: InputFile(hash), stored: InputFile(device.stored),
            root: device.root)
        let files = [VerityRepair.Device.data: try ExistingFile(data), .hash: try ExistingFile(hash)]
        return try job.run { try files[$0]?.write($2, at: $1) }
    }

    private func isWhole(_ device: Device) throws -> Bool {
        try device.paths.allSatisfy { try InputFile.contents(of: $0.value) == device.original[$0.key] }
    }

    @Test("mends as many known wrong blocks of a row as there are roots", arguments: [2, 7])
    func mendsRow(roots: Int) throws {
        let device = try device(blocks: 700, roots: roots)
        let row = (0..<roots).map { 1 + $0 * device.parity.rounds }
        try spoil(device, data: row)
        let outcome = try repair(device)
        #expect(outcome.beyondRepair == nil)
        #expect(outcome.mended.count == roots)
        #expect(try isWhole(device))
    }

    @Test("says which block is beyond repair and leaves it alone", arguments: [2, 3])
    func beyondRepair(roots: Int) throws {
        let device = try device(blocks: 700, roots: roots)
        try spoil(device, data: (0...roots).map { 2 + $0 * device.parity.rounds } + [4])
        let outcome = try repair(device)
        #expect(outcome.mended == [.data(block: 4, offset: 4 * 512)])
        #expect(outcome.beyondRepair?.place == .data(block: 2, offset: 2 * 512))
    }

    /// The top hash block and wrong data below it: the data is known to be wrong only when the tree is right again.
    @Test("mends the tree from its top, then the data", arguments: [4])
    func mendsTree(roots: Int) throws {
        let device = try device(blocks: 700, roots: roots)
        let tree = Array(0..<device.area.parameters.hashBlocks)
        try spoil(device, data: [3, 4, 699], tree: [tree[0], tree[1], tree[tree.count - 1]])
        let outcome = try repair(device)
        #expect(outcome.beyondRepair == nil)
        #expect(try isWhole(device))
    }

    /// The last hash block and data block 690 below it share a row, and nobody can judge the latter before the former:
    /// with two roots that is beyond repair, with three the one in doubt is found as an error.
    @Test("mends a hash block with a wrong block below it in its row", arguments: [2, 3])
    func mendsDoubtful(roots: Int) throws {
        let device = try device(blocks: 700, roots: roots)
        #expect(device.parity.rounds == 3)
        try spoil(device, data: [690], tree: [device.area.parameters.hashBlocks - 1])
        let outcome = try repair(device)
        #expect((outcome.beyondRepair == nil) == (roots == 3))
        #expect(try isWhole(device) == (roots == 3))
    }

    @Test("wrong parity is found, and never gets into the data")
    func wrongParity() throws {
        let device = try device(blocks: 300, roots: 2)
        var bytes = try InputFile.contents(of: device.stored)
        bytes[700] ^= 1
        bytes[bytes.count - 1] ^= 1
        try OutputFile.write(bytes, to: device.stored)
        let wrong = try device.parity.wrongBlocks(
            data: InputFile(try #require(device.paths[.data])), hash: InputFile(try #require(device.paths[.hash])),
            parity: InputFile(device.stored))
        #expect(wrong == [700 / 512, (bytes.count - 1) / 512])
        try OutputFile.write([UInt8](repeating: 0xEE, count: bytes.count), to: device.stored)
        try spoil(device, data: [9])
        let outcome = try repair(device)
        #expect(outcome.mended.isEmpty)
        #expect(outcome.beyondRepair?.place == .data(block: 9, offset: 9 * 512))
    }

    @Test("refuses what the format has no room for")
    func refuses() throws {
        let device = try device(blocks: 300, roots: 2)
        let area = device.area
        for roots in [-1, 0, 1, 25, 255] {
            #expect(throws: VerityError.self) { try VerityParity(area, roots: roots, hashEnd: area.end) }
        }
        #expect(throws: VerityError.self) { try VerityParity(area, offset: 100, hashEnd: area.end) }
        #expect(throws: VerityError.self) { try VerityParity(area, hashEnd: area.end - 1) }
        let unequal = try VerityParameters(dataBlockSize: 4096, hashBlockSize: 512, salt: [], dataBlocks: 4)
        #expect(throws: VerityError.self) { try VerityParity(VerityHashArea(unequal, uuid: nil), hashEnd: 1 << 20) }
        try OutputFile.write([1, 2, 3], to: device.stored)
        #expect(throws: VerityError.self) { try repair(device) }
    }

    @Test("the kernel's table and the long options state all of the parity")
    func arguments() throws {
        let device = try device(blocks: 300, roots: 2)
        let target = VerityTarget(
            device.area.parameters, root: device.root, hashStart: device.area.hashStart,
            parity: (device.parity, "/dev/vdc"), signature: ("/sig.p7s", "cryptsetup:root"))
        let covered = device.parity.coveredBlocks
        #expect(
            target.table(data: "a", hash: "b").hasSuffix(
                "11 panic_on_corruption use_fec_from_device /dev/vdc fec_roots 2 fec_blocks \(covered) fec_start 0 "
                    + "root_hash_sig_key_desc cryptsetup:root"))
        let words = target.veritysetupArguments(name: "root", data: "a", hash: "b")
        #expect(
            Array(words.suffix(4)) == [
                "--fec-device=/dev/vdc", "--fec-offset=0", "--fec-roots=2", "--root-hash-signature=/sig.p7s",
            ])
        #expect(target.systemdArguments(data: "a", hash: "b").last?.contains("fec-device=/dev/vdc") == true)
    }
}
