internal import Bytes
internal import DiskFormats
public import Documents

extension ImageDefinition {
    /// Decodes `image.yaml`. An unknown, duplicate, missing or mistyped key is an error with line and key path.
    public init(_ node: Node) throws(DocumentError) {
        var top = try ObjectDecoder(node)
        name = try top.word("name", "lower-case letters, digits and hyphens") { isName($0) }
        version = try top.word("version", "letters, digits, '.', '+', '~' and hyphens") { isVersion($0) }
        summary = try top.optionalString("summary") ?? ""
        architecture = try top.choice("architecture")
        epoch = UInt32(try top.integer("epoch", in: Self.epochs))
        archive = try Archive(top.object("archive"))
        kernelPackage = try Self.package(of: top.object("kernel"))
        stubPackage = try Self.package(of: top.object("stub"))
        root = try Root(top.object("root"))
        initrd = try Initrd(top.object("initrd"))
        commandLine = try top.commandLine()
        debug = try top.optionalObject("debug").map { decoder throws(DocumentError) in try DebugChanges(decoder) }
        try top.finish()
    }

    /// From 1980-01-01 on: FAT knows no earlier time.
    static let epochs = 315_532_800...Int(Int32.max)

    private static func package(of decoder: ObjectDecoder) throws(DocumentError) -> String {
        var decoder = decoder
        let name = try decoder.word("package", "the name of a package") { isPackageName($0) }
        try decoder.finish()
        return name
    }
}

extension ImageDefinition.Archive {
    fileprivate init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        suites = []
        for (node, path) in try decoder.list("suites") {
            var inner = try ObjectDecoder(node, path: path)
            let name = try inner.word("name", "the name of a suite") { isSuite($0) }
            let components = try inner.distinct("components", "a component such as main") { isPackageName($0) }
            try inner.finish()
            suites.append(ImageDefinition.Suite(name: name, components: components))
        }
        keys = try decoder.distinct("keys", "40 upper-case hex digits, the fingerprint of a key") {
            $0.utf8.count == 40 && $0 == $0.uppercased() && [UInt8](hex: $0) != nil
        }
        provided = try decoder.optionalDistinct("provided", "the name of a package") { isPackageName($0) }
        snapshot = try decoder.snapshot()
        guard !suites.isEmpty else { throw decoder.error("suites", "is empty; name at least one suite") }
        guard !keys.isEmpty else {
            throw decoder.error("keys", "is empty; without a key no index of the archive can be believed")
        }
        try decoder.finish()
    }
}

extension ImageDefinition.Root {
    fileprivate init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        layers = try decoder.rootLayers()
        devices = try layers.isEmpty ? .refuse : decoder.optionalChoice("devices") ?? .refuse
        packages =
            try layers.isEmpty
            ? decoder.distinct("packages", "the name of a package") { isPackageName($0) } : []
        if !layers.isEmpty, decoder.has("packages") {
            throw decoder.error("packages", "a root is made either of packages or of layers")
        }
        compression = try decoder.optionalChoice("compression") ?? .none
        // It stands for what packages' scripts do; a root of layers has no packages.
        setup = try layers.isEmpty ? RootSetup(&decoder) : RootSetup()
        edits = try TreeEdits(&decoder, ofWholePackages: true)
        try decoder.finish()
    }
}

extension ImageDefinition.Initrd {
    fileprivate init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        packages = try decoder.distinct("packages", "the name of a package") { isPackageName($0) }
        compression = try decoder.optionalChoice("compression") ?? .none
        programs = []
        for (node, path) in try decoder.optionalList("programs") {
            programs.append(try guestPath(node, path))
        }
        modules = try decoder.optionalDistinct("modules", "the name of a kernel module") { isModule($0) }
        optionalModules = try decoder.optionalDistinct("optionalModules", "the name of a kernel module") {
            isModule($0)
        }
        edits = try TreeEdits(&decoder, ofWholePackages: false)
        try decoder.finish()
    }
}

