public import Hashing

/// How the events of one boot differ from those of another, or from a prediction.
public struct EventComparison: Sendable {
    /// A register that either side has.
    public struct Register: Sendable {
        public var name: String
        /// The final value of each bank that both sides have; nil on a side that does not know it.
        public var values: [(algorithm: HashAlgorithm, expected: Digest?, found: Digest?)]
        public var differences: [EventDifference]
        /// Events of each side.
        public var counts: (expected: Int, found: Int)

        /// All banks end in the same value, and no event differs.
        public var isEqual: Bool { differences.isEmpty && values.allSatisfy { $0.expected == $0.found } }
    }

    /// In the order of register names; those that only the found side has stand in `notExpected`.
    public var registers: [Register]
    /// Registers with events that were not predicted.
    public var notExpected: [String]
    /// Banks that both sides have, by which events were compared.
    public var banks: [HashAlgorithm]

    public var isEqual: Bool { registers.allSatisfy(\.isEqual) }

    /// Compares register by register. Registers without events on either side are left out.
    ///
    /// - Parameters:
    ///   - files: what may be behind events, to name what was hashed.
    ///   - expectsAllRegisters: whether events of a register that the expected side lacks are differences, as between two
    ///     logs; a prediction may leave registers open.
    public init(
        expected: [RegisterHistory], found: [RegisterHistory], files: CandidateFiles = CandidateFiles(),
        expectsAllRegisters: Bool = false
    ) {
        let banks = Self.sharedBanks(expected, found)
        self.banks = banks
        let known = Set(expected.map(\.name))
        let names = expectsAllRegisters ? known.union(found.map(\.name)) : known
        notExpected = found.map(\.name).filter { !names.contains($0) }
        let ordered = names.sorted { ($0.count, $0) < ($1.count, $1) }
        registers = ordered.compactMap { name in
            let first = expected.first { $0.name == name } ?? RegisterHistory(name: name, values: [], events: [])
            let second = found.first { $0.name == name } ?? RegisterHistory(name: name, values: [], events: [])
            guard !first.events.isEmpty || !second.events.isEmpty else { return nil }
            return Self.compare(first, second, banks)
        }
        joinMoves()
        let finder = CauseFinder(expected: expected, found: found, files: files)
        for register in registers.indices {
            for index in registers[register].differences.indices {
                let difference = registers[register].differences[index]
                registers[register].differences[index].cause = finder.cause(of: difference)
            }
        }
    }

    private static func sharedBanks(_ a: [RegisterHistory], _ b: [RegisterHistory]) -> [HashAlgorithm] {
        func banks(_ histories: [RegisterHistory]) -> Set<HashAlgorithm> {
            Set(histories.flatMap { $0.values.map(\.algorithm) })
        }
        let shared = banks(a).intersection(banks(b))
        return HashAlgorithm.registers.filter(shared.contains)
    }

    private static func compare(
        _ expected: RegisterHistory, _ found: RegisterHistory, _ banks: [HashAlgorithm]
    ) -> Register {
        var differences: [EventDifference] = []
        for pair in Alignment.pairs(expected.events, found.events, banks: banks.map(\.rawValue)) {
            let first = pair.first.map { expected.events[$0] }
            let second = pair.second.map { found.events[$0] }
            if let first, let second, banks.allSatisfy({ first.digest($0) == second.digest($0) }) { continue }
            let kind: EventDifference.Kind = first == nil ? .extra : second == nil ? .missing : .changed
            differences.append(
                EventDifference(
                    kind: kind, expected: first, found: second, expectedNumber: pair.first.map { $0 + 1 },
                    foundNumber: pair.second.map { $0 + 1 }, otherRegister: nil,
                    cause: EventCause(.other, .unknown, "")))
        }
        return Register(
            name: expected.name,
            values: banks.map { bank in
                // A register that no event reached holds zeros.
                (bank, expected.value(bank) ?? .zero(bank), found.value(bank) ?? .zero(bank))
            },
            differences: differences, counts: (expected.events.count, found.events.count))
    }

    /// Makes one difference of an event that is missing at one place and extra, with the same digests, at another.
    private mutating func joinMoves() {
        for register in registers.indices {
            for index in registers[register].differences.indices.reversed() {
                let missing = registers[register].differences[index]
                guard missing.kind == .missing, let place = arrival(of: missing, from: register) else { continue }
                let arrived = registers[place.register].differences[place.index]
                registers[register].differences[index].kind = .moved
                registers[register].differences[index].found = arrived.found
                registers[register].differences[index].foundNumber = arrived.foundNumber
                guard place.register != register else {
                    registers[register].differences.remove(at: place.index)
                    continue
                }
                registers[register].differences[index].otherRegister = registers[place.register].name
                registers[place.register].differences[place.index].kind = .moved
                registers[place.register].differences[place.index].expected = missing.expected
                registers[place.register].differences[place.index].expectedNumber = missing.expectedNumber
                registers[place.register].differences[place.index].otherRegister = registers[register].name
            }
        }
    }

    private func arrival(of missing: EventDifference, from register: Int) -> (register: Int, index: Int)? {
        for place in [register] + registers.indices.filter({ $0 != register }) {
            let index = registers[place].differences.firstIndex { other in
                other.kind == .extra && other.found?.type == missing.expected?.type
                    && banks.allSatisfy { other.found?.digest($0) == missing.expected?.digest($0) }
            }
            if let index { return (place, index) }
        }
        return nil
    }
}
