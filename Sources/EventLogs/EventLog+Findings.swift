import Bytes

extension EventLog {
    /// Something in a log that no honest firmware writes, so that the log cannot be taken at its word.
    public struct Finding: Hashable, Sendable, CustomStringConvertible {
        public enum Kind: String, Sendable, CaseIterable {
            /// Event data that its type makes the hashed bytes, with the digest of other bytes.
            case dataIsNotWhatWasHashed
            /// A second separator for a register whose firmware phase one has already ended: events of a later phase would
            /// pass for the firmware's.
            case repeatedSeparator
            /// Firmware that says in its separator that it failed.
            case firmwareFailure
            /// A register that the platform does not have, or that nothing can extend.
            case unknownRegister
        }

        public var kind: Kind
        /// Position among the records, from 0.
        public var record: Int
        /// Byte offset in the log; nil for a record that we made.
        public var offset: Int?
        /// Name of the register.
        public var register: String
        public var type: EventType

        /// One sentence, with the event's place.
        public var description: String {
            let place = offset.map { " at \(hexadecimal($0))" } ?? ""
            return "event \(record + 1) (\(register) \(type))\(place): \(sentence)"
        }

        private var sentence: String {
            switch kind {
            case .dataIsNotWhatWasHashed: "its data is not what was hashed"
            case .repeatedSeparator: "\(register) had its separator before"
            case .firmwareFailure: "the separator says that the firmware failed"
            case .unknownRegister: "no event can be measured into this register"
            }
        }
    }

    /// All findings in the order of records; empty for the log of an honest boot.
    public var findings: [Finding] {
        var findings: [Finding] = []
        var separators: [UInt32: Int] = [:]
        for (index, record) in records.enumerated() where record.type != .noAction {
            func add(_ kind: Finding.Kind) {
                findings.append(
                    Finding(
                        kind: kind, record: index, offset: record.offset, register: registers.name(record.register),
                        type: record.type))
            }
            if !registers.valid.contains(record.register) { add(.unknownRegister) }
            if record.dataStanding == .contradicted { add(.dataIsNotWhatWasHashed) }
            guard record.type == .separator else { continue }
            if record.isFailure { add(.firmwareFailure) }
            separators[record.register, default: 0] += 1
            if separators[record.register, default: 0] > registers.separators(in: record.register) {
                add(.repeatedSeparator)
            }
        }
        return findings
    }
}

extension EventLog.Registers {
    /// Numbers of registers that events can extend.
    fileprivate var valid: ClosedRange<UInt32> {
        switch self {
        case .tpm: 0...23
        case .tdx: 1...4
        }
    }

    /// How many separators a boot puts into a register at most: one a PCR. RTMR0 stands for PCR 1 and PCR 7; of PCR 2 to
    /// 6, for which RTMR1 stands, edk2 gives a TD only one.
    fileprivate func separators(in register: UInt32) -> Int {
        self == .tdx && register == 1 ? 2 : 1
    }
}

extension EventLog.Record {
    /// The digests are of the number by which a separator tells of a failure (PFP, section 10.4.1).
    fileprivate var isFailure: Bool {
        dataStanding == .measured && data != [0, 0, 0, 0] && data != [255, 255, 255, 255]
    }
}
