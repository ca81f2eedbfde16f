import Bytes
import Documents
import Files
import Hashing
import TestSupport
import Testing
import Verity

extension Value {
    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
    fileprivate var number: Int? { if case .integer(let number) = self { Int(number) } else { nil } }
    fileprivate var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }
}

/// One known answer as the vectors' file describes it.
private struct Vector: Sendable, CustomTestStringConvertible {
    var value: Value
    var name: String { value["name"]?.text ?? "" }
    var testDescription: String { name }
    var kind: String { value["kind"]?.text ?? "" }
    var isAppended: Bool { value["layout"]?.text == "appended" }
    var hasSuperblock: Bool { value["superblock"]?.flag ?? true }
    var expect: Value { value["expect"] ?? .null }

    func number(_ key: String) -> Int? { value[key]?.number }

    static func all(_ kind: String) -> [Vector] {
        guard let folder = Outside.vectors,
            let bytes = try? InputFile.contents(of: folder + "/verity/public.json"),
            let document = try? JSONReader.parse(bytes, source: "public.json", mode: .foreign),
            case .array(let nodes)? = document.value["vectors"]
        else { return [] }
        return nodes.map { Vector(value: $0.value) }.filter { $0.kind == kind }
    }

    /// The data by the vectors' rules.
    func input() -> [UInt8] {
        let size = number("size") ?? 0
        switch value["input"]?["rule"]?.text {
        case "byte": return Array(repeating: UInt8(value["input"]?["value"]?.number ?? 0), count: size)
        case "marker":
            var bytes = [UInt8](repeating: 0, count: size)
            bytes[value["input"]?["offset"]?.number ?? 0] = UInt8(value["input"]?["value"]?.number ?? 0)
            return bytes
        default: return Self.counterHashes(seed: value["input"]?["seed"]?.text ?? "", size: size)
        }
    }

    /// SHA-256 of `seed:0`, `seed:1`, …; numbers of equal length are hashed together.
    private static func counterHashes(seed: String, size: Int) -> [UInt8] {
        let count = (size + 31) / 32
        var result: [UInt8] = []
        result.reserveCapacity(count * 32)
        var first = 0
        while first < count {
            let end = min(count, first == 0 ? 10 : first * 10)
            var messages: [UInt8] = []
            for number in first..<end { messages += Array((seed + ":" + String(number)).utf8) }
            result += BlockHasher(.sha256, blockSize: messages.count / (end - first)).digests(of: messages.raw)
            first = end
        }
        return Array(result.prefix(size))
    }

    /// The area; throws what Assay says about parameters outside of the format.
    func area(dataSize: Int) throws -> VerityHashArea {
        guard let algorithm = HashAlgorithm(rawValue: value["hash"]?.text ?? "") else {
            throw VerityError(.parameter, "unknown hash")
        }
        guard let format = VerityParameters.Format(rawValue: UInt32(number("hash_type") ?? 1)) else {
            throw VerityError(.parameter, "unknown format")
        }
        let blockSize = number("data_block_size") ?? 4096
        let parameters = try VerityParameters(
            algorithm: algorithm, format: format, dataBlockSize: blockSize,
            hashBlockSize: number("hash_block_size") ?? 4096, salt: [UInt8](hex: value["salt"]?.text ?? "") ?? [],
            dataBlocks: number("data_blocks") ?? dataSize / blockSize)
        let uuid = GUID(value["uuid"]?.text ?? "")?.textOrder
        return try VerityHashArea(parameters, uuid: hasSuperblock ? uuid : nil, offset: number("hash_offset") ?? 0)
    }
}

