private import Bytes
internal import DiskFormats
internal import EventLogs
internal import Files
import Trace

/// GRUB running its configuration: every command as a string in PCR 8, every file that it opens in PCR 9.
///
/// Checked with Debian's GRUB 2.12 alone. A straight line of commands is computed, the default menu entry among them; what
/// is more than that is named as not computed.
struct GRUBRun {
    var chain: BootChain
    let image: GRUBImage
    let shim: ShimImage
    private var environment: GRUBEnvironment
    private var menu: [MenuEntry] = []
    private var kernel: (line: String, initrd: [MeasuredEvent.Piece])?
    private var depth = 0
    /// Whether the kernel was started: nothing follows.
    private var isDone = false
    private let origin: String

    private struct MenuEntry {
        /// The title and further parameters.
        var parameters: [String]
        var id: String?
        /// The commands between the braces; nil for a submenu.
        var commands: String?
        var place: String
    }

    /// GRUB's name of the partition: one disk, the partition by its number.
    private var device: String { "hd0,gpt\(chain.volume.partition)" }

    init(_ chain: BootChain, _ image: GRUBImage, _ shim: ShimImage, prefix: String) {
        self.chain = chain
        self.image = image
        self.shim = shim
        origin = "GRUB \(image.version): straight-line commands of its configuration; nobody presses a key"
        environment = GRUBEnvironment(device: "hd0,gpt\(chain.volume.partition)", prefix: prefix)
    }

    /// From the first configuration to the start of a kernel.
    mutating func run() throws {
        let name = (environment["prefix"] ?? "") + "/grub.cfg"
        try checkLists(of: environment["prefix"] ?? "")
        let file = try resolve(name)
        // The first configuration is opened twice (seen with Debian's 2.12).
        try measure(file, as: name)
        try configuration(file, as: name)
        guard isDone else {
            throw GRUBNotComputed(reason: "\(file.path) ends without a kernel or a menu entry to start")
        }
    }

    // MARK: Events

    private var measures: Bool { chain.machine.platform == .tpm }

    /// A string: its event names what it is, the digest covers the text alone.
    private mutating func measure(_ kind: String, _ text: String) throws {
        guard measures else { return }
        try chain.events.append(
            "\(kind): \(text)", pcr: 8, .ipl, content: [.init(kind, .literal(Array(text.utf8)))],
            data: Array("\(kind): \(text)".utf8) + [0], origin: origin)
    }

    private mutating func measure(_ file: BootVolume.File, as name: String) throws {
        guard measures else { return }
        let artifact = chain.add(file)
        try chain.events.append(
            "file \(name)", pcr: 9, .ipl, content: [try chain.events.contents.whole(artifact)],
            data: Array(name.utf8) + [0], origin: origin)
    }

    // MARK: Configurations and menus

    /// Reads a configuration, then starts its default entry.
    private mutating func configuration(_ file: BootVolume.File, as name: String) throws {
        try source(file, as: name)
        guard !isDone, !menu.isEmpty else { return }
        guard let timeout = environment["timeout"], let seconds = Int(timeout), seconds >= 0 else {
            throw GRUBNotComputed(reason: "\(file.path): without a timeout the menu waits for a key")
        }
        let entry = try defaultEntry()
        guard let commands = entry.commands else {
            throw GRUBNotComputed(reason: "\(entry.place): the default entry is a submenu")
        }
        environment.enterEntry()
        try measure("grub_cmd", (["setparams"] + entry.parameters).joined(separator: " "))
        try execute(GRUBScript(Array(commands.utf8), name: "\(entry.place), entry", isFile: false))
        if !isDone {
            guard kernel != nil else { throw GRUBNotComputed(reason: "\(entry.place): the entry loads no kernel") }
            try boot()
        }
    }

