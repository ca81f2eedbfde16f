import ArgumentParser
import Bytes
import Files
import Glibc

/// Every failure ends here, so that messages and exit codes are the same for all commands (design, §7).
@main
enum Main {
    static func main() async {
        // C++ and libarchive decode names by locale; the host's must not matter.
        unsafe _ = setlocale(LC_CTYPE, "C.UTF-8")
        Console.fillStandardDescriptors()
        do {
            var command = try Assay.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            let code = report(error)
            exit(Console.flush() ? code : Outcome.environment.rawValue)
        }
        if !Console.flush() { exit(Outcome.environment.rawValue) }
    }

    /// The words after the program's name.
    ///
    /// Not from `CommandLine`: a preloaded library that changes the environment (libfaketime does) or a root without
    /// `/proc` hides them from Swift's runtime, and without words the program would print its help and be content.
    private static var arguments: [String] { Array(FileSystem.processArguments.dropFirst()) }

    /// Prints what went wrong and gives the exit code.
    private static func report(_ error: any Error) -> Int32 {
        if let explained = error as? any ExplainedError {
            Console.error(explained.description, hint: explained.hint)
            return explained.outcome.rawValue
        }
        let text = Assay.fullMessage(for: error)
        if Assay.exitCode(for: error) == .success {
            print(text)
            return 0
        }
        if let code = error as? ExitCode { return code.rawValue }
        Console.writeError(Console.escape(text))
        return Outcome.unusable.rawValue
    }
}

struct Assay: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "assay",
        abstract: "Builds confidential-VM images, says what their hardware will report, and publishes it signed.",
        version: "0.1.0",
        subcommands: [
            LockCommand.self,
            BuildCommand.self,
            ReleaseCommand.self,
            MeasureCommand.self,
            PCRPolicyCommand.self,
            ExplainCommand.self,
            DiffCommand.self,
            PublishCommand.self,
            ProfileCommand.self,
            EventLogCommand.self,
            InspectCommand.self,
            OCICommand.self,
            CacheCommand.self,
            IdentifyCommand.self,
            VerityCommand.self,
            IDBlockCommand.self,
            Verify.self,
            Key.self,
            SchemaCommand.self,
        ]
    )
}

/// An answer of no, or a refusal, that a command found itself.
struct CommandFailure: ExplainedError {
    var description: String
    var hint: String?
    var outcome: Outcome

    init(_ description: String, outcome: Outcome = .unusable, hint: String? = nil) {
        self.description = description
        self.outcome = outcome
        self.hint = hint
    }
}
