import ArgumentParser
import Bytes
import DiskFormats
import Documents
import GuestImage
import Hashing

/// `assay oci tree`: the files that an image's layers come to.
struct OCITreeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tree",
        abstract: "List the files that an image's layers come to, with mode, owner and SHA-256.",
        discussion: "Whiteouts are applied; nothing is written anywhere. Times are left out, as an image has its own.")

    @OptionGroup var options: OCIOptions
    @Flag(help: "List devices and pipes too; else they are an error, as in a build.")
    var devices = false
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let entries = try options.withTree { tree, _ in
            try tree.tree(epoch: 0, keepsDevices: devices).sorted.map { try Self.facts($0.path, $0.entry) }
        }
        if json {
            print(ReadableJSON.encode(.array(of: entries.map { .object($0) })), terminator: "")
        } else {
            for entry in entries { print(Console.escape(Self.line(entry))) }
        }
    }

    private static func facts(_ path: FileTree.Path, _ entry: FileTree.Entry) throws -> [(String, Value)] {
        var facts: [(String, Value)] = [
            ("path", .string(path.description)), ("mode", .string(String(entry.mode, radix: 8))),
            ("uid", .count(Int(entry.uid))), ("gid", .count(Int(entry.gid))),
        ]
        switch entry.kind {
        case .directory: facts.append(("kind", .string("directory")))
        case .file(let content):
            var hash = Hash(.sha256)
            try content.forEachChunk { (chunk: RawSpan) in hash.update(chunk) }
            facts += [
                ("kind", .string("file")), ("size", .count(content.count)), ("sha256", .string(hash.finish().hex)),
            ]
        case .symlink(let target):
            facts += [("kind", .string("link")), ("target", .string(String(decoding: target, as: UTF8.self)))]
        case .hardLink(let target): facts += [("kind", .string("name")), ("of", .string(target.description))]
        case .characterDevice(let major, let minor):
            facts += [("kind", .string("character device")), ("device", .string("\(major):\(minor)"))]
        case .blockDevice(let major, let minor):
            facts += [("kind", .string("block device")), ("device", .string("\(major):\(minor)"))]
        case .fifo: facts.append(("kind", .string("pipe")))
        case .socket: facts.append(("kind", .string("socket")))
        }
        if !entry.xattrs.isEmpty {
            facts.append(
                ("xattrs", .object(entry.xattrs.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value.hex)) })))
        }
        return facts
    }

    private static func line(_ facts: [(String, Value)]) -> String {
        facts.map { name, value in
            switch value {
            case .string(let text): text
            case .integer(let number): String(number)
            case .object(let members): members.map { "\($0.key)" }.joined(separator: ",")
            default: name
            }
        }.joined(separator: " ")
    }
}
