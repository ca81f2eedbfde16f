/// What loader.conf says about which entry starts (loader.conf(5); systemd, `config_defaults_load_from_file`).
struct LoaderConfiguration {
    /// `default`: a pattern of entry names in lower case, or `@saved`.
    private(set) var defaultEntry: String?
    /// Keys that choose in a way that no rule here covers.
    private(set) var uncovered: [String] = []

    init(_ bytes: [UInt8]) {
        for (key, value) in LoaderLines(bytes).pairs {
            switch key {
            case "default":
                // Other words with an at sign are ignored.
                if value.hasPrefix("@"), value.asciiLowercased != "@saved" { continue }
                defaultEntry = value.asciiLowercased
            // systemd 258 and later.
            case "preferred", "sysfail": uncovered.append(key)
            default: continue
            }
        }
    }
}

/// One thing that systemd's boot loader can start.
struct LoaderEntry {
    enum Kind: Hashable {
        /// A kernel with its initrds: paths on the volume.
        case linux
        /// Another EFI program.
        case program
        /// A unified kernel image, with the number of its profile.
        case unified(profile: Int)
    }

    var kind: Kind
    /// Path of the program, with backslashes.
    var program: String
    /// The file's name without its counters, in lower case; `@` and a profile behind it.
    var id: String
    var idWithoutProfile: String?
    var sortKey: String?
    var version: String?
    var machineID: String?
    var options: String?
    /// Paths with backslashes.
    var initrds: [String] = []
    var devicetree: String?
    /// Further keys that make the loader measure what no rule here covers.
    var uncovered: [String] = []
    /// Nil without counters in the file's name.
    var tries: Tries?

    struct Tries: Hashable {
        var left: Int
        var done: Int
    }
}

extension LoaderEntry {
    /// An entry of type 1 (UAPI.1, Boot Loader Specification); nil for one that is left out: without a program, for
    /// another architecture, or for the loader itself.
    ///
    /// - Parameter loader: path of the loader that reads it, with backslashes.
    init?(type1 bytes: [UInt8], name: String, loader: String) {
        self.init(kind: .linux, program: "", id: "")
        for (key, value) in LoaderLines(bytes).pairs {
            switch key {
            case "sort-key": sortKey = value
            case "version": version = value
            case "machine-id": machineID = value
            case "linux":
                kind = .linux
                program = Self.path(value)
            case "efi":
                kind = .program
                program = Self.path(value)
                if program.asciiLowercased == loader.asciiLowercased { return nil }
            case "architecture": if value.asciiLowercased != "x64" { return nil }
            case "devicetree": devicetree = Self.path(value)
            case "initrd": initrds.append(Self.path(value))
            case "options": options = options.map { $0 + " " + value } ?? value
            // systemd 258 and later.
            case "uki", "uki-url", "extra", "profile": uncovered.append(key)
            default: continue
            }
        }
        guard !program.isEmpty || !uncovered.isEmpty else { return nil }
        takeName(name, suffix: ".conf")
    }

    /// Backslashes for slashes, one for several.
    private static func path(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            let character: Unicode.Scalar = character == "/" ? "\\" : character
            if character == "\\", result.unicodeScalars.last == "\\" { continue }
            result.unicodeScalars.append(character)
        }
        return result
    }

    /// Sets the name, without `+LEFT` or `+LEFT-DONE` in front of the suffix; a name with counters keeps its case.
    mutating func takeName(_ name: String, suffix: String) {
        id = name.asciiLowercased
        let stem = name.utf8.dropLast(suffix.utf8.count)
        guard id.hasSuffix(suffix), let plus = stem.lastIndex(of: UInt8(ascii: "+")) else { return }
        let counters = stem[stem.index(after: plus)...].split(
            separator: UInt8(ascii: "-"), maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = counters.compactMap { Self.number($0) }
        guard numbers.count == counters.count else { return }
        tries = Tries(left: numbers[0], done: numbers.count > 1 ? numbers[1] : 0)
        id = String(decoding: stem[..<plus], as: UTF8.self) + suffix
    }

    private static func number(_ digits: Substring.UTF8View) -> Int? {
        guard !digits.isEmpty, digits.allSatisfy({ (0x30...0x39).contains($0) }),
            let value = Int32(String(decoding: digits, as: UTF8.self))
        else { return nil }
        return Int(value)
    }
}

extension LoaderEntry {
    /// Whether `a` stands before `b` in the menu (systemd, `boot_entry_compare`).
    static func precedes(_ a: LoaderEntry, _ b: LoaderEntry) -> Bool { order(a, b) < 0 }

    private static func order(_ a: LoaderEntry, _ b: LoaderEntry) -> Int {
        func flags(_ first: Bool, _ second: Bool) -> Int { (first ? 1 : 0) - (second ? 1 : 0) }
        var steps = [
            { flags(a.tries?.left == 0, b.tries?.left == 0) },
            { flags(a.sortKey == nil, b.sortKey == nil) },
        ]
        if let first = a.sortKey, let second = b.sortKey {
            steps.append { units(first, second) }
            steps.append { units(a.machineID, b.machineID) }
            steps.append { -VersionOrder.compare(a.version ?? "", b.version ?? "") }
        }
        steps.append { -VersionOrder.compare(a.idWithoutProfile ?? a.id, b.idWithoutProfile ?? b.id) }
        if case .unified(let first) = a.kind, case .unified(let second) = b.kind, first > 0, second > 0 {
            steps.append { first - second }
        }
        if let first = a.tries, let second = b.tries {
            steps.append { second.left - first.left }
            steps.append { first.done - second.done }
        }
        for step in steps {
            let result = step()
            if result != 0 { return result }
        }
        return 0
    }

    /// By UTF-16 units; nothing at all stands before everything.
    private static func units(_ a: String?, _ b: String?) -> Int {
        guard let a, let b else { return (a == nil ? 0 : 1) - (b == nil ? 0 : 1) }
        return a.utf16.elementsEqual(b.utf16) ? 0 : a.utf16.lexicographicallyPrecedes(b.utf16) ? -1 : 1
    }
}
