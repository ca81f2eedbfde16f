internal import Archives
internal import Bytes

/// Decides which members of a package's data an image may take, and under which path.
///
/// - Names are relative, without `..`; `bin`, `sbin`, `lib*` at the top are rewritten into `usr` before anything else
///   is checked, as on a system whose directories are merged.
/// - Kinds are directory, file, symbolic link and hard link; devices, pipes and extended attributes are refused.
/// - A hard link names a file that came before in the same package.
/// - No path comes twice, except directories, and none lies below something that is no directory.
struct PackageEntryFilter {
    private enum Seen { case directory, file, other }

    let source: String
    private var seen: [[UInt8]: Seen] = [:]

    /// Top-level directories that are links into `usr` (file-hierarchy(7)).
    static let mergedDirectories: Set<[UInt8]> = Set(
        ["bin", "sbin", "lib", "lib32", "lib64", "libo32", "libx32"].map { Array($0.utf8) })

    init(source: String) { self.source = source }

    /// The path under which the image takes the entry; nil if there is nothing to take.
    mutating func accept(_ entry: TarEntry) throws(FormatError) -> [UInt8]? {
        let kind = try kind(of: entry)
        guard entry.xattrs.isEmpty else {
            throw error(entry, "extended attributes", expected: "none; no package of Debian has them")
        }
        let components = try components(entry.path, of: entry, isDirectory: kind == .directory)
        guard !components.isEmpty else {
            guard kind == .directory else { throw error(entry, "the root", expected: "a directory") }
            return nil
        }
        for count in 1..<components.count {
            let parent = Self.joined(components.prefix(count))
            guard seen[parent] ?? .directory == .directory else {
                throw error(
                    entry, "a path below \(String(decoding: parent, as: UTF8.self))", expected: "a directory there")
            }
        }
        let path = Self.joined(components[...])
        guard let before = seen.updateValue(kind, forKey: path) else { return path }
        guard before == .directory, kind == .directory else {
            throw error(entry, "the same path twice", expected: "one entry for a path")
        }
        return nil
    }

    /// The path that a hard link names.
    func linkTarget(_ target: [UInt8], of entry: TarEntry) throws(FormatError) -> [UInt8] {
        let path = Self.joined(try components(target, of: entry, isDirectory: false)[...])
        guard seen[path] == .file else {
            throw error(
                entry, "a hard link to '\(String(decoding: target, as: UTF8.self))'",
                expected: "a link to a file that came before in the package")
        }
        return path
    }

    private func kind(of entry: TarEntry) throws(FormatError) -> Seen {
        switch entry.kind {
        case .directory: return .directory
        case .file, .hardLink: return .file
        case .symlink(let target):
            guard !target.isEmpty, target.count < 4096 else {
                throw error(entry, "a link of \(target.count) bytes", expected: "1 to 4095 bytes")
            }
            return .other
        case .characterDevice, .blockDevice, .fifo:
            throw error(entry, "a device or pipe", expected: "a file, directory or link")
        }
    }

    private func components(
        _ path: [UInt8], of entry: TarEntry, isDirectory: Bool
    ) throws(FormatError) -> [[UInt8]] {
        guard path.first != UInt8(ascii: "/") else {
            throw error(entry, "an absolute path", expected: "a path relative to the root")
        }
        let parts = path.split(separator: UInt8(ascii: "/")).map { Array($0) }.filter { $0 != [0x2E] }
        guard !parts.contains([0x2E, 0x2E]) else {
            throw error(entry, "'..' in a path", expected: "a path inside the root")
        }
        guard parts.allSatisfy({ $0.count <= 255 }) else {
            throw error(entry, "a name of more than 255 bytes", expected: "at most 255")
        }
        // A link named `bin` is base-files' own; what lies in it, or a directory of the name, belongs into usr.
        guard let first = parts.first, Self.mergedDirectories.contains(first), parts.count > 1 || isDirectory else {
            return parts
        }
        return [Array("usr".utf8)] + parts
    }

    private static func joined(_ components: ArraySlice<[UInt8]>) -> [UInt8] {
        Array(components.joined(separator: [UInt8(ascii: "/")]))
    }

    private func error(_ entry: TarEntry, _ found: String, expected: String) -> FormatError {
        FormatError(source: source, field: entry.displayPath, found: found, expected: expected)
    }
}
