import ArgumentParser
import Documents
import Files
import Hashing
import Packages
import Transport

/// `assay cache`: what is kept of what was fetched.
struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "List what is kept of what was fetched, and remove what is no longer used.",
        subcommands: [CacheListCommand.self, CacheCollectCommand.self])
}

/// Which cache is meant.
struct CacheOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The cache's folder, if not the usual one.", valueName: "folder"))
    var cache: String?
    @Flag(help: "Print JSON.")
    var json = false

    func path() throws -> String {
        guard let path = cache ?? ContentStore.defaultPath else {
            throw CommandFailure("no cache is known without a home directory", hint: "name one with --cache")
        }
        return path
    }

    func show(_ entries: [ContentStore.Entry], _ what: String) {
        let total = entries.reduce(0) { $0 + $1.byteCount }
        if json {
            let list = entries.map { entry -> Value in
                .object([
                    ("digest", .string("\(entry.digest.algorithm.rawValue):\(entry.digest.hex)")),
                    ("size", .count(entry.byteCount)),
                ])
            }
            print(
                ReadableJSON.encode(.object([("entries", .array(of: list)), ("size", .count(total))])), terminator: "")
        } else {
            for entry in entries {
                print("\(entry.digest.algorithm.rawValue):\(entry.digest.hex)  \(entry.byteCount) bytes")
            }
            print("\(what) \(entries.count) entries, \(total) bytes")
        }
    }
}

/// `assay cache list`.
struct CacheListCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the cache's entries with their sizes.")

    @OptionGroup var options: CacheOptions

    func run() throws { options.show(try ContentStore(options.path()).entries(), "the cache has") }
}

/// `assay cache gc`.
struct CacheCollectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gc",
        abstract: "Remove entries that no given lock names and nobody has used for a while.",
        discussion: """
            An entry stays if a lock given by --keep names it, or if it was used in the last --days days. A process that \
            has the cache open, such as a build, is waited for; while entries are removed, new ones wait.
            """)

    @OptionGroup var options: CacheOptions
    @Option(
        help: ArgumentHelp(
            "Image folder or lock whose files stay however long they were not used. May be repeated.",
            valueName: "image"))
    var keep: [String] = []
    @Option(help: "Days in which a use keeps an entry.")
    var days = 30
    @Flag(help: "Only say what would go.")
    var dryRun = false

    func validate() throws {
        guard (0...36500).contains(days) else { throw ValidationError("--days: found \(days), expected 0 to 36500") }
    }

    func run() throws {
        var kept: Set<Digest> = []
        for place in keep {
            let folder = FileSystem.name(of: place) == LockFolder.fileName ? FileSystem.parent(of: place) : place
            kept.formUnion(try LockFolder(folder).require().digests)
        }
        // Days of zero mean every use so far, also one of this second.
        let time = FileSystem.secondsNow - Int64(days) * 86400 + (days == 0 ? 1 : 0)
        let gone = try ContentStore.collect(
            options.path(), keeping: kept, unusedSince: time, trial: dryRun,
            whenHeld: { Console.progress("waiting for other processes that use the cache") })
        options.show(gone, dryRun ? "would remove" : "removed")
    }
}
