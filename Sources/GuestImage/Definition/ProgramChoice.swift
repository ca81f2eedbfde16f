internal import DiskFormats
internal import Documents

/// Which program a name stands for (update-alternatives(1)): `root.alternatives`.
public struct ProgramChoice: Sendable, Hashable {
    public var name: String
    /// The path by which it is called; /usr/bin and the name if not given.
    var link: FileTree.Path
    /// The program.
    var path: FileTree.Path
}

extension ProgramChoice {
    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        name = try decoder.string("name")
        guard let names = GuestPath.components(of: "/" + name), names.count == 1 else {
            throw decoder.error("name", "found '\(name)', expected the name of a program")
        }
        if let node = decoder.optionalNode("link") {
            link = try guestPath(node, decoder.pathOf("link"))
        } else {
            link = FileTree.Path("usr/bin/\(name)")
        }
        path = try guestPath(decoder.node("path"), decoder.pathOf("path"))
        try decoder.finish()
    }

    var document: Value {
        .object([
            ("name", .string(name)), ("link", .string(link.description)), ("path", .string(path.description)),
        ])
    }

    static let schema = JSONSchema.object(
        [
            ("name", .text("The name of a program.", pattern: #"^(?!\.{1,2}$)[^/]+$"#)),
            ("link", .guestPath("By which path it is called; /usr/bin/NAME if not given.")), ("path", .guestPath()),
        ], optional: ["link"])
}
