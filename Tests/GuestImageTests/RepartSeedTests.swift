import Bytes
import Documents
import Files
import GuestImage
import Hashing
import TestSupport
import Testing

@Suite("Identifiers from a systemd-repart seed")
struct RepartSeedTests {
    struct Known: Sendable, CustomTestStringConvertible {
        var value: Value
        var testDescription: String { text(value["name"]) }
        func text(_ value: Value?) -> String { if case .string(let text)? = value { text } else { "" } }

        static var all: [Known] {
            guard let folder = Outside.vectors,
                let bytes = try? InputFile.contents(of: folder + "/verity/public.json"),
                let document = try? JSONReader.parse(bytes, source: "public.json", mode: .foreign),
                case .array(let nodes)? = document.value["vectors"]
            else { return [] }
            return nodes.map { Known(value: $0.value) }.filter { $0.text($0.value["kind"]) == "derive" }
        }
    }

    @Test(
        "known identifiers", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"), arguments: Known.all)
    func derive(vector: Known) throws {
        let seed = RepartSeed(try #require(GUID(vector.text(vector.value["seed"]))))
        let expect = try #require(vector.value["expect"])
        #expect(seed.disk?.description == vector.text(expect["disk_uuid"]))
        #expect(seed.veritySalt.hex == vector.text(expect["verity_salt"]))
        #expect(seed.verityUUID?.description == vector.text(expect["verity_superblock_uuid"]))
        guard case .object(let partitions)? = expect["partitions"] else {
            Issue.record("no partitions")
            return
        }
        for wanted in partitions.map(\.node.value) {
            let type = try #require(GUID(vector.text(wanted["type"])))
            let first = try #require(seed.partition(type))
            #expect(first.description == vector.text(wanted["first_instance_uuid"]))
            #expect(seed.partition(type, instance: 1)?.description == vector.text(wanted["second_instance_uuid"]))
            #expect(seed.fileSystem(in: first)?.description == vector.text(wanted["file_system_uuid"]))
        }
        let root = try #require(Digest(.sha256, hex: vector.text(vector.value["root_hash"])))
        let halves = try #require(RepartSeed.partitions(of: root))
        #expect(halves.data.description == vector.text(expect["data_partition_uuid_from_root_hash"]))
        #expect(halves.hash.description == vector.text(expect["hash_partition_uuid_from_root_hash"]))
    }

    @Test("a root hash too short for two identifiers gives none")
    func short() {
        #expect(RepartSeed.partitions(of: Digest.of([], .sha1)) == nil)
    }
}
