private import Bytes
import Documents

/// A fw_cfg item that a profile holds itself.
public struct InlineItem: Hashable, Sendable {
    /// Name in fw_cfg; `BootMenu` for the item at selector 0x0E.
    public var name: String
    public var content: Content

    public enum Content: Hashable, Sendable {
        case bytes([UInt8])
        /// So many zero bytes: the event log area that a machine with a TPM has.
        case zeros(Int)
    }

    /// Most bytes that are written into a profile; larger items are blobs.
    public static let inlineLimit = 64

    /// What a captured item is in a profile; nil if it must be a blob.
    public init?(name: String, bytes: [UInt8]) {
        self.name = name
        if bytes.count <= Self.inlineLimit {
            content = .bytes(bytes)
        } else if bytes.allSatisfy({ $0 == 0 }) {
            content = .zeros(bytes.count)
        } else {
            return nil
        }
    }

    /// The item's bytes.
    public var bytes: [UInt8] {
        switch content {
        case .bytes(let bytes): bytes
        case .zeros(let count): [UInt8](repeating: 0, count: count)
        }
    }

    static func list(_ entries: [(node: Node, path: String)]) throws(DocumentError) -> [InlineItem] {
        var items: [InlineItem] = []
        for (node, path) in entries {
            var decoder = try ObjectDecoder(node, path: path)
            let name = try decoder.string("name")
            if let count = try decoder.optionalInteger("zeros", in: 1...1 << 20) {
                items.append(InlineItem(name: name, content: .zeros(count)))
            } else {
                items.append(InlineItem(name: name, content: .bytes(try decoder.hex("hex"))))
            }
            try decoder.finish()
        }
        guard Set(items.map(\.name)).count == items.count else {
            throw DocumentError(entries[0].node.location, path: entries[0].path, "an item is given twice")
        }
        return items
    }

    private init(name: String, content: Content) {
        self.name = name
        self.content = content
    }

    var document: Value {
        switch content {
        case .bytes(let bytes): .object([("name", .string(name)), ("hex", .string(bytes.hex))])
        case .zeros(let count): .object([("name", .string(name)), ("zeros", .count(count))])
        }
    }
}
