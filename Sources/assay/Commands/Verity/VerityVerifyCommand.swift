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
    @OptionGroup var correction: ParityOptions
    @OptionGroup var signature: RootHashSignatureOptions
    @Flag(help: "Mend what does not fit from the parity, in place.")
    var repair = false
    @Flag(help: "Print the verdict as JSON.")
    var json = false

    func validate() throws {
        if repair, correction.fecDevice == nil { throw ValidationError("--repair needs --fec-device") }
    }

    func run() throws {
        let input = try InputFile(data)
        let device = try InputFile(hash)
        let area = try options.area(on: device, data: input)
        let wanted = try root.root(area.parameters.algorithm)
        let isSigned = try signature.check(wanted)
        let parity = try correction.parity(area, data: data, hash: hash, hashSize: device.size)
        do {
            let mended = try repair ? mend(parity, input, device, wanted) : []
            if !repair { try area.verify(input, hash: device, root: wanted) }
            let wrongParity = try parity.map { try check($0, input, device) } ?? []
            report(area, wanted, mended, wrongParity, isSigned)
        } catch let error as VerityError where error.kind == .mismatch && json {
            print(ReadableJSON.encode(Self.verdict(wanted, error)), terminator: "")
            throw error
        }
    }

    /// Mends data and tree, then gives the places that were mended.
    private func mend(
        _ parity: VerityParity?, _ input: InputFile, _ device: InputFile, _ wanted: Digest
    ) throws -> [VerityError.Place] {
        guard let parity, let fecDevice = correction.fecDevice else { return [] }
        let job = try VerityRepair(parity, data: input, hash: device, stored: InputFile(fecDevice), root: wanted)
        var written: [VerityRepair.Device: ExistingFile] = [:]
        let outcome = try job.run { side, offset, bytes in
            let file = try written[side] ?? ExistingFile(side == .data ? data : hash)
            written[side] = file
            try file.write(bytes, at: offset)
        }
        for file in written.values { try file.synchronize() }
        if let error = outcome.beyondRepair {
            throw VerityError(
                .mismatch, error.description + "; the parity could not mend it", at: error.place,
                hint: "blocks mended before that: \(outcome.mended.count)")
        }
        return outcome.mended
    }

    /// The parity's blocks that data and tree, which are right, say otherwise; with `--repair` they are written anew.
    private func check(_ parity: VerityParity, _ input: InputFile, _ device: InputFile) throws -> [Int] {
        guard let fecDevice = correction.fecDevice else { return [] }
        let wrong = try parity.wrongBlocks(data: input, hash: device, parity: InputFile(fecDevice))
        guard let first = wrong.first else { return [] }
        guard repair else {
            let offset = parity.offset + first * parity.area.parameters.dataBlockSize
            throw VerityError(
                .mismatch, "\(fecDevice): parity block \(first), at byte \(offset), does not fit the data",
                hint: "data and tree fit the root hash; --repair writes the parity anew")
        }
        let output = try ExistingFile(fecDevice)
        try parity.build(data: input, hash: device) { offset, bytes throws(FileError) in
            try output.write(bytes, at: offset)
        }
        try output.synchronize()
        return wrong
    }

    private func report(
        _ area: VerityHashArea, _ root: Digest, _ mended: [VerityError.Place], _ wrongParity: [Int],
        _ isSigned: Bool
    ) {
        if json {
            return print(
                ReadableJSON.encode(
                    Self.verdict(root, nil, mended: mended, parity: wrongParity, isSigned: isSigned)), terminator: "")
        }
        for place in mended {
            switch place {
            case .data(let block, let offset): print("mended data block \(block), at byte \(offset)")
            case .hash(let level, let block, let offset):
                print("mended hash block \(block) of level \(level), at byte \(offset)")
            }
        }
        if !wrongParity.isEmpty { print("parity written anew; blocks that were wrong: \(wrongParity.count)") }
        if isSigned { print("the root hash is signed by the certificate's key") }
        print("\(area.parameters.dataBlocks) data blocks fit root hash \(root)")
    }

    private static func verdict(
        _ root: Digest, _ error: VerityError?, mended: [VerityError.Place] = [], parity: [Int] = [],
        isSigned: Bool = false
    ) -> Value {
        var members: [(String, Value)] = [("verified", .bool(error == nil)), ("rootHash", .string(root.hex))]
        if let error { members.append(("reason", .string(error.description))) }
        if let place = error?.place { members.append(("firstBad", document(of: place))) }
        if isSigned { members.append(("signature", .string("valid"))) }
        if !mended.isEmpty { members.append(("mended", .array(of: mended.map(document(of:))))) }
        if !parity.isEmpty { members.append(("mendedParityBlocks", .array(of: parity.map { .count($0) }))) }
        return .object(members)
    }

    private static func document(of place: VerityError.Place) -> Value {
        switch place {
        case .data(let block, let offset): .object([("block", .count(block)), ("offset", .count(offset))])
        case .hash(let level, let block, let offset):
            .object([("level", .count(level)), ("block", .count(block)), ("offset", .count(offset))])
        }
    }
}
