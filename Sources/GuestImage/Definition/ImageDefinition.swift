public import DiskFormats
public import Documents
public import Hashing

/// What goes into an image: `images/NAME/image.yaml`, decoded strictly.
///
/// Every byte of a build follows from this value, the overlay files that it names, the lock, and Assay's format
/// revisions.
public struct ImageDefinition: Sendable, Hashable {
    /// Lower-case letters, digits and hyphens; names the output directory.
    public var name: String
    /// Rises whenever the image is to have other bytes.
    public var version: String
    public var summary: String
    public var architecture: Architecture
    /// Every time in the image, in seconds since 1970 (SOURCE_DATE_EPOCH).
    public var epoch: UInt32
    public var archive: Archive
    /// Package of the kernel and its modules.
    public var kernelPackage: String
    /// Package of the EFI stub that starts the kernel.
    public var stubPackage: String
    public var root: Root
    public var initrd: Initrd
    /// Words of the kernel command line beside those that a rule adds.
    public var commandLine: [String]
    /// What the `debug` variant changes; nil if there is none.
    public var debug: DebugChanges?

    public enum Architecture: String, Sendable, CaseIterable {
        case amd64
    }

    /// Which package archive is asked, and by which keys it is believed.
    public struct Archive: Sendable, Hashable {
        public var suites: [Suite]
        /// Fingerprints of the OpenPGP keys that may sign its indexes, upper-case hex.
        public var keys: [String]
        /// Names of packages that count as installed while resolving, so that they are not drawn in.
        public var provided: [String]
        /// Time stamp of a snapshot service (`20261101T000000Z`) to ask in place of today's archive; nil for that.
        public var snapshot: String?
    }

    public struct Suite: Sendable, Hashable {
        public var name: String
        public var components: [String]
    }

    /// The root file system: exactly these packages, edited.
    public struct Root: Sendable, Hashable {
        public var packages: [String]
        /// What the root is made of in place of packages, the lowest first.
        public var layers: [RootLayer] = []
        public var devices = Devices.refuse
        /// How `root.erofs` stores files.
        public var compression: EROFSWriter.Compression
        /// What stands for the packages' scripts.
        public var setup = RootSetup()
        public var edits: TreeEdits
    }

    /// The initial RAM file system: single files of packages, edited.
    public struct Initrd: Sendable, Hashable {
        /// Packages that its files come from.
        public var packages: [String]
        /// Programs of those packages, each with its loader and libraries.
        public var programs: [FileTree.Path]
        /// Kernel modules by name, each with what it depends on; the start fails without one.
        public var modules: [String]
        /// Modules that refuse to load where their hardware is missing, which is no failure.
        public var optionalModules: [String]
        /// How `initrd` stores its archive.
        public var compression: CPIOArchive.Compression
        public var edits: TreeEdits
    }

    /// What the `debug` variant adds to the image or replaces in it.
    public struct DebugChanges: Sendable, Hashable {
        public var commandLine: [String]
        public var root: TreeEdits
        public var initrd: TreeEdits
    }
}

/// Which form of an image is built. Each has measurements of its own.
public enum ImageVariant: String, Sendable, CaseIterable {
    /// What is published: no login and no shell.
    case release
    /// For looking inside; refused by verifiers unless their policy names it.
    case debug
}

extension ImageDefinition {
    /// Names of all packages that the image takes something from, sorted.
    public var packages: [String] {
        Set(root.packages + initrd.packages + [kernelPackage, stubPackage]).sorted()
    }

    /// Relative paths of the overlay files of both variants, sorted.
    public var overlays: [String] {
        let edits = [root.edits, initrd.edits] + (debug.map { [$0.root, $0.initrd] } ?? [])
        let paths = edits.flatMap(\.files).compactMap { file in
            if case .overlay(let path) = file.source { path } else { nil }
        }
        return Set(paths).sorted()
    }

    /// The definition of a variant by itself: what `debug` changes is merged in, and nothing is left to choose.
    public func resolved(for variant: ImageVariant) throws(ImageError) -> ImageDefinition {
        var result = self
        result.debug = nil
        guard variant == .debug else { return result }
        guard let debug else {
            throw ImageError("image \(name)", "has no debug variant", hint: "add 'debug' to its definition")
        }
        result.commandLine += debug.commandLine
        result.root.edits = root.edits.followed(by: debug.root)
        result.initrd.edits = initrd.edits.followed(by: debug.initrd)
        return result
    }

    /// SHA-256 over the canonical JSON of the decoded definition; spelling and comments of the YAML do not enter.
    public func digest() throws(DocumentError) -> Digest {
        .of(try CanonicalJSON.encode(document), .sha256)
    }
}
