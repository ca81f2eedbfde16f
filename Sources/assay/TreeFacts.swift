import Bytes
import DiskFormats
import Documents
import Hashing

/// What `inspect` says about the files of a file system.
enum TreeFacts {
    /// Every entry but the root, with its metadata and the digest of its contents.
    static func files(of tree: FileTree) throws -> Value {
        .array(of: try tree.sorted.dropFirst().map { try .object(facts(of: $0.entry, at: $0.path)) })
    }

    private static func facts(of entry: FileTree.Entry, at path: FileTree.Path) throws -> [(String, Value)] {
        let digits = String(entry.mode, radix: 8)
        let mode = String(repeating: "0", count: max(0, 4 - digits.utf8.count)) + digits
        var facts: [(String, Value)] = [("path", .string(path.description))]
        facts += try kind(entry.kind)
        facts += [
            ("mode", .string(mode)), ("uid", .integer(Int64(entry.uid))), ("gid", .integer(Int64(entry.gid))),
            ("mtime", .integer(entry.mtime)),
        ]
        if !entry.xattrs.isEmpty {
            let sorted = entry.xattrs.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
            facts.append(("xattrs", .object(sorted.map { ($0.key, .string($0.value.hex)) })))
        }
        return facts
    }

    private static func kind(_ kind: FileTree.Kind) throws -> [(String, Value)] {
        switch kind {
        case .directory: return [("type", .string("directory")), ("size", .count(0))]
        case .file(let content):
            var hash = Hash(.sha256)
            try content.forEachChunk { hash.update($0) }
            return [
                ("type", .string("file")), ("size", .count(content.count)), ("sha256", .string(hash.finish().hex)),
            ]
        case .symlink(let target):
            return [
                ("type", .string("symlink")), ("size", .count(target.count)),
                ("target", .string(String(decoding: target, as: UTF8.self))),
            ]
        case .hardLink(let first):
            return [("type", .string("hardLink")), ("size", .count(0)), ("target", .string(first.description))]
        case .characterDevice(let major, let minor):
            return [("type", .string("characterDevice")), ("size", .count(0)), ("device", device(major, minor))]
        case .blockDevice(let major, let minor):
            return [("type", .string("blockDevice")), ("size", .count(0)), ("device", device(major, minor))]
        case .fifo: return [("type", .string("fifo")), ("size", .count(0))]
        case .socket: return [("type", .string("socket")), ("size", .count(0))]
        }
    }

    private static func device(_ major: UInt32, _ minor: UInt32) -> Value { .string("\(major):\(minor)") }

    /// A broken part is said to be broken and does not hide the rest.
    static func valueOrError(_ result: Result<Value, any Error>) -> Value {
        switch result {
        case .success(let value): value
        case .failure(let error): .object([("error", .string("\(error)"))])
        }
    }
}