    private mutating func source(_ file: BootVolume.File, as name: String) throws {
        guard depth < 8 else {
            throw GRUBNotComputed(reason: "\(file.path): configurations call each other too deeply")
        }
        depth += 1
        try measure(file, as: name)
        try execute(GRUBScript(try chain.text(of: file), name: file.path, isFile: true))
        depth -= 1
    }

    /// The entry that `default` names: by number, by identifier or title, or else the first.
    private func defaultEntry() throws(GRUBNotComputed) -> MenuEntry {
        let wanted = environment["default"] ?? "0"
        guard !wanted.contains(">") else { throw GRUBNotComputed(reason: "'default' names an entry of a submenu") }
        if let number = Int(wanted) { return menu.indices.contains(number) ? menu[number] : menu[0] }
        return menu.first { $0.id == wanted || $0.parameters.first == wanted } ?? menu[0]
    }

    // MARK: Commands

    private mutating func execute(_ script: GRUBScript) throws {
        var script = script
        while !isDone, let command = try script.command() {
            let words = try environment.expand(command, of: script)
            guard let name = words.first else { continue }
            try measure("grub_cmd", (words + (command.block.map { [$0] } ?? [])).joined(separator: " "))
            try execute(name, Array(words.dropFirst()), command, script)
        }
    }

    /// Commands that print or wait, and change nothing that is measured.
    private static let harmless: Set<String> = ["echo", "true", "clear", "cls", "sleep"]

    private mutating func execute(
        _ name: String, _ words: [String], _ command: GRUBScript.Command, _ script: GRUBScript
    ) throws {
        func stop(_ reason: String) -> GRUBNotComputed { script.stop(reason, at: command.line) }
        guard command.block == nil || name == "menuentry" || name == "submenu" else {
            throw stop("'\(name)' with a block is not computed")
        }
        switch name {
        case "set":
            guard let word = words.first, words.count == 1 else { throw stop("'set' without one assignment") }
            try assign(word, stop)
        case "unset": for word in words { environment.unset(word) }
        case "export": for word in words { environment.export(word) }
        case "insmod":
            guard words.allSatisfy({ image.modules.contains($0) }) else {
                throw stop("'insmod \(words.joined(separator: " "))' loads a module that is not in GRUB itself")
            }
        case "terminal_output", "terminal_input":
            guard words == ["console"] else { throw stop("'\(name)' with anything but the console is not computed") }
        case "search", "search.fs_uuid", "search.file": try search(name, words, stop)
        case "configfile", "source", ".": try call(name, words, stop)
        case "menuentry", "submenu": menu.append(try entry(name, words, command, script))
        case "linux", "linuxefi": try linux(words, stop)
        case "initrd", "initrdefi": try initrd(words, stop)
        case "boot":
            guard kernel != nil else { throw stop("'boot' without a kernel") }
            try boot()
        default:
            if Self.harmless.contains(name) { return }
            guard name.contains("="), words.isEmpty else { throw stop("'\(name)' is not computed") }
            try assign(name, stop)
        }
    }

    private mutating func assign(_ word: String, _ stop: (String) -> GRUBNotComputed) throws {
        guard let equals = word.firstIndex(of: "=") else { throw stop("'set \(word)' without a value") }
        let name = String(word[..<equals])
        guard environment.set(name, String(word[word.index(after: equals)...])) else {
            throw stop("what follows from setting '\(name)' is not computed")
        }
        if name == "prefix" { try checkLists(of: environment["prefix"] ?? "") }
    }

    /// GRUB reads lists of commands beside its modules, where there are any.
    private func checkLists(of prefix: String) throws(GRUBNotComputed) {
        guard let path = path(of: prefix) else {
            throw GRUBNotComputed(reason: "'prefix' is \(prefix), a file system that is not read here")
        }
        if let file = chain.volume.list(path + "/x86_64-efi").first {
            throw GRUBNotComputed(reason: "\(file.path): what GRUB loads of its modules' folder is not computed")
        }
    }

