import ArgumentParser
import Bytes
import Documents
import Hashing
import LaunchMeasurement
import Signing

/// `assay idblock verify`: both signatures, and what the block and its keys should be.
struct IDBlockVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check an ID block and its authentication; exit 1 if anything does not hold.")

    @Argument(help: "File with the ID block, as bytes or base64.")
    var block: String
    @Argument(help: "File with the ID authentication, as bytes or base64.")
    var auth: String
    @Option(help: "Launch digest that the block must hold, as hex or base64.")
    var measurement: String?
    @Option(help: "Policy that the block must hold.")
    var policy: String?
    @Option(help: "Digest that the ID key must have.")
    var idKeyDigest: String?
    @Option(help: "Digest that the author key must have.")
    var authorKeyDigest: String?
    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        let block = try IDBlock(
            IDBlockText.structure(at: block, size: IDBlock.byteCount), source: self.block)
        let authentication = try IDAuthentication(
            IDBlockText.structure(at: auth, size: IDAuthentication.byteCount), source: auth)
        let problems = try problems(block, authentication)
        if json {
            let verdict: [(String, Value)] = [
                ("accepted", .bool(problems.isEmpty)), ("problems", .array(of: problems.map { .string($0) })),
            ]
            print(ReadableJSON.encode(.object(verdict + IDBlockText.facts(block, authentication))), terminator: "")
        } else if problems.isEmpty {
            print(
                "the ID key signed this block" + (authentication.author == nil ? "" : ", and the author key the ID key")
            )
        }
        guard !problems.isEmpty else { return }
        throw CommandFailure(problems.joined(separator: "; "), outcome: .no)
    }

    private func problems(_ block: IDBlock, _ authentication: IDAuthentication) throws -> [String] {
        var problems: [String] = []
        if !authentication.signs(block) { problems.append("ID_BLOCK_SIG is not the ID key's over this block") }
        if authentication.authorSignsKey == false {
            problems.append("ID_KEY_SIG is not the author key's over the ID key")
        }
        func compare(_ name: String, _ found: Digest?, _ wanted: String?, _ option: String) throws {
            guard let wanted = try wanted.map({ try IDBlockText.digest($0, option) }), found != wanted else { return }
            problems.append("\(name) is \(found?.hex ?? "absent"), expected \(wanted)")
        }
        try compare("LD", block.launchDigest, measurement, "--measurement")
        try compare("the ID key's digest", authentication.idKey.digest, idKeyDigest, "--id-key-digest")
        try compare(
            "the author key's digest", authentication.author?.key.digest, authorKeyDigest, "--author-key-digest")
        if let policy {
            guard let wanted = parseInteger(policy) else {
                throw CommandFailure("--policy: found '\(policy)', expected an integer, decimal or 0x…")
            }
            if block.policy != wanted {
                problems.append("POLICY is \(hexadecimal(block.policy)), expected \(hexadecimal(wanted))")
            }
        }
        return problems
    }
}
