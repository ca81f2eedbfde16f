import ArgumentParser
import Documents
import GuestImage
import LaunchMeasurement
import Packages
import ReferenceValues

/// `assay schema`: the form of a document that people write or read.
struct SchemaCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema",
        abstract: "Print the JSON Schema of a document.",
        discussion: """
            image: the image definition, image.yaml. lock: image.lock.json beside it. profile: a platform's profile.yaml. \
            trust: the trust policy. reference: the reference statement that a bundle's envelope holds.
            """)

    enum Name: String, CaseIterable, ExpressibleByArgument {
        case image, lock, profile, trust, reference

        var document: Value {
            switch self {
            case .image: ImageDefinition.schema.document(named: rawValue)
            case .lock: ImageLock.schema.document(named: rawValue)
            case .profile: PlatformProfile.schema.document(named: rawValue)
            case .trust: Schema.trust.document
            case .reference: Schema.reference.document
            }
        }
    }

    @Argument(help: "Which document.")
    var name: Name

    func run() { print(ReadableJSON.encode(name.document), terminator: "") }
}