extension ImageDefinition.DebugChanges {
    fileprivate init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        commandLine = try decoder.commandLine()
        root = try Self.edits(decoder.optionalObject("root"), ofWholePackages: true)
        initrd = try Self.edits(decoder.optionalObject("initrd"), ofWholePackages: false)
        try decoder.finish()
    }

    private static func edits(
        _ decoder: ObjectDecoder?, ofWholePackages: Bool
    ) throws(DocumentError) -> TreeEdits {
        guard var decoder else { return TreeEdits() }
        let edits = try TreeEdits(&decoder, ofWholePackages: ofWholePackages)
        try decoder.finish()
        return edits
    }
}

extension ObjectDecoder {
    /// The words of a kernel command line; those that a rule adds are refused.
    fileprivate mutating func commandLine() throws(DocumentError) -> [String] {
        var words: [String] = []
        for (node, path) in try optionalList("commandLine") {
            let word = try Self.string(node, path: path)
            guard !word.isEmpty, word.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
                throw DocumentError(node.location, path: path, "found '\(word)', expected one word of printable ASCII")
            }
            if let reserved = CommandLine.reserved.first(where: { word.hasPrefix($0) }) {
                throw DocumentError(
                    node.location, path: path, "'\(reserved)' is set by Assay",
                    hint: "remove the word; it follows from the image itself")
            }
            words.append(word)
        }
        return words
    }

    /// A string that fits a rule.
    fileprivate mutating func word(
        _ key: String, _ expected: String, _ fits: (String) -> Bool
    ) throws(DocumentError) -> String {
        let text = try string(key)
        guard fits(text) else { throw error(key, "found '\(text)', expected \(expected)") }
        return text
    }

    /// Strings that fit a rule, none of them twice.
    fileprivate mutating func distinct(
        _ key: String, _ expected: String, _ fits: (String) -> Bool
    ) throws(DocumentError) -> [String] {
        try Self.distinct(try list(key), expected, fits)
    }

    fileprivate mutating func optionalDistinct(
        _ key: String, _ expected: String, _ fits: (String) -> Bool
    ) throws(DocumentError) -> [String] {
        try Self.distinct(try optionalList(key), expected, fits)
    }

    private static func distinct(
        _ list: [(node: Node, path: String)], _ expected: String, _ fits: (String) -> Bool
    ) throws(DocumentError) -> [String] {
        var result: [String] = []
        for (node, path) in list {
            let text = try string(node, path: path)
            guard fits(text) else {
                throw DocumentError(node.location, path: path, "found '\(text)', expected \(expected)")
            }
            guard !result.contains(text) else {
                throw DocumentError(node.location, path: path, "'\(text)' is listed twice")
            }
            result.append(text)
        }
        return result
    }
}

/// An absolute path of the guest.
func guestPath(_ node: Node, _ path: String) throws(DocumentError) -> FileTree.Path {
    let text = try ObjectDecoder.string(node, path: path)
    guard let names = GuestPath.components(of: text) else {
        throw DocumentError(
            node.location, path: path, "found '\(text)', expected an absolute path without '.', '..' or empty names")
    }
    return FileTree.Path(components: names)
}

private func isName(_ text: String) -> Bool {
    guard let first = text.utf8.first, first != UInt8(ascii: "-") else { return false }
    return text.utf8.count <= 64 && text.utf8.allSatisfy { isLowerOrDigit($0) || $0 == UInt8(ascii: "-") }
}

private func isVersion(_ text: String) -> Bool {
    guard let first = text.utf8.first, isAlphanumeric(first) else { return false }
    return text.utf8.count <= 64 && text.utf8.allSatisfy { isAlphanumeric($0) || "+-.~".utf8.contains($0) }
}

/// Debian Policy 4.7, §5.6.1.
func isPackageName(_ text: String) -> Bool {
    guard let first = text.utf8.first, isLowerOrDigit(first) else { return false }
    return text.utf8.allSatisfy { isLowerOrDigit($0) || "+-.".utf8.contains($0) }
}

private func isSuite(_ text: String) -> Bool {
    isPackageName(text)
}

private func isModule(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { isAlphanumeric($0) || "-_".utf8.contains($0) }
}

private func isLowerOrDigit(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
}

private func isAlphanumeric(_ byte: UInt8) -> Bool {
    isLowerOrDigit(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
}
