public import Bytes
public import Documents
public import Hashing

/// What a TPM attests of its PCRs (TPMS_ATTEST of type TPM_ST_ATTEST_QUOTE; TPM 2.0 Library, part 2, §10.12). Integers are
/// big-endian.
///
///     4 magic              ff 54 43 47
///     2 type               0x8018
///     2+n qualifiedSigner  name of the signing key
///     2+n extraData        the challenger's nonce
///     17 clockInfo         8 clock in ms, 4 resets, 4 restarts, 1 safe
///     8 firmwareVersion
///     4+n pcrSelect        count; each 2 hash, 1 size, the bit map
///     2+n pcrDigest        over the selected PCRs, one after the other
public struct TPMQuote: Hashable, Sendable {
    /// Largest structure that is read, in bytes.
    public static let maximumByteCount = 4096
    static let magic: [UInt8] = [0xFF, 0x54, 0x43, 0x47]

    /// The PCRs of one bank.
    public struct Selection: Hashable, Sendable {
        /// TPM_ALG_ID of the bank's hash.
        public var algorithm: UInt16
        /// Rising.
        public var registers: [Int]

        /// The bank's hash; nil for one that is not known.
        public var hash: HashAlgorithm? { TPMAlgorithm.hash(algorithm) }
    }

    /// The whole structure, which the key signed.
    public let bytes: [UInt8]
    public let qualifiedSigner, extraData: [UInt8]
    /// Milliseconds since the TPM was cleared; resets and restarts since then.
    public let clock: UInt64
    public let resetCount, restartCount: UInt32
    /// Whether the clock cannot have run backwards.
    public let isClockSafe: Bool
    public let firmwareVersion: UInt64
    public let selections: [Selection]
    public let pcrDigest: [UInt8]

    /// Whether bytes start as a quote does.
    public static func begins(_ bytes: [UInt8]) -> Bool { bytes.starts(with: magic + [0x80, 0x18]) }

    /// Reads a quote and nothing after it.
    public init(_ bytes: [UInt8], source: String) throws(FormatError) {
        guard bytes.count <= Self.maximumByteCount else {
            throw FormatError(
                source: source, field: "TPMS_ATTEST", found: "\(bytes.count) bytes",
                expected: "at most \(Self.maximumByteCount)")
        }
        self.bytes = bytes
        (
            qualifiedSigner, extraData, clock, resetCount, restartCount, isClockSafe, firmwareVersion, selections,
            pcrDigest
        ) =
            try bytes.withReader(source: source) { reader throws(FormatError) in
                try reader.expect("magic", bytes: Self.magic)
                try reader.expect(
                    "type", bytes: [0x80, 0x18], hint: "this is another attestation of a TPM than a quote")
                let signer = try reader.sized("qualifiedSigner")
                let extra = try reader.sized("extraData")
                let clock = try reader.read(bigEndian: "clock", as: UInt64.self)
                let resets = try reader.read(bigEndian: "resetCount", as: UInt32.self)
                let restarts = try reader.read(bigEndian: "restartCount", as: UInt32.self)
                let isSafe = try reader.yesNo("safe")
                let firmware = try reader.read(bigEndian: "firmwareVersion", as: UInt64.self)
                let selections = try reader.selections()
                let digest = try reader.sized("pcrDigest")
                try reader.finish("TPMS_ATTEST")
                return (signer, extra, clock, resets, restarts, isSafe, firmware, selections, digest)
            }
    }

    /// Every field by name, in the order of the structure.
    public var facts: [(String, Value)] {
        [
            ("qualifiedSigner", .string(qualifiedSigner.hex)), ("extraData", .string(extraData.hex)),
            ("clock", .hex(clock)), ("resetCount", .count(Int(resetCount))),
            ("restartCount", .count(Int(restartCount))), ("clockSafe", .bool(isClockSafe)),
            ("firmwareVersion", .hex(firmwareVersion)),
            (
                "pcrSelection",
                .array(
                    of: selections.map {
                        .object([
                            ("bank", .string($0.hash?.rawValue ?? hexadecimal($0.algorithm))),
                            ("registers", .array(of: $0.registers.map { .count($0) })),
                        ])
                    })
            ), ("pcrDigest", .string(pcrDigest.hex)),
        ]
    }
}

/// Names of algorithms (TCG Algorithm Registry).
enum TPMAlgorithm {
    static let rsassa: UInt16 = 0x0014
    static let rsapss: UInt16 = 0x0016
    static let ecdsa: UInt16 = 0x0018

    static func hash(_ identifier: UInt16) -> HashAlgorithm? {
        switch identifier {
        case 0x0004: .sha1
        case 0x000B: .sha256
        case 0x000C: .sha384
        case 0x000D: .sha512
        default: nil
        }
    }
}

extension ByteReader {
    /// A TPM2B: 2 bytes of size, and that many bytes.
    mutating func sized(_ field: String) throws(FormatError) -> [UInt8] {
        let size = try read(bigEndian: field + ".size", as: UInt16.self)
        return try bytes(Int(size), field)
    }

    fileprivate mutating func yesNo(_ field: String) throws(FormatError) -> Bool {
        let start = position
        let value = try read(field, as: UInt8.self)
        guard value <= 1 else { throw error(field, found: "\(value)", expected: "0 or 1", at: start) }
        return value == 1
    }

    fileprivate mutating func selections() throws(FormatError) -> [TPMQuote.Selection] {
        let start = position
        let count = try read(bigEndian: "pcrSelect.count", as: UInt32.self)
        guard count <= 16 else {
            throw error("pcrSelect.count", found: "\(count)", expected: "at most 16", at: start)
        }
        var result: [TPMQuote.Selection] = []
        for _ in 0..<count {
            let algorithm = try read(bigEndian: "pcrSelect.hash", as: UInt16.self)
            let sizeOffset = position
            let size = try read("pcrSelect.sizeofSelect", as: UInt8.self)
            guard size <= 4 else {
                throw error("pcrSelect.sizeofSelect", found: "\(size)", expected: "at most 4", at: sizeOffset)
            }
            let map = try bytes(Int(size), "pcrSelect.pcrSelect")
            let registers = (0..<map.count * 8).filter { map[$0 / 8] >> UInt8($0 % 8) & 1 == 1 }
            result.append(TPMQuote.Selection(algorithm: algorithm, registers: registers))
        }
        return result
    }
}