@Suite("dm-verity known answers", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct VerityVectorTests {
    private let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    /// Formats the vector's data; gives the area, the root hash and the paths of data and hash file.
    private func format(_ vector: Vector) throws -> (area: VerityHashArea, root: Digest, data: String, hash: String) {
        let input = vector.input()
        let data = try folder.write("data", input)
        let area = try vector.area(dataSize: input.count)
        if vector.isAppended { try area.requireBehindData() }
        let output = try OutputFile(folder.file(vector.isAppended ? "image" : "hash"))
        if vector.isAppended { try output.append(input) }
        let root = try area.build(over: InputFile(data)) { try output.write($1, at: $0) }
        try output.commit()
        return (area, root, vector.isAppended ? output.path : data, output.path)
    }

    private func parity(_ vector: Vector, _ area: VerityHashArea, hashSize: Int) throws -> VerityParity? {
        guard let roots = vector.number("fec_roots") else { return nil }
        let isOnHash = vector.value["fec_layout"]?.text?.hasPrefix("same file") == true
        return try VerityParity(area, roots: roots, offset: isOnHash ? hashSize : 0, hashEnd: hashSize)
    }

    @Test("format gives veritysetup's root hash and its bytes", arguments: Vector.all("format"))
    private func format(vector: Vector) throws {
        guard vector.expect["ok"]?.flag == true else {
            #expect(throws: VerityError.self) {
                let made = try format(vector)
                _ = try parity(vector, made.area, hashSize: made.area.end)
            }
            return
        }
        let made = try format(vector)
        #expect(made.root.hex == vector.expect["root_hash"]?.text)
        #expect(made.area.parameters.dataBlocks == vector.expect["data_blocks"]?.number)
        var bytes = try InputFile.contents(of: made.hash)
        if let digest = vector.expect["hash_file_sha256"]?.text {
            #expect(bytes.count == vector.expect["hash_file_size"]?.number)
            #expect(Digest.of(bytes, .sha256).hex == digest)
        }
        if let parity = try parity(vector, made.area, hashSize: bytes.count) {
            var stored: [UInt8] = []
            try parity.build(data: InputFile(made.data), hash: InputFile(made.hash)) { stored += $1 }
            if let digest = vector.expect["fec_sha256"]?.text {
                #expect(stored.count == vector.expect["fec_size"]?.number)
                #expect(Digest.of(stored, .sha256).hex == digest)
            } else {
                bytes += stored
            }
        }
        if let digest = vector.expect["image_sha256"]?.text {
            #expect(bytes.count == vector.expect["image_size"]?.number)
            #expect(Digest.of(bytes, .sha256).hex == digest)
        }
        try made.area.verify(InputFile(made.data), hash: InputFile(made.hash), root: made.root)
    }

    @Test("verify agrees and names the block", arguments: Vector.all("verify"))
    private func verify(vector: Vector) throws {
        let made = try format(vector)
        var root = try #require(Digest(.sha256, hex: vector.value["root_hash"]?.text ?? ""))
        #expect(made.root == root || vector.value["corrupt"] == .null)
        if let change = vector.value["corrupt"], change != .null {
            let path = change["file"]?.text == "data" ? made.data : made.hash
            var bytes = try InputFile.contents(of: path)
            bytes[change["offset"]?.number ?? 0] ^= UInt8(change["xor"]?.number ?? 0)
            try OutputFile.write(bytes, to: path)
        } else if root == made.root {
            root = .zero(.sha256)
        }
        let outcome = Result {
            let hash = try InputFile(made.hash)
            let head = try hash.read(at: 0, count: VeritySuperblock.byteCount)
            let superblock = try head.withReader(source: "hash") { try VeritySuperblock(parsing: &$0) }
            try VerityHashArea(superblock).verify(InputFile(made.data), hash: hash, root: root)
        }
        switch outcome {
        case .success: #expect(vector.expect["ok"]?.flag == true)
        case .failure(let error):
            #expect(vector.expect["ok"]?.flag == false, "\(error)")
            guard vector.value["corrupt"]?["file"]?.text == "data", let error = error as? VerityError else { return }
            let changed = vector.value["corrupt"]?["offset"]?.number ?? 0
            #expect(error.place == .data(block: changed / 4096, offset: changed / 4096 * 4096))
        }
    }
}
