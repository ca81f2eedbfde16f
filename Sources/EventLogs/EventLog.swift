public import Bytes
public import Hashing

/// A crypto-agile event log (TCG PC Client Platform Firmware Profile 1.06, section 10.2): what firmware and boot code
/// extended, in order. A TPM's log and the CCEL of a confidential VM have the same records; they differ in what the
/// register number means.
public struct EventLog: Hashable, Sendable {
    /// Which registers the numbers in the log name.
    public enum Registers: String, Sendable, CaseIterable {
        /// PCR n.
        case tpm
        /// Measurement register n of the CC measurement protocol: 0 is MRTD, 1 to 4 are RTMR0 to RTMR3.
        case tdx

        /// What people call register `index`.
        public func name(_ index: UInt32) -> String {
            switch (self, index) {
            case (.tpm, _): "PCR\(index)"
            case (.tdx, 0): "MRTD"
            case (.tdx, _): "RTMR\(index - 1)"
            }
        }
    }

    public var registers: Registers
    public var header: SpecificationIdentifier
    public var records: [Record]

    public init(registers: Registers, header: SpecificationIdentifier, records: [Record] = []) {
        self.registers = registers
        self.header = header
        self.records = records
    }

    /// One event: `TCG_PCR_EVENT2`.
    public struct Record: Hashable, Sendable {
        public var register: UInt32
        public var type: EventType
        public var digests: [AlgorithmDigest]
        /// The event data. No digest covers it but where the type says that it is what was hashed.
        public var data: [UInt8]
        /// Byte offset in the log that it was read from; nil for one that we made.
        public var offset: Int?

        public init(
            register: UInt32, type: EventType, digests: [AlgorithmDigest], data: [UInt8], offset: Int? = nil
        ) {
            self.register = register
            self.type = type
            self.digests = digests
            self.data = data
            self.offset = offset
        }

        /// The digest of one algorithm; nil if the record has none.
        public func digest(_ algorithm: HashAlgorithm) -> Digest? {
            digests.first { $0.identifier == algorithm.tpmIdentifier }
                .flatMap { Digest(algorithm, bytes: $0.bytes) }
        }
    }

    /// A digest tagged with its TPM_ALG_ID, which may be of a hash that we cannot compute (SM3).
    public struct AlgorithmDigest: Hashable, Sendable {
        public var identifier: UInt16
        public var bytes: [UInt8]

        public init(identifier: UInt16, bytes: [UInt8]) {
            self.identifier = identifier
            self.bytes = bytes
        }

        /// A digest of a hash that banks are made with; others are tagged TPM_ALG_NULL.
        public init(_ digest: Digest) {
            self.init(identifier: digest.algorithm.tpmIdentifier ?? 0x0010, bytes: digest.bytes)
        }
    }

    /// `TCG_EfiSpecIdEvent`, the first record, in the old SHA-1 form.
    public struct SpecificationIdentifier: Hashable, Sendable {
        /// Register number of the header record: 0 in a TPM's log, 1 in edk2's CCEL.
        public var register: UInt32
        public var platformClass: UInt32
        public var versionMinor: UInt8
        public var versionMajor: UInt8
        public var errata: UInt8
        /// Size of a machine word in 32-bit units: 2 on x86-64.
        public var wordSize: UInt8
        public var algorithms: [Algorithm]
        public var vendorInformation: [UInt8]

        /// A hash that every record carries.
        public struct Algorithm: Hashable, Sendable {
            public var identifier: UInt16
            public var byteCount: UInt16

            public init(identifier: UInt16, byteCount: UInt16) {
                self.identifier = identifier
                self.byteCount = byteCount
            }
        }

        public init(
            register: UInt32 = 0, platformClass: UInt32 = 0, versionMinor: UInt8 = 0, versionMajor: UInt8 = 2,
            errata: UInt8 = 0, wordSize: UInt8 = 2, algorithms: [Algorithm], vendorInformation: [UInt8] = []
        ) {
            self.register = register
            self.platformClass = platformClass
            self.versionMinor = versionMinor
            self.versionMajor = versionMajor
            self.errata = errata
            self.wordSize = wordSize
            self.algorithms = algorithms
            self.vendorInformation = vendorInformation
        }

        /// A header that announces these hashes.
        public init(register: UInt32 = 0, algorithms: [HashAlgorithm]) {
            self.init(
                register: register,
                algorithms: algorithms.compactMap { algorithm in
                    algorithm.tpmIdentifier.map { Algorithm(identifier: $0, byteCount: UInt16(algorithm.byteCount)) }
                })
        }
    }
}

extension EventLog {
    /// The hashes that the header announces and that we can compute.
    public var algorithms: [HashAlgorithm] {
        header.algorithms.compactMap { entry in
            HashAlgorithm.registers.first { $0.tpmIdentifier == entry.identifier && $0.byteCount == entry.byteCount }
        }
    }

    /// What every register holds after all events of the log, from its reset value; EV_NO_ACTION extends nothing, but
    /// the one that states the locality of the start-up sets the last byte of PCR 0 (PFP, section 10.4.5.3).
    ///
    /// Throws for an event without a digest of this hash, and for a locality that is stated twice, or after the first
    /// event of PCR 0: the events before it would be shown and not counted.
    public func replay(_ algorithm: HashAlgorithm) throws(FormatError) -> [UInt32: Digest] {
        var values: [UInt32: Digest] = [:]
        for record in records {
            if record.type == .noAction {
                guard registers == .tpm, let locality = record.startupLocality else { continue }
                guard values[0] == nil, [0, 3, 4].contains(locality) else {
                    throw FormatError(
                        source: "event log", offset: record.offset, field: "StartupLocality",
                        found: values[0] == nil
                            ? "\(locality)" : "locality \(locality) after PCR 0 has had its start value",
                        expected: "0, 3 or 4, once, before the events of PCR 0")
                }
                let start = [UInt8](repeating: 0, count: algorithm.byteCount - 1) + [locality]
                values[0] = Digest(algorithm, bytes: start)
                continue
            }
            guard let digest = record.digest(algorithm) else {
                throw FormatError(
                    source: "event log", offset: record.offset, field: "TCG_PCR_EVENT2.digests",
                    found: "no \(algorithm) digest", expected: "one of every announced hash")
            }
            values[record.register] = (values[record.register] ?? .zero(algorithm)).extended(by: digest)
        }
        return values
    }
}

extension EventLog.Record {
    /// The locality of a start-up event: `StartupLocality`, NUL, one byte.
    var startupLocality: UInt8? {
        let signature = Array("StartupLocality".utf8) + [0]
        guard type == .noAction, data.count == signature.count + 1, data.starts(with: signature) else { return nil }
        return data.last
    }
}