    private mutating func call(_ name: String, _ words: [String], _ stop: (String) -> GRUBNotComputed) throws {
        guard words.count == 1 else { throw stop("'\(name)' without one file") }
        let file = try resolve(words[0])
        guard name == "configfile" else { return try source(file, as: words[0]) }
        environment.dropOwn()
        menu = []
        try configuration(file, as: words[0])
        guard isDone else { throw stop("\(file.path) comes back without a kernel") }
    }

    private func entry(
        _ name: String, _ words: [String], _ command: GRUBScript.Command, _ script: GRUBScript
    ) throws(GRUBNotComputed) -> MenuEntry {
        guard let block = command.block else { throw script.stop("'\(name)' without a block", at: command.line) }
        var entry = MenuEntry(
            parameters: [], id: nil, commands: name == "menuentry" ? String(block.dropFirst().dropLast()) : nil,
            place: "\(script.name), line \(command.line)")
        var index = 0
        while index < words.count {
            let word = words[index]
            let option = word.hasPrefix("--") ? word.dropFirst(2).split(separator: "=", maxSplits: 1).first : nil
            index += 1
            guard let option else {
                entry.parameters.append(word)
                continue
            }
            guard option != "unrestricted" else { continue }
            guard ["class", "id", "hotkey", "users"].contains(option) else {
                throw script.stop("'\(name)' with \(word) is not computed", at: command.line)
            }
            let value = word.contains("=") ? String(word.drop { $0 != "=" }.dropFirst()) : words[safe: index]
            if !word.contains("=") { index += 1 }
            if option == "id" { entry.id = value }
        }
        guard !entry.parameters.isEmpty else { throw script.stop("'\(name)' without a title", at: command.line) }
        return entry
    }

    // MARK: Files

    /// The path on the partition that a name of GRUB stands for; nil for another device.
    private func path(of name: String) -> String? {
        if name.hasPrefix("(\(device))") { return String(name.dropFirst(device.count + 2)) }
        return name.hasPrefix("/") && environment["root"] == device ? name : nil
    }

    private func resolve(_ name: String) throws(GRUBNotComputed) -> BootVolume.File {
        guard let path = path(of: name) else {
            throw GRUBNotComputed(reason: "\(name) is on a file system that is not read here")
        }
        guard let file = chain.volume.file(path) else { throw GRUBNotComputed(reason: "\(name) is not there") }
        return file
    }

    private mutating func search(_ name: String, _ words: [String], _ stop: (String) -> GRUBNotComputed) throws {
        var isFile = name == "search.file"
        var isSerial = name == "search.fs_uuid"
        var variable: String? = nil
        var rest: [String] = []
        var hasHint = false
        for word in words {
            switch word {
            case "--file", "-f": isFile = true
            case "--fs-uuid", "-u": isSerial = true
            case "--no-floppy", "-n": continue
            case "--set", "-s": variable = "root"
            default:
                if word.hasPrefix("--set=") {
                    variable = String(word.dropFirst(6))
                } else if word.hasPrefix("--hint") {
                    hasHint = true
                } else if word.hasPrefix("-") {
                    throw stop("'\(name)' with \(word) is not computed")
                } else {
                    rest.append(word)
                }
            }
        }
        if name != "search", rest.count > 1 {
            variable = rest[1]
            hasHint = hasHint || rest.count > 2
        }
        guard isFile != isSerial, let wanted = rest.first, name != "search" || rest.count == 1 else {
            throw stop("this form of '\(name)' is not computed")
        }
        if isSerial {
            guard wanted.asciiLowercased == chain.volume.serial.asciiLowercased else {
                throw stop("\(wanted) is no file system that is read here")
            }
        } else {
            // Partitions are looked through in order, and files opened on the way.
            guard !hasHint, chain.volume.partition == 1, wanted.hasPrefix("/"), let file = chain.volume.file(wanted)
            else {
                throw stop("where '\(name)' finds \(wanted) is not computed")
            }
            try measure(file, as: "(\(device))\(wanted)")
        }
        if let variable, !environment.set(variable, device) { throw stop("setting '\(variable)' is not computed") }
    }

