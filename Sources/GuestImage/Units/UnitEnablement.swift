internal import DiskFormats

/// Makes the links below /etc/systemd/system that `systemctl enable`, `mask` and `set-default` would make.
struct UnitEnablement {
    private let tree: FileTree
    private let entries: [(path: FileTree.Path, entry: FileTree.Entry)]
    /// Targets of links by their path.
    private(set) var links: [FileTree.Path: String] = [:]
    private var done: Set<String> = []

    private static let top: FileTree.Path = "etc/systemd/system"
    private static let folders: [FileTree.Path] = [top, "usr/local/lib/systemd/system", "usr/lib/systemd/system"]

    init(in tree: FileTree) {
        self.tree = tree
        entries = tree.sorted
    }

    /// Adds the links of the settings to a tree that has all units.
    static func add(_ settings: UnitSettings, to tree: inout FileTree, epoch: UInt32) throws {
        var enablement = UnitEnablement(in: tree)
        try enablement.apply(settings)
        for (path, target) in enablement.links {
            if case .symlink(let present)? = tree[path]?.kind, present == Array(target.utf8) { continue }
            guard tree[path] == nil else {
                throw ImageError(
                    path.description, "is there already, and 'units' makes it a link to \(target)",
                    hint: "leave one of the two out of the definition")
            }
            tree[path] = FileTree.Entry(.symlink(Array(target.utf8)), mode: 0o777, mtime: Int64(epoch))
        }
        try tree.addParents(epoch: Int64(epoch))
    }

    private mutating func apply(_ settings: UnitSettings) throws {
        if settings.presets {
            let presets = try UnitPresets(of: tree)
            for name in unitFiles() where !settings.disable.contains(name) && !settings.mask.contains(name) {
                guard case .enable(let instances) = presets.verdict(on: name), let unit = UnitName(name) else {
                    continue
                }
                guard try read(name).isInstallable else { continue }
                // A template without instances is enabled only if it has one of its own.
                if unit.isTemplate, instances.isEmpty, try read(name).defaultInstance == nil { continue }
                let names = unit.isTemplate && !instances.isEmpty ? instances.map { unit.instantiated($0) } : [name]
                for name in names { try enable(name, mentionedBy: nil) }
            }
        }
        for name in settings.enable { try enable(name, mentionedBy: nil) }
        for name in settings.disable { try requireDisabled(name) }
        for name in settings.mask { links[Self.path(name)] = "/dev/null" }
        if let target = settings.defaultTarget {
            links[Self.path("default.target")] = try file(of: target, mentionedBy: nil).description
        }
    }

    /// Names of the tree's unit files, without those that are links to others, sorted.
    private func unitFiles() -> [String] {
        var names: Set<String> = []
        for (path, entry) in entries where Self.folders.contains(path.parent) {
            guard case .file = entry.kind, let name = String(validating: path.name, as: UTF8.self),
                let unit = UnitName(name), unit.instance == nil || unit.isTemplate
            else { continue }
            names.insert(name)
        }
        return names.sorted()
    }

    /// Makes the links of one unit and of those that go with it.
    mutating func enable(_ name: String, mentionedBy other: String?) throws {
        guard done.insert(name).inserted else { return }
        let path = try file(of: name, mentionedBy: other)
        let install = try read(name)
        guard install.isInstallable else {
            // With others a unit may go that is started by other means.
            guard other == nil else { return }
            throw ImageError(
                "unit \(name)", "has nothing in [Install], so enabling it would do nothing",
                hint: "something else starts it, or nothing does; leave it out of 'enable'")
        }
        guard var unit = UnitName(name) else { throw ImageError("unit \(name)", "is no name of a unit") }
        if unit.isTemplate {
            guard let instance = install.defaultInstance, let whole = UnitName(unit.instantiated(instance)) else {
                throw ImageError(
                    "unit \(name)", "is a template without a DefaultInstance=",
                    hint: "enable an instance, e.g. '\(unit.instantiated("NAME"))'")
            }
            unit = whole
        }
        for (kind, targets) in [
            ("wants", install.wantedBy), ("requires", install.requiredBy), ("upholds", install.upheldBy),
        ] {
            for target in targets {
                let owner = try expanded(target, unit)
                links[Self.path("\(owner).\(kind)/\(unit.text)")] = path.description
            }
        }
        for alias in install.aliases {
            let text = try expanded(alias, unit)
            guard let aliasName = UnitName(text), aliasName.suffix == unit.suffix else {
                throw ImageError("unit \(name)", "has the alias \(alias), which is no unit of its type")
            }
            let whole = aliasName.isTemplate ? unit.instance.map { aliasName.instantiated($0) } ?? text : text
            links[Self.path(whole)] = path.description
        }
        for companion in install.also { try enable(try expanded(companion, unit), mentionedBy: name) }
    }

    /// Requires that a unit is started by no link of a package, which only masking stops.
    private func requireDisabled(_ name: String) throws {
        _ = try file(of: name, mentionedBy: nil)
        let bytes = Array(name.utf8)
        for (path, _) in entries where path.name == bytes {
            guard path.parent.hasSuffix(".wants") || path.parent.hasSuffix(".requires") else { continue }
            throw ImageError(
                "unit \(name)", "is started by \(path), which is a package's or the definition's own",
                hint: "list the unit under 'mask', or exclude that path")
        }
    }

    private static func path(_ below: String) -> FileTree.Path {
        FileTree.Path(components: top.components + FileTree.Path(below).components)
    }

    /// The file of a unit, an alias followed to what it stands for.
    private func file(of name: String, mentionedBy other: String?) throws(ImageError) -> FileTree.Path {
        let names = [name] + (UnitName(name)?.template.map { [$0] } ?? [])
        for candidate in names {
            for folder in Self.folders {
                let path = FileTree.Path(components: folder.components + [Array(candidate.utf8)])
                guard tree[path] != nil else { continue }
                let file = tree.resolved(path)
                guard case .file? = tree[file]?.kind else {
                    throw ImageError("unit \(name)", "is masked by \(path)", hint: "leave it out of 'enable'")
                }
                return file
            }
        }
        throw ImageError(
            "unit \(name)",
            (other.map { "goes with \($0) and " } ?? "") + "is in no package and no file of the definition",
            hint: "check the name, and that 'exclude' does not leave it out")
    }

    private func read(_ name: String) throws -> UnitFile {
        let path = try file(of: name, mentionedBy: nil)
        var unit = UnitFile()
        unit.read(try tree.text(path))
        var dropIns: [[UInt8]: FileTree.Path] = [:]
        for folder in Self.folders {
            let own = FileTree.Path(components: folder.components + [Array(name.utf8) + Array(".d".utf8)])
            for (path, _) in entries
            where path.parent == own && path.hasSuffix(".conf") && dropIns[path.name] == nil {
                dropIns[path.name] = path
            }
        }
        for (_, path) in dropIns.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            unit.read(try tree.text(path))
        }
        return unit
    }

    /// The specifiers that [Install] may use.
    private func expanded(_ text: String, _ unit: UnitName) throws(ImageError) -> String {
        var result = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            guard character == "%" else {
                result.append(character)
                continue
            }
            switch rest.popFirst() {
            case "%": result += "%"
            case "i": result += unit.instance ?? ""
            case "p": result += unit.prefix
            case "n": result += unit.text
            case "N": result += unit.text.dropLast(unit.suffix.count)
            default:
                throw ImageError(
                    "unit \(unit.text)", "has '\(text)' in [Install]; of the specifiers %i, %n, %N and %p are known")
            }
        }
        return result
    }
}
