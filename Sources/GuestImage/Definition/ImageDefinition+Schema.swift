internal import DiskFormats
public import Documents

extension ImageDefinition {
    /// The form of `image.yaml`.
    public static let schema = JSONSchema.object(
        [
            ("name", .text(pattern: "^[a-z0-9][a-z0-9-]{0,63}$")),
            ("version", .text(pattern: "^[A-Za-z0-9][A-Za-z0-9+.~-]{0,63}$")),
            ("summary", .text("One sentence for people.")), ("architecture", .choice(Architecture.self)),
            ("epoch", .integer(Self.epochs, description: "Every time in the image, in seconds since 1970.")),
            ("archive", .archive), ("kernel", .object([("package", .package)])),
            ("stub", .object([("package", .package)])),
            (
                "root",
                .either([
                    .root(of: [("packages", .packages)], optional: RootSetup.schema),
                    .root(of: [("layers", .rootLayers)], optional: [("devices", .choice(Devices.self))]),
                ])
            ),
            ("initrd", .initrd), ("commandLine", .commandLine), ("debug", .debugChanges),
        ], optional: ["summary", "commandLine", "debug"],
        description: "What goes into an image. No path is given twice in one tree.")
}

extension JSONSchema {
    /// A root made of packages or of layers.
    fileprivate static func root(
        of sources: [(String, JSONSchema)], optional more: [(String, JSONSchema)]
    ) -> JSONSchema {
        .object(
            sources + [("compression", .choice(EROFSWriter.Compression.self))] + more + .edits(ofWholePackages: true),
            optional: ["compression"] + more.map(\.0) + .treeEdits)
    }
}

extension [(String, JSONSchema)] {
    /// The keys of edits to a tree, none of them required.
    fileprivate static func edits(ofWholePackages: Bool) -> Self {
        let pattern = JSONSchema.guestPath("A path; * and ? match within a name, ** any number of names.")
        let owner: Self = [("uid", .owner), ("gid", .owner)]
        let directory = JSONSchema.object(
            [("path", .guestPath()), ("mode", .mode)] + owner, optional: ["mode", "uid", "gid"])
        let sources: Self = [
            (
                "from",
                .text("A file beside the definition.", pattern: #"^(?!\.{1,2}(/|$))[^/]+(/(?!\.{1,2}(/|$))[^/]+)*$"#)
            ),
            ("text", .text("The bytes themselves.")), ("copy", .guestPath("A file of a locked package.")),
        ]
        let file = JSONSchema.either(
            (sources.map { [$0] } + [[("url", .address), ("sha256", .hex(32))]]).map { source in
                .object(
                    [("path", .guestPath())] + source + [("mode", .mode)] + owner, optional: ["mode", "uid", "gid"])
            })
        let link = JSONSchema.object([
            ("path", .guestPath()), ("to", .text("1 to 4095 bytes.", pattern: "^[^\\u0000]+$")),
        ])
        let whole: Self = ofWholePackages ? [("exclude", .list(pattern)), ("include", .list(pattern))] : []
        return whole + [("directories", .list(directory)), ("files", .list(file)), ("links", .list(link))]
    }
}

extension [String] {
    fileprivate static let treeEdits = ["exclude", "include", "directories", "files", "links"]
}

extension JSONSchema {
    static let package = text("The name of a package.", pattern: "^[a-z0-9][a-z0-9+.-]*$")
    fileprivate static let packages = list(package, unique: true)
    fileprivate static let mode = text("Three or four octal digits, quoted.", pattern: "^[0-7]{3,4}$")
    fileprivate static let owner = integer(0...Int(UInt32.max) - 1)

    static func guestPath(_ description: String = "An absolute path of the guest.") -> JSONSchema {
        text(description, pattern: #"^(/(?!\.{1,2}(/|$))[^/]+)+$"#)
    }

    fileprivate static var archive: JSONSchema {
        let suite = object([("name", package), ("components", packages)])
        let key = text("The fingerprint of a key.", pattern: "^[0-9A-F]{40}$")
        return object(
            [
                ("suites", list(suite, minimum: 1)), ("keys", list(key, minimum: 1, unique: true)),
                ("provided", packages),
                ("snapshot", text("A snapshot service's time stamp.", pattern: "^[0-9]{8}T[0-9]{6}Z$")),
            ], optional: ["provided", "snapshot"])
    }

    fileprivate static var initrd: JSONSchema {
        let modules = list(text("The name of a kernel module.", pattern: "^[A-Za-z0-9_-]+$"), unique: true)
        let own: [(String, JSONSchema)] = [
            ("packages", packages), ("programs", list(guestPath())), ("modules", modules),
            ("optionalModules", modules), ("compression", .choice(CPIOArchive.Compression.self)),
        ]
        return object(
            own + .edits(ofWholePackages: false),
            optional: ["programs", "modules", "optionalModules", "compression"] + .treeEdits)
    }

    fileprivate static var commandLine: JSONSchema {
        let reserved = CommandLine.reserved.map { $0.split(separator: ".", omittingEmptySubsequences: false) }
            .map { $0.joined(separator: "\\.") }.joined(separator: "|")
        return list(text("One word; those that Assay sets are refused.", pattern: "^(?!\(reserved))[!-~]+$"))
    }

    fileprivate static var debugChanges: JSONSchema {
        object(
            [
                ("commandLine", commandLine), ("root", object(.edits(ofWholePackages: true), optional: .treeEdits)),
                ("initrd", object(.edits(ofWholePackages: false), optional: .treeEdits)),
            ], optional: ["commandLine", "root", "initrd"])
    }
}
