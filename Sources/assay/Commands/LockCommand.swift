import ArgumentParser
import Bytes
import Documents
import Files
import GuestImage
import Hashing
import Packages
import Transport

/// `assay lock`: from the packages that a definition asks for to files by hash, and back to the keys that it pins.
struct LockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock",
        abstract: "Resolve an image's packages and pin every one by its hash.",
        discussion: """
            Without an option the lock is made if there is none; a lock that is there is left alone, and exit code 1 \
            says that it no longer answers what image.yaml asks.

            --update asks the archive anew and prints what changed. An index older than the locked one is refused, \
            and the old lock stays until the new one is whole.

            --check walks from every package over the archive's index and its signature to the keys that image.yaml \
            pins, and reads each package. Exit code 1: something contradicts the lock. Exit code 3: nothing does, but \
            an index or a package is not to be had any more; the output names it.
            """)

    @Argument(help: "The image's directory, e.g. images/minimal.")
    var image: String

    @Flag(help: "Resolve anew and replace the lock.")
    var update = false

    @Flag(help: "Check the lock against its keys, indexes and packages.")
    var check = false

    @Option(
        help: ArgumentHelp(
            "File of OpenPGP keys to take the pinned ones from. Also ASSAY_KEYRING; else the host's Debian archive keys.",
            valueName: "file"))
    var keyring: String?

    @OptionGroup(title: "Where packages come from")
    var places: SourceOptions

    @Flag(help: "Print JSON.")
    var json = false

    func validate() throws {
        if update, check { throw ValidationError("--update and --check exclude each other") }
    }

    func run() throws {
        let folder = try ImageFolder(image)
        let request = folder.definition.resolutionRequest
        let locked = LockFolder(folder.path)
        if check { return try report(check(locked, request)) }
        guard !update, let lock = try locked.read() else { return try resolve(request, into: locked) }
        try describe(lock, request, locked)
    }

    // MARK: making a lock

    private func resolve(_ request: ResolutionRequest, into folder: LockFolder) throws {
        guard let keys = keyring ?? FileSystem.environment("ASSAY_KEYRING") ?? LockUpdate.hostKeyring else {
            throw CommandFailure(
                "no keys of the archive are installed here", outcome: .environment,
                hint: "install debian-archive-keyring, or name a file of keys with --keyring")
        }
        var sources = try places.sources()
        sources.folder = folder.path
        let update = LockUpdate(sources: sources, keyringPath: keys, progress: Console.progress)
        let difference = try update.run(request, in: folder)
        let lock = try folder.require()
        if json {
            return printJSON(Self.facts(lock) + [("changes", difference.document)])
        }
        let lines = difference.changes.isEmpty ? ["no package changed"] : difference.lines
        print((lines + Self.summary(lock, folder)).joined(separator: "\n"))
    }

    // MARK: looking at a lock

    private func describe(_ lock: ImageLock, _ request: ResolutionRequest, _ folder: LockFolder) throws {
        let answers = lock.request == request
        if json {
            printJSON(Self.facts(lock) + [("answersDefinition", .bool(answers))])
        } else {
            print(Self.summary(lock, folder).joined(separator: "\n"))
        }
        try lock.require(request: request, source: folder.lockPath)
    }

    private func check(_ folder: LockFolder, _ request: ResolutionRequest) throws -> LockCheck {
        let lock = try folder.require()
        for name in try folder.strayFiles(lock) {
            Console.warning("\(folder.path)/\(name): the lock does not name this file", hint: "remove it")
        }
        var sources = try places.sources()
        sources.folder = folder.path
        return try LockCheck(
            lock, in: folder, request: request, sources: sources, progress: Console.progress)
    }

    private func report(_ result: LockCheck) throws {
        if json {
            print(ReadableJSON.encode(result.document), terminator: "")
        } else {
            var lines = ["archiveChain: \(result.chain.name)"] + result.chain.remarks.map { "  " + $0 }
            lines += result.unavailableNames.map { "unavailable: \($0)" }
            print(Console.escape(lines.joined(separator: "\n")))
        }
        for missing in result.unavailable { Console.warning(missing.description) }
        if !result.isComplete { throw ExitCode(Outcome.environment.rawValue) }
    }

    private static func summary(_ lock: ImageLock, _ folder: LockFolder) -> [String] {
        let suites = lock.suites.map { "\($0.name) of \($0.dateText)" }.joined(separator: ", ")
        return ["\(folder.lockPath): \(lock.packages.count) packages from \(suites)"].map { Console.escape($0) }
    }

    private static func facts(_ lock: ImageLock) -> [(String, Value)] {
        let suites = lock.suites.map { suite -> Value in
            .object([
                ("name", .string(suite.name)), ("archive", .string(suite.archive)), ("date", .string(suite.dateText)),
                ("signedBy", .array(of: suite.signedBy.map { .string($0) })),
            ])
        }
        let packages = lock.packages.map { package -> Value in
            .object([
                ("name", .string(package.name)), ("version", .string(package.version)),
                ("sha256", .string(package.sha256.hex)),
            ])
        }
        return [("suites", .array(of: suites)), ("packages", .array(of: packages))]
    }

    private func printJSON(_ members: [(String, Value)]) {
        print(ReadableJSON.encode(.object(members)), terminator: "")
    }
}
