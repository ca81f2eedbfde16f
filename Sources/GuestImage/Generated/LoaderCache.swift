private import Bytes
internal import DiskFormats

/// /etc/ld.so.cache: where the loader finds each library (`glibc-ld.so.cache1.1`, little-endian; the layout is that of
/// glibc's sysdeps/generic/dl-cache.h, without extensions).
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 20 | `glibc-ld.so.cache1.1` |
/// | 20 | 4 | number of libraries |
/// | 24 | 4 | bytes of the strings |
/// | 28 | 1 | 2: little-endian |
/// | 32 | 4 | offset of extensions, 0 for none |
/// | 48 | 24 each | flags, offset of the name, offset of the path, OS version, hardware capabilities (8) |
///
/// Offsets of strings count from the file's start. Entries stand in falling order of names, in which digits are
/// compared as numbers; the loader searches by halves.
struct LoaderCache {
    struct Library: Hashable {
        var name: [UInt8]
        var path: [UInt8]
    }

    private(set) var libraries: [Library] = []

    /// ELF library of libc 6, x86-64.
    private static let flags: UInt32 = 0x0303

    /// Folders after those of ld.so.conf.
    private static let systemFolders: [FileTree.Path] = [
        "lib/x86_64-linux-gnu", "usr/lib/x86_64-linux-gnu", "lib", "usr/lib",
    ]

    /// Collects the libraries of a tree as `ldconfig` does: from the folders that /etc/ld.so.conf names, in order, then
    /// from the loader's own; of two paths to one folder the first counts.
    init(of tree: FileTree) throws {
        var seen: Set<FileTree.Path> = []
        let entries = tree.sorted
        for folder in try Self.folders(of: tree) + Self.systemFolders {
            let place = tree.resolved(folder)
            guard seen.insert(place).inserted else { continue }
            try add(entries.filter { $0.path.parent == place }.map(\.path), in: folder, of: tree)
        }
        libraries = Self.sorted(libraries)
    }

    /// Folders of /etc/ld.so.conf and what it includes.
    private static func folders(of tree: FileTree) throws -> [FileTree.Path] {
        let start: FileTree.Path = "etc/ld.so.conf"
        guard tree[start] != nil else { return [] }
        var result: [FileTree.Path] = []
        for line in try lines(tree.text(start)) {
            guard line.hasPrefix("include ") else {
                result.append(FileTree.Path(line))
                continue
            }
            guard let pattern = PathPattern(String(line.dropFirst("include ".count)).trimmingBlanks) else {
                throw ImageError(start.description, "includes '\(line)', expected an absolute path")
            }
            for (path, entry) in tree.sorted where pattern.covers(path.components) && entry.kind != .directory {
                result += try lines(tree.text(path)).map { FileTree.Path($0) }
            }
        }
        return result
    }

    private static func lines(_ text: String) -> [String] {
        text.split(separator: "\n").map { String($0.prefix { $0 != "#" }).trimmingBlanks }.filter { !$0.isEmpty }
    }

    private mutating func add(_ paths: [FileTree.Path], in folder: FileTree.Path, of tree: FileTree) throws {
        var names: Set<[UInt8]> = []
        for path in paths where Self.isLibrary(path.name) {
            let file = tree.resolved(path)
            guard case .file(let content)? = tree[file]?.kind else { continue }
            let bytes = try content.bytes(limit: 256 << 20)
            guard ELFImage.isELF(bytes) else { continue }
            let image = try bytes.withReader(source: path.description) { (reader) throws(FormatError) in
                try ELFImage(parsing: &reader)
            }
            let own = image.libraryName ?? file.name
            // A link to the file of the library's own name is a name for the linker; other links lead to the same file.
            let name = file != path && file.name == own ? path.name : own
            guard names.insert(name).inserted else { continue }
            libraries.append(Library(name: name, path: Array("/".utf8) + folder.bytes + Array("/".utf8) + name))
        }
    }

    private static func isLibrary(_ name: [UInt8]) -> Bool {
        let text = String(decoding: name, as: UTF8.self)
        return (text.hasPrefix("lib") || text.hasPrefix("ld-")) && text.contains(".so") && !text.hasSuffix(".py")
    }

    /// Falling by name; those of one name stay in the order in which they were found.
    static func sorted(_ libraries: [Library]) -> [Library] {
        libraries.enumerated().sorted { a, b in
            let order = compare(a.element.name, b.element.name)
            return order == 0 ? a.offset < b.offset : order > 0
        }.map(\.element)
    }

    /// Compares names with runs of digits as numbers, as the loader does.
    private static func compare(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var a = a[...]
        var b = b[...]
        func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
        while let x = a.first {
            guard let y = b.first else { return 1 }
            switch (isDigit(x), isDigit(y)) {
            case (true, false): return 1
            case (false, true): return -1
            case (true, true):
                let m = a.prefix(while: isDigit).drop { $0 == 0x30 }
                let n = b.prefix(while: isDigit).drop { $0 == 0x30 }
                if m.count != n.count { return m.count - n.count }
                if m != n { return m.lexicographicallyPrecedes(n) ? -1 : 1 }
                a = a.drop(while: isDigit)
                b = b.drop(while: isDigit)
            case (false, false):
                if x != y { return Int(x) - Int(y) }
                a = a.dropFirst()
                b = b.dropFirst()
            }
        }
        return b.isEmpty ? 0 : -1
    }

    /// The file.
    var bytes: [UInt8] {
        let start = 48 + 24 * libraries.count
        var strings: [UInt8] = []
        var places: [(name: Int, path: Int)] = []
        for library in libraries {
            let path = start + strings.count
            strings += library.path + [0]
            // The name is the path's end.
            places.append((name: path + library.path.count - library.name.count, path: path))
        }
        var file = ByteWriter()
        file.append(text: "glibc-ld.so.cache1.1")
        file.append(UInt32(libraries.count))
        file.append(UInt32(strings.count))
        file.append(UInt32(2))
        file.append(repeating: 0, count: 16)
        for place in places {
            file.append(Self.flags)
            file.append(UInt32(place.name))
            file.append(UInt32(place.path))
            file.append(repeating: 0, count: 12)
        }
        file.append(strings)
        return file.bytes
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        return String(drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
