public import Bytes
public import Signing

/// What AMD says in the certificate of a VCEK or VLEK about the platform that holds the key (AMD, "Versioned Chip
/// Endorsement Key Certificate and KDS Interface Specification", table 8 ff.).
public struct EndorsementKey: Hashable, Sendable {
    /// Whose key it is, by the certificate's common name.
    public enum Kind: String, Sendable, CaseIterable {
        case vcek = "VCEK"
        case vlek = "VLEK"
    }

    public let certificate: Certificate
    public let kind: Kind
    /// 0 with Milan's TCB layout, 1 with Turin's.
    public let structureVersion: Int
    /// As written: `Milan-B0`, `Turin`.
    public let productName: String
    /// The security versions that the key was derived for.
    public let parts: [TCBComponent: UInt8]
    /// Raw octets; nil in a VLEK's certificate, which is for no chip.
    public let hardwareID: [UInt8]?
    /// The cloud provider's name, in a VLEK's certificate.
    public let provider: String?

    /// The AMD arc 1.3.6.1.4.1.3704.1 and what stands below it.
    private static func identifier(_ rest: UInt8...) -> ObjectIdentifier {
        ObjectIdentifier(content: ObjectIdentifier(1, 3, 6, 1, 4, 1, 3704, 1).content + rest)
            ?? ObjectIdentifier(1, 3, 6, 1, 4, 1, 3704, 1)
    }

    private static let componentNumbers: [(component: TCBComponent, number: UInt8)] = [
        (.bootLoader, 1), (.tee, 2), (.snp, 3), (.microcode, 8), (.fmc, 9),
    ]
    private static let spareNumbers: [UInt8] = [4, 5, 6, 7]

    /// The extensions that are read here.
    static let understood: Set<ObjectIdentifier> = Set(
        [identifier(1), identifier(2), identifier(4), identifier(5)] + (1...9).map { identifier(3, $0) })

    /// The kind of a certificate by its common name; nil for any other certificate.
    public static func kind(of certificate: Certificate) -> Kind? {
        switch certificate.subject.commonName {
        case "SEV-VCEK": .vcek
        case "SEV-VLEK": .vlek
        default: nil
        }
    }

    /// Reads the extensions of a certificate of a VCEK or VLEK.
    public init(_ certificate: Certificate) throws(FormatError) {
        guard let kind = Self.kind(of: certificate) else {
            throw FormatError(
                source: certificate.source, field: "subject.CN", found: "'\(certificate.name)'",
                expected: "SEV-VCEK or SEV-VLEK")
        }
        self.certificate = certificate
        self.kind = kind
        structureVersion = try certificate.required(Self.identifier(1), "structVersion")
            .element(.integer, "structVersion").number("structVersion", 0...1)
        productName = try certificate.required(Self.identifier(2), "productName")
            .element(.ia5String, "productName").text("productName")
        var parts: [TCBComponent: UInt8] = [:]
        for (component, number) in Self.componentNumbers {
            let name = "TCB \(component.rawValue)"
            // Turin's layout alone has an FMC.
            if component == .fmc {
                let found = certificate.extension(Self.identifier(3, number))
                guard (found != nil) == (structureVersion == 1) else {
                    throw FormatError(
                        source: certificate.source, offset: found?.offset, field: name,
                        found: found == nil ? "none" : "one",
                        expected: "one exactly if structVersion is 1")
                }
                if found == nil { continue }
            }
            let value = try certificate.required(Self.identifier(3, number), name)
            parts[component] = UInt8(try value.element(.integer, name).number(name, 0...255))
        }
        for number in Self.spareNumbers {
            guard let spare = certificate.extension(Self.identifier(3, number)) else { continue }
            _ = try spare.element(.integer, "TCB spare \(number)").number("TCB spare \(number)", 0...0)
        }
        self.parts = parts
        hardwareID = try Self.hardwareID(of: certificate, kind)
        provider = try certificate.extension(Self.identifier(5)).map { value throws(FormatError) in
            try value.element(.ia5String, "cspID").text("cspID")
        }
    }

    private static func hardwareID(of certificate: Certificate, _ kind: Kind) throws(FormatError) -> [UInt8]? {
        guard kind == .vcek else { return nil }
        let value = try certificate.required(identifier(4), "hwID")
        // Milan and Genoa have 64 bytes, Turin eight.
        guard [8, 64].contains(value.value.count) else {
            throw FormatError(
                source: value.source, offset: value.offset, field: "hwID", found: "\(value.value.count) bytes",
                expected: "64, or 8 on Turin")
        }
        return value.value
    }

    /// The product line; nil for one that is not known.
    public var product: SNPProduct? { SNPProduct(productName: productName) }

    /// The layout that the structure's version implies.
    public var tcbLayout: TCBLayout { structureVersion == 0 ? .milan : .turin }

    /// The security versions as a report writes them.
    public var tcb: TCBVersion { TCBVersion(parts, layout: tcbLayout) }
}

extension Certificate {
    fileprivate func required(_ identifier: ObjectIdentifier, _ field: String) throws(FormatError)
        -> CertificateExtension
    {
        guard let found = self.extension(identifier) else {
            throw FormatError(
                source: source, field: field, found: "no extension \(identifier)", expected: "one, as AMD issues it")
        }
        return found
    }
}
