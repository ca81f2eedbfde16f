internal import Bytes
internal import DiskFormats
internal import Documents
private import Packages

extension TreeEdits {
    /// Reads the keys of edits from an object that may have others; only a tree of whole packages has something to
    /// leave out.
    init(_ decoder: inout ObjectDecoder, ofWholePackages: Bool) throws(DocumentError) {
        self.init()
        if ofWholePackages {
            exclude = try Self.patterns(decoder.optionalList("exclude"))
            include = try Self.patterns(decoder.optionalList("include"))
        }
        for (node, path) in try decoder.optionalList("directories") {
            directories.append(try Directory(ObjectDecoder(node, path: path)))
        }
        for (node, path) in try decoder.optionalList("files") {
            files.append(try File(ObjectDecoder(node, path: path)))
        }
        for (node, path) in try decoder.optionalList("links") {
            links.append(try Link(ObjectDecoder(node, path: path)))
        }
        var seen: Set<FileTree.Path> = []
        for path in paths where !seen.insert(path).inserted {
            throw DocumentError(decoder.location, path: decoder.path, "\(path) is given twice")
        }
    }

    private static func patterns(_ list: [(node: Node, path: String)]) throws(DocumentError) -> [PathPattern] {
        var result: [PathPattern] = []
        for (node, path) in list {
            let text = try ObjectDecoder.string(node, path: path)
            guard let pattern = PathPattern(text) else {
                throw DocumentError(node.location, path: path, "found '\(text)', expected a pattern that starts with /")
            }
            result.append(pattern)
        }
        return result
    }
}

extension TreeEdits.Directory {
    fileprivate init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        path = try decoder.guestPath("path")
        mode = try decoder.mode(default: 0o755)
        (uid, gid) = try decoder.owner()
        try decoder.finish()
    }
}

extension TreeEdits.File {
    fileprivate init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        path = try decoder.guestPath("path")
        var sources: [TreeEdits.Source] = []
        if let overlay = try decoder.optionalString("from") {
            guard let names = GuestPath.components(of: "/" + overlay), !names.isEmpty else {
                throw decoder.error("from", "found '\(overlay)', expected a path below the definition's directory")
            }
            sources.append(.overlay(overlay))
        }
        if let text = try decoder.optionalString("text") { sources.append(.text(text)) }
        if let node = decoder.optionalNode("copy") {
            sources.append(.package(try GuestImage.guestPath(node, decoder.pathOf("copy"))))
        }
        if let address = try decoder.optionalString("url") {
            guard SourceRequest.isAddress(address) else {
                throw decoder.error("url", "found '\(address)', expected an http, https or file address")
            }
            sources.append(.download(address, digest: try decoder.sha256("sha256")))
        }
        guard let source = sources.first, sources.count == 1 else {
            throw decoder.error("path", "needs exactly one of 'from', 'text', 'copy' and 'url', found \(sources.count)")
        }
        self.source = source
        mode = try decoder.mode(default: 0o644)
        (uid, gid) = try decoder.owner()
        try decoder.finish()
    }
}

extension TreeEdits.Link {
    fileprivate init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        path = try decoder.guestPath("path")
        target = try decoder.string("to")
        guard (1..<4096).contains(target.utf8.count), !target.utf8.contains(0) else {
            throw decoder.error("to", "expected 1 to 4095 bytes without NUL")
        }
        try decoder.finish()
    }
}

extension ObjectDecoder {
    fileprivate mutating func guestPath(_ key: String) throws(DocumentError) -> FileTree.Path {
        let node = try node(key)
        return try GuestImage.guestPath(node, pathOf(key))
    }

    /// Permission bits as three or four octal digits.
    fileprivate mutating func mode(default usual: UInt16) throws(DocumentError) -> UInt16 {
        guard let text = try optionalString("mode") else { return usual }
        guard (3...4).contains(text.utf8.count), !text.hasPrefix("+"), let mode = UInt16(text, radix: 8) else {
            throw error("mode", "found '\(text)', expected three or four octal digits such as 0755")
        }
        return mode
    }

    fileprivate mutating func owner() throws(DocumentError) -> (UInt32, UInt32) {
        let range = 0...Int(UInt32.max) - 1
        let uid = try optionalInteger("uid", in: range) ?? 0
        let gid = try optionalInteger("gid", in: range) ?? 0
        return (UInt32(uid), UInt32(gid))
    }
}
