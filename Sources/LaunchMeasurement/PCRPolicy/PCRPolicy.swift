private import Bytes
public import Hashing

/// A TPM policy that holds while PCRs have certain values: TPM2_PolicyPCR (TPM 2.0 Library, part 3, §23.7).
///
/// policyDigest = H(previous ‖ u32 TPM_CC_PolicyPCR ‖ TPML_PCR_SELECTION ‖ H(values)), where H is the hash of the policy and
/// not the banks'. Integers are big-endian.
public struct PCRPolicy: Hashable, Sendable {
    /// The selected PCRs of one bank with their values.
    public struct Bank: Hashable, Sendable {
        public var algorithm: HashAlgorithm
        public var values: [UInt32: Digest]

        public init(_ algorithm: HashAlgorithm, _ values: [UInt32: Digest]) {
            self.algorithm = algorithm
            self.values = values
        }

        /// The selected numbers, rising: the order in which the TPM reads them.
        public var registers: [UInt32] { values.keys.sorted() }
    }

    /// TPM_CC_PolicyPCR.
    private static let command: UInt32 = 0x0000_017F
    /// PCRs of a PC's TPM: three bytes of bit map for each bank.
    static let registerCount: UInt32 = 24

    /// In the order of the selection, which the digest depends on.
    public let banks: [Bank]

    /// A policy over these banks, each named once and with one PCR or more below 24.
    public init(_ banks: [Bank]) throws(MeasurementInputError) {
        guard !banks.isEmpty, Set(banks.map(\.algorithm)).count == banks.count else {
            throw MeasurementInputError("a PCR policy needs one bank or more, each named once")
        }
        for bank in banks {
            guard bank.algorithm.tpmIdentifier != nil else {
                throw MeasurementInputError("\(bank.algorithm.rawValue) is no hash of a TPM")
            }
            guard !bank.values.isEmpty, bank.values.keys.allSatisfy({ $0 < Self.registerCount }) else {
                throw MeasurementInputError(
                    "bank \(bank.algorithm.rawValue): a PCR policy needs one PCR or more from 0 to 23")
            }
            guard bank.values.values.allSatisfy({ $0.algorithm == bank.algorithm }) else {
                throw MeasurementInputError("bank \(bank.algorithm.rawValue): a value of another bank")
            }
        }
        self.banks = banks
    }

    /// TPML_PCR_SELECTION: u32 count, then u16 hash, u8 size and the bit map of each bank (part 2, §10.9.7).
    public var selection: [UInt8] {
        var writer = ByteWriter()
        writer.append(bigEndian: UInt32(banks.count))
        for bank in banks {
            let bits = bank.values.keys.reduce(UInt32(0)) { $0 | 1 << $1 }
            writer.append(bigEndian: bank.algorithm.tpmIdentifier ?? 0)
            writer.append([3, UInt8(bits & 0xFF), UInt8(bits >> 8 & 0xFF), UInt8(bits >> 16)] as [UInt8])
        }
        return writer.bytes
    }

    /// The digest of the PCRs' values, as a quote has it too.
    public func valuesDigest(_ hash: HashAlgorithm) -> Digest {
        let values = banks.flatMap { bank in bank.registers.flatMap { bank.values[$0]?.bytes ?? [] } }
        return .of(values, hash)
    }

    /// The policy's digest by `hash` after `previous` policy commands; a new session starts with zeros.
    public func digest(_ hash: HashAlgorithm = .sha256, after previous: Digest? = nil) -> Digest {
        var command = ByteWriter()
        command.append(bigEndian: Self.command)
        let start = previous ?? .zero(hash)
        return .of(start.bytes + command.bytes + selection + valuesDigest(hash).bytes, hash)
    }
}

extension [PCRPolicy.Bank] {
    /// The values of one bank among registers by name, such as `PCR11.sha256`; a number that is not there is named.
    public static func bank(
        _ algorithm: HashAlgorithm, _ numbers: [UInt32], of registers: [Measurement.Register]
    ) throws(MeasurementInputError) -> PCRPolicy.Bank {
        var values: [UInt32: Digest] = [:]
        for number in numbers {
            let name = "PCR\(number).\(algorithm.rawValue)"
            guard let register = registers.first(where: { $0.name == name }) else {
                throw MeasurementInputError(
                    "\(name): its value is not known", hint: "select PCRs whose values are computed or given")
            }
            values[number] = register.digest
        }
        return PCRPolicy.Bank(algorithm, values)
    }
}
