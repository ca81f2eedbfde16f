internal import DiskFormats
private import Packages

/// What is made in a root in place of its packages' scripts, once all files of packages and definition are in it.
///
/// The definition has the last word: nothing is made where it has something already.
struct GeneratedFiles {
    let setup: RootSetup
    let packages: [PackageFiles]
    /// The rules for the packages' scripts.
    let rules: [ScriptRule]
    /// All files of the packages, those too that the root leaves out.
    let whole: FileTree
    let epoch: UInt32

    func add(to tree: inout FileTree) throws {
        for rule in rules { try add(rule, to: &tree) }
        for choice in setup.alternatives {
            guard tree[choice.path] != nil else {
                throw ImageError(
                    choice.path.description, "is not in the root, and '\(choice.name)' is to stand for it",
                    hint: "check 'alternatives'")
            }
            Self.link(choice.name, choice.link, to: choice.path, in: &tree, epoch: epoch)
        }
        try addAccounts(to: &tree)
        if !setup.sysctl.isEmpty {
            let text = setup.sysctl.map { "\($0.name) = \($0.value)\n" }.joined()
            try require(free: "etc/sysctl.d/90-image.conf", in: tree, key: "sysctl")
            tree.addDefault("etc/sysctl.d/90-image.conf", text, epoch: epoch)
        }
        try tree.addParents(epoch: Int64(epoch))
        if let units = setup.units { try UnitEnablement.add(units, to: &tree, epoch: epoch) }
        if has("ca-certificates") { try CertificateFolder(whole).add(to: &tree, epoch: epoch) }
        if setup.packageStatus {
            let path: FileTree.Path = "var/lib/dpkg/status"
            try require(free: path, in: tree, key: "packageStatus")
            tree.addDefault(path, PackageStatus.text(of: packages.compactMap(\.control)), epoch: epoch)
        }
        // Of the whole tree, so last.
        if has("libc-bin"), tree["etc/ld.so.cache"] == nil {
            tree["etc/ld.so.cache"] = FileTree.Entry(
                .file(.bytes(try LoaderCache(of: tree).bytes)), mode: 0o644, mtime: Int64(epoch))
        }
        try tree.addParents(epoch: Int64(epoch))
    }

    private func has(_ package: String) -> Bool { packages.contains { $0.package == package } }

    private func require(free path: FileTree.Path, in tree: FileTree, key: String) throws(ImageError) {
        guard tree[path] == nil else {
            throw ImageError(
                path.description, "is in the root already, and '\(key)' makes it", hint: "leave one of the two out")
        }
    }

    private func add(_ rule: ScriptRule, to tree: inout FileTree) throws {
        for item in rule.defaults {
            switch item.source {
            case .text(let text): tree.addDefault(item.path, text, mode: item.mode, epoch: epoch)
            case .link(let target): tree.addDefaultLink(item.path, to: target, epoch: epoch)
            case .copy(let path):
                tree.addDefault(item.path, try whole.text(path), mode: item.mode, epoch: epoch)
            }
        }
        let chosen = Set(setup.alternatives.map(\.name))
        for choice in rule.alternatives where tree[choice.path] != nil && !chosen.contains(choice.name) {
            Self.link(choice.name, choice.link, to: choice.path, in: &tree, epoch: epoch)
        }
    }

    /// The two links of update-alternatives(1).
    private static func link(
        _ name: String, _ link: FileTree.Path, to path: FileTree.Path, in tree: inout FileTree, epoch: UInt32
    ) {
        tree.addDefaultLink(link, to: "/etc/alternatives/\(name)", epoch: epoch)
        tree.addDefaultLink(FileTree.Path("etc/alternatives/\(name)"), to: path.description, epoch: epoch)
    }

    /// The accounts, unless the definition has files of its own for them.
    private func addAccounts(to tree: inout FileTree) throws {
        let isAsked = !setup.users.isEmpty || !setup.groups.isEmpty
        guard has("base-passwd"), tree["etc/passwd"] == nil else {
            guard !isAsked else {
                throw ImageError(
                    "root.users",
                    tree["etc/passwd"] == nil
                        ? "needs the first accounts of base-passwd"
                        : "would change /etc/passwd, which the definition makes",
                    hint: tree["etc/passwd"] == nil ? "add base-passwd to the packages" : "leave one of the two out")
            }
            return
        }
        try AccountFiles(setup: setup, epoch: epoch).add(to: &tree, packages: whole)
    }
}
