import Bytes
import Documents
import Hashing
import Verity

/// What is said about a hash area: the lines that veritysetup prints, or JSON.
struct VerityFacts {
    var area: VerityHashArea
    /// Name of the hash device.
    var name: String
    var root: Digest?
    var parity: VerityParity?

    private var parameters: VerityParameters { area.parameters }
    private var uuid: String { area.uuid.flatMap { GUID(textOrder: $0) }?.description ?? "" }

    /// Labels are padded as veritysetup pads them, for whoever cuts its output into columns.
    var text: String {
        var lines = [
            "UUID:            \t" + uuid, "Hash type:       \t\(parameters.format.rawValue)",
            "Data blocks:     \t\(parameters.dataBlocks)", "Data block size: \t\(parameters.dataBlockSize)",
            "Hash blocks:     \t\(parameters.hashBlocks)", "Hash block size: \t\(parameters.hashBlockSize)",
            "Hash algorithm:  \t" + parameters.algorithm.rawValue,
        ]
        if let parity {
            lines.append("FEC RS roots:   \t\(parity.roots)")
            lines.append("FEC blocks:     \t\(parity.byteCount / parameters.dataBlockSize)")
        }
        lines.append("Salt:            \t" + (parameters.salt.isEmpty ? "-" : parameters.salt.hex))
        if let root { lines.append("Root hash:      \t" + root.hex) }
        lines.append("Hash device size: \t\(area.end) [bytes]")
        if let parity { lines.append("FEC device size: \t\(parity.offset + parity.byteCount) [bytes]") }
        return (["VERITY header information for " + Console.escape(name)] + lines).map { $0 + "\n" }.joined()
    }

    var document: Value {
        var members: [(String, Value)] = [
            ("hashDevice", .string(name)), ("superblock", .bool(area.uuid != nil)),
            ("hashType", .count(Int(parameters.format.rawValue))), ("dataBlocks", .count(parameters.dataBlocks)),
            ("dataBlockSize", .count(parameters.dataBlockSize)), ("hashBlocks", .count(parameters.hashBlocks)),
            ("hashBlockSize", .count(parameters.hashBlockSize)), ("algorithm", .string(parameters.algorithm.rawValue)),
            ("salt", .string(parameters.salt.hex)), ("hashOffset", .count(area.offset)),
            ("treeOffset", .count(area.treeOffset)), ("end", .count(area.end)),
        ]
        if area.uuid != nil { members.append(("uuid", .string(uuid))) }
        if let root { members.append(("rootHash", .string(root.hex))) }
        if let parity {
            let fec: [(String, Value)] = [
                ("roots", .count(parity.roots)), ("offset", .count(parity.offset)),
                ("blocks", .count(parity.coveredBlocks)), ("size", .count(parity.byteCount)),
            ]
            members.append(("fec", .object(fec)))
        }
        return .object(members)
    }

    func print(json: Bool) {
        Swift.print(json ? ReadableJSON.encode(document) : text, terminator: "")
    }
}
