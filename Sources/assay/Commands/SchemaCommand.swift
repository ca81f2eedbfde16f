import ArgumentParser
import Documents
import ReferenceValues

/// `assay schema`: the form of a document that people write or read.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of a document.",
        discussion: "trust: the trust policy. reference: the reference statement that a bundle's envelope holds.")

    @Argument(help: "trust or reference.")
    var name: Schema

    func run() { print(ReadableJSON.encode(name.document), terminator: "") }
}

extension Schema: ExpressibleByArgument {}
