import Hashing
import LaunchMeasurement

/// PCRs as people name them: `11`, `4,7,11` or `4+7+11` in every bank that is asked for, or banks by name, as in
/// `sha256:4,7+sha1:0`, which is one selection.
struct PCRSelectionText {
    /// Each is one selection: banks with their numbers, in order.
    let selections: [[(bank: HashAlgorithm, numbers: [UInt32])]]
    /// Whether the text names banks itself.
    let namesBanks: Bool

    init(_ text: String, banks: [HashAlgorithm]) throws {
        namesBanks = text.contains(":")
        guard namesBanks else {
            let numbers = try Self.numbers(text.split(whereSeparator: { $0 == "," || $0 == "+" }), text)
            selections = banks.map { [($0, numbers)] }
            return
        }
        let parts = try text.split(separator: "+", omittingEmptySubsequences: false).map { part in
            let words = part.split(separator: ":", omittingEmptySubsequences: false)
            guard words.count == 2, let bank = HashAlgorithm.registers.first(where: { $0.rawValue == words[0] }) else {
                throw Self.failure(text)
            }
            return (bank, try Self.numbers(words[1].split(separator: ","), text))
        }
        selections = [parts]
    }

    private static func numbers(_ words: [Substring], _ text: String) throws -> [UInt32] {
        let numbers = words.compactMap { UInt32($0) }
        guard !numbers.isEmpty, numbers.count == words.count, numbers.allSatisfy({ $0 < 24 }),
            Set(numbers).count == numbers.count
        else { throw failure(text) }
        return numbers.sorted()
    }

    private static func failure(_ text: String) -> CommandFailure {
        CommandFailure(
            "--pcrs \(text): no selection of PCRs",
            hint: "give numbers from 0 to 23 such as 4,7,11, or sha256:4,7+sha1:0")
    }
}
