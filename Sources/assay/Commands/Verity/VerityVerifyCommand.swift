import ArgumentParser
import Documents
import Files
import Hashing
import Verity

/// `assay verity verify`: checks data and tree against a root hash.
struct VerityVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check a data device and its tree against a root hash; exit 1 names the first bad block.")

    @Argument(help: ArgumentHelp("Device or file with the data.", valueName: "data-device"))
    var data: String
    @Argument(help: ArgumentHelp("Device or file with the tree.", valueName: "hash-device"))
    var hash: String
    @OptionGroup var root: RootHashOptions
    @OptionGroup var options: VerityOptions
    @Flag(help: "Print the verdict as JSON.")
    var json = false

    func run() throws {
        let input = try InputFile(data)
        let device = try InputFile(hash)
        let area = try options.area(on: device, data: input)
        let wanted = try root.root(area.parameters.algorithm)
        do {
            try area.verify(input, hash: device, root: wanted)
        } catch let error as VerityError where error.kind == .mismatch && json {
            print(ReadableJSON.encode(Self.verdict(wanted, error)), terminator: "")
            throw error
        }
        print(
            json
                ? ReadableJSON.encode(Self.verdict(wanted, nil))
                : "\(area.parameters.dataBlocks) data blocks fit root hash \(wanted)\n", terminator: "")
    }

    private static func verdict(_ root: Digest, _ error: VerityError?) -> Value {
        var members: [(String, Value)] = [("verified", .bool(error == nil)), ("rootHash", .string(root.hex))]
        if let error { members.append(("reason", .string(error.description))) }
        switch error?.place {
        case .data(let block, let offset):
            members.append(("firstBad", .object([("block", .count(block)), ("offset", .count(offset))])))
        case .hash(let level, let block, let offset):
            let place: [(String, Value)] = [
                ("level", .count(level)), ("block", .count(block)), ("offset", .count(offset)),
            ]
            members.append(("firstBad", .object(place)))
        case nil: break
        }
        return .object(members)
    }
}
