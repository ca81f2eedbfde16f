public import DiskFormats

/// What a definition and its packages come to before anything is written: the trees and the boot files.
public struct ImageContents: Sendable {
    public var root: FileTree
    public var initrd: FileTree
    /// The kernel as the firmware loads it.
    public var kernel: FileTree.Content
    /// What `uname -r` says of it.
    public var kernelRelease: String
    /// The EFI stub that unified kernel images start with.
    public var stub: FileTree.Content
    /// The scripts of the root's packages, none of which was run.
    public var scripts: [ScriptVerdict]
}

/// Turns packages into the contents of an image.
public enum ImageRecipe {
    /// Rises whenever the same definition and packages would give other trees.
    public static let formatRevision = 1

    private static let stubPath: FileTree.Path = "usr/lib/systemd/boot/efi/linuxx64.efi.stub"

    /// The contents of an image by a definition that was resolved for its variant.
    ///
    /// `packages` holds each locked package once; `layers` is the tree that stands in their place in the root.
    public static func contents(
        of definition: ImageDefinition, packages: [PackageFiles], layers: FileTree? = nil, overlays: OverlayFiles
    ) throws -> ImageContents {
        let kernel = try packages.named(definition.kernelPackage)
        let stub = try packages.named(definition.stubPackage)
        let kernelTree = try PackageMerge.tree(of: [kernel], epoch: definition.epoch)
        let stubTree = try PackageMerge.tree(of: [stub], epoch: definition.epoch)
        let modules = try KernelModules(kernelTree, package: kernel.package)
        let chosen = try definition.root.packages.map { name throws in try packages.named(name) }
        let coverage = try ScriptCoverage(of: chosen, accepted: definition.root.setup.scripts)
        let tree =
            try layers.map { layers throws in try root(definition, layers, overlays: overlays) }
            ?? root(definition, chosen, coverage.rules, overlays: overlays)
        try coverage.check(tree)
        return ImageContents(
            root: tree,
            initrd: try initrd(definition, packages, modules, overlays: overlays),
            kernel: try kernelTree.file(FileTree.Path("boot/vmlinuz-\(modules.release)"), of: kernel.package),
            kernelRelease: modules.release,
            stub: try stubTree.file(stubPath, of: stub.package), scripts: coverage.verdicts)
    }

    private static func root(
        _ definition: ImageDefinition, _ chosen: [PackageFiles], _ rules: [ScriptRule], overlays: OverlayFiles
    ) throws -> FileTree {
        let whole = try PackageMerge.tree(of: chosen, epoch: definition.epoch)
        var tree = definition.root.edits.filtered(whole)
        try tree.addMergedLinks(epoch: Int64(definition.epoch))
        try definition.root.edits.apply(to: &tree, packages: whole, overlays: overlays, epoch: definition.epoch)
        let generated = GeneratedFiles(
            setup: definition.root.setup, packages: chosen, rules: rules, whole: whole, epoch: definition.epoch)
        try generated.add(to: &tree)
        return tree
    }

    /// A root made of layers. They have a layout of their own: nothing is rewritten, and no links are added.
    private static func root(
        _ definition: ImageDefinition, _ layers: FileTree, overlays: OverlayFiles
    ) throws -> FileTree {
        var tree = definition.root.edits.filtered(layers)
        try definition.root.edits.apply(to: &tree, packages: layers, overlays: overlays, epoch: definition.epoch)
        return tree
    }

    private static func initrd(
        _ definition: ImageDefinition, _ packages: [PackageFiles], _ modules: KernelModules, overlays: OverlayFiles
    ) throws -> FileTree {
        let epoch = Int64(definition.epoch)
        let boot = [definition.kernelPackage, definition.stubPackage]
        let all = try PackageMerge.tree(of: packages.filter { !boot.contains($0.package) }, epoch: definition.epoch)
        var tree = FileTree()
        tree[.root] = FileTree.Entry(.directory, mode: 0o755, mtime: epoch)
        try tree.addMergedLinks(epoch: epoch)
        var closure = LibraryClosure(from: all, into: tree)
        for program in definition.initrd.programs { try closure.add(program) }
        tree = closure.tree
        try add(definition.initrd, modules, to: &tree, epoch: epoch)
        try definition.initrd.edits.apply(to: &tree, packages: all, overlays: overlays, epoch: definition.epoch)
        return tree
    }

    /// Adds the modules, unpacked, and the lists that the initrd's first process loads in order:
    /// `/etc/assay/modules`, which must load, and `/etc/assay/modules.optional`, which may refuse.
    private static func add(
        _ initrd: ImageDefinition.Initrd, _ modules: KernelModules, to tree: inout FileTree, epoch: Int64
    ) throws {
        let required = try modules.closure(of: initrd.modules)
        let optional = try modules.closure(of: initrd.optionalModules, excluding: Set(required.map(\.name)))
        for module in required + optional {
            tree[module.path] = FileTree.Entry(.file(.bytes(module.contents)), mode: 0o644, mtime: epoch)
        }
        for (name, list) in [("modules", required), ("modules.optional", optional)] {
            let text = list.map { $0.path.description + "\n" }.joined()
            tree[FileTree.Path("etc/assay/\(name)")] = FileTree.Entry(
                .file(.bytes(Array(text.utf8))), mode: 0o644, mtime: epoch)
        }
    }
}

extension [PackageFiles] {
    fileprivate func named(_ name: String) throws(ImageError) -> PackageFiles {
        guard let package = first(where: { $0.package == name }) else {
            throw ImageError(
                "package \(name)", "is named in the definition, but the lock does not have it",
                hint: "run 'assay lock' and commit the lock")
        }
        return package
    }
}

extension FileTree {
    fileprivate func file(_ path: Path, of package: String) throws(ImageError) -> Content {
        guard case .file(let content)? = self[path]?.kind else {
            throw ImageError("package \(package)", "has no file \(path)", hint: "name another package there")
        }
        return content
    }
}
