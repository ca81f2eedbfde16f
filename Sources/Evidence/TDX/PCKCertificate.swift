public import Bytes
public import Signing

/// What Intel says in the certificate of a Provisioning Certification Key about the platform that holds it (Intel SGX PCK
/// Certificate and Certificate Revocation List Profile Specification, §1.3.5: SGX Extensions).
public struct PCKCertificate: Hashable, Sendable {
    /// How a TCB is counted: 16 security versions of SGX components and one of the PCE.
    public struct TCB: Hashable, Sendable {
        /// 16 security versions.
        public var components: [UInt8]
        public var pceSVN: UInt16
        /// 16 bytes, the raw form of `components`.
        public var cpuSVN: [UInt8]
    }

    public let certificate: Certificate
    public let tcb: TCB
    /// 6 bytes: family, model, stepping, platform type and custom SKU.
    public let fmspc: [UInt8]
    /// 2 bytes.
    public let pceID: [UInt8]
    /// 16 bytes: the encrypted platform's identifier.
    public let ppid: [UInt8]
    /// 0 standard, 1 scalable, 2 scalable with integrity.
    public let sgxType: Int
    /// 16 bytes, of platforms with several processors.
    public let platformInstanceID: [UInt8]?

    /// The extension.
    static let identifier = ObjectIdentifier(1, 2, 840, 113741, 1, 13, 1)

    /// An identifier below the extension's.
    private static func below(_ rest: UInt8...) -> ObjectIdentifier {
        ObjectIdentifier(content: identifier.content + rest) ?? identifier
    }

    /// Reads the extension of a PCK certificate.
    public init(_ certificate: Certificate) throws(FormatError) {
        self.certificate = certificate
        guard let found = certificate.extension(Self.identifier) else {
            throw FormatError(
                source: certificate.source, field: "SGX extensions", found: "none in \(certificate.name)",
                expected: "the extension \(Self.identifier)")
        }
        let values = try PCKValues(found.element(.sequence, "SGX extensions"), "SGX extensions")
        ppid = try values.octets(Self.below(1), 16, "PPID")
        tcb = try Self.tcb(PCKValues(values.required(Self.below(2), "TCB"), "TCB"))
        pceID = try values.octets(Self.below(3), 2, "PCEID")
        fmspc = try values.octets(Self.below(4), 6, "FMSPC")
        sgxType = try values.required(Self.below(5), "SGX type").number("SGX type", 0...2, tag: .enumerated)
        platformInstanceID =
            values[Self.below(6)] == nil ? nil : try values.octets(Self.below(6), 16, "platform instance ID")
    }

    private static func tcb(_ values: PCKValues) throws(FormatError) -> TCB {
        var components: [UInt8] = []
        for number in UInt8(1)...16 {
            let name = "SGX TCB component \(number)"
            let value = try values.required(below(2, number), name).number(name, 0...255)
            components.append(UInt8(value))
        }
        let pceSVN = try values.required(below(2, 17), "PCESVN").number("PCESVN", 0...0xFFFF)
        return TCB(
            components: components, pceSVN: UInt16(pceSVN), cpuSVN: try values.octets(below(2, 18), 16, "CPUSVN"))
    }
}

/// `SEQUENCE OF SEQUENCE { name, value }`, each name once.
private struct PCKValues {
    private let whole: DERElement
    private var values: [ObjectIdentifier: DERElement] = [:]

    init(_ element: DERElement, _ field: String) throws(FormatError) {
        whole = element
        var fields = try element.fields(field)
        while !fields.isAtEnd {
            let entry = try fields.next(.sequence, field)
            var parts = try entry.fields(field)
            let name = try parts.next(.objectIdentifier, field).objectIdentifier(field)
            let value = try parts.any("\(field) \(name)")
            try parts.finish("\(field) \(name)")
            guard values.updateValue(value, forKey: name) == nil else {
                throw entry.error(field, found: "\(name) twice", expected: "each name once")
            }
        }
    }

    subscript(_ name: ObjectIdentifier) -> DERElement? { values[name] }

    func required(_ name: ObjectIdentifier, _ field: String) throws(FormatError) -> DERElement {
        guard let value = values[name] else {
            throw whole.error(field, found: "no \(name)", expected: "one")
        }
        return value
    }

    func octets(_ name: ObjectIdentifier, _ count: Int, _ field: String) throws(FormatError) -> [UInt8] {
        let element = try required(name, field)
        let bytes = try element.octets(field)
        guard bytes.count == count else {
            throw element.error(field, found: "\(bytes.count) bytes", expected: "\(count)")
        }
        return bytes
    }
}