    // MARK: Kernel

    private mutating func linux(_ words: [String], _ stop: (String) -> GRUBNotComputed) throws {
        guard let name = words.first else { throw stop("'linux' without a file") }
        guard kernel == nil else { throw stop("a second kernel") }
        let file = try resolve(name)
        let program = try PEImage(file.contents)
        guard try BootProgram(program) == .linux else { throw stop("\(file.path) is no plain Linux kernel") }
        try measure(file, as: name)
        if chain.secureBoot {
            guard try chain.verify(program, shim, file.path) else {
                isDone = true
                return
            }
            let artifact = chain.add(file)
            try chain.events.image(
                "kernel image", pieces: try chain.events.authenticode(of: artifact),
                origin: "shim \(shim.version): GRUB has it verified")
        }
        let line = words.map(Self.escaped).joined(separator: " ")
        try measure("kernel_cmdline", line)
        kernel = ("BOOT_IMAGE=" + line, [])
    }

    /// A word of the command line: quotes and backslashes get a backslash, a word with blanks quotes.
    private static func escaped(_ word: String) -> String {
        let text = word.replacing("\\", with: "\\\\").replacing("'", with: "\\'").replacing("\"", with: "\\\"")
        return word.contains(" ") ? "\"\(text)\"" : text
    }

    private mutating func initrd(_ words: [String], _ stop: (String) -> GRUBNotComputed) throws {
        guard kernel?.initrd.isEmpty == true, !words.isEmpty else {
            throw stop("'initrd' without a kernel, or a second one")
        }
        var pieces: [MeasuredEvent.Piece] = []
        var size = 0
        for name in words {
            guard !name.hasPrefix("newc:") else { throw stop("'\(name)' is not computed") }
            let file = try resolve(name)
            try measure(file, as: name)
            let padding = size.roundedUp(toMultipleOf: 4) - size
            if padding > 0 { pieces.append(.init("padding", .literal([UInt8](repeating: 0, count: padding)))) }
            let artifact = chain.add(file)
            pieces.append(try chain.events.contents.whole(artifact))
            size += padding + file.contents.count
        }
        kernel?.initrd = pieces
    }

    /// Starts the kernel, whose own stub measures its options and initrd.
    private mutating func boot() throws {
        guard let kernel else { return }
        isDone = true
        guard kernel.line.unicodeScalars.allSatisfy({ $0.value < 0x80 }) else {
            throw GRUBNotComputed(reason: "the kernel's options have characters beyond ASCII")
        }
        let options = MeasuredEvent.Piece("options from GRUB", .literal(Array(kernel.line.utf8)), encoding: .utf16)
        try chain.events.linuxStub(options: [options], initrd: kernel.initrd, isTerminated: false)
    }
}

extension Array {
    fileprivate subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
}

extension BootChain {
    /// GRUB after shim: its configuration, as far as it can be computed.
    mutating func grub(_ program: PEImage, path: String, shim: ShimImage) throws {
        let image = try GRUBImage(program)
        guard image.vendor == "grub.debian", image.version.hasPrefix("2.12-") else {
            return stop(
                "GRUB \(image.version) of \(image.vendor ?? "an unknown vendor"): only Debian's 2.12 was checked",
                at: "GRUB")
        }
        guard let prefix = image.prefix, prefix.hasPrefix("/"), !image.hasConfiguration else {
            return stop("\(path) has a configuration inside, which is not computed", at: "GRUB")
        }
        var run = GRUBRun(self, image, shim, prefix: prefix)
        do {
            try run.run()
            self = run.chain
        } catch let error as GRUBNotComputed {
            self = run.chain
            stop(error.reason, at: "GRUB")
        }
    }
}
