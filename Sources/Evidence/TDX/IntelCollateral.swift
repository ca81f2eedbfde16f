private import Bytes
public import Documents
public import Signing

/// What Intel publishes for whoever verifies quotes: TCB information, the quoting enclave's identity, the certificates
/// that signed them, revocation lists. Everything comes from files, and nothing is trusted for being in one.
public struct IntelCollateral: Sendable {
    /// Largest file that is read, in bytes.
    public static let maximumByteCount = 16 << 20

    /// A document with the bytes that Intel's TCB signing key signed.
    public struct Signed<Body: Sendable>: Sendable {
        public var body: Body
        public var bytes: [UInt8]
        /// r‖s, 32 bytes each, most significant byte first.
        public var signature: [UInt8]
        public var source: String
    }

    public private(set) var tcbInfos: [Signed<TCBInfo>] = []
    public private(set) var identities: [Signed<EnclaveIdentity>] = []
    public private(set) var certificates: [Certificate] = []
    public private(set) var revocationLists: [RevocationList] = []

    public init() {}

    /// Whether there is neither TCB information nor an identity.
    public var isEmpty: Bool { tcbInfos.isEmpty && identities.isEmpty }

    /// Adds a file in one of three forms: Intel's answer to a request for TCB information (`tcbInfo`, `signature`) or for an
    /// identity (`enclaveIdentity`, `signature`), or everything for one quote in one object, as quote verification
    /// libraries store it (`tcb_info`, `tcb_info_signature`, `tcb_info_issuer_chain`, `qe_identity`, …, `root_ca_crl`,
    /// `pck_crl`).
    public mutating func add(_ bytes: [UInt8], source: String) throws(DocumentError) {
        let (node, members) = try JSONReader.parseKeepingMembers(
            bytes, source: source, mode: .foreign, limit: Self.maximumByteCount)
        var decoder = try ObjectDecoder(node)
        if let inner = decoder.optionalNode("tcbInfo"), let text = members["tcbInfo"] {
            tcbInfos.append(
                Signed(
                    body: try TCBInfo(inner, path: "tcbInfo"), bytes: Array(text),
                    signature: try decoder.foreignHex("signature", count: 64), source: source))
        } else if let inner = decoder.optionalNode("enclaveIdentity"), let text = members["enclaveIdentity"] {
            identities.append(
                Signed(
                    body: try EnclaveIdentity(inner, path: "enclaveIdentity"), bytes: Array(text),
                    signature: try decoder.foreignHex("signature", count: 64), source: source))
        } else if members["tcb_info"] != nil {
            try addWhole(&decoder, source: source)
        } else {
            throw DocumentError(
                node.location, "found neither 'tcbInfo' nor 'enclaveIdentity' nor 'tcb_info'",
                hint: "give Intel's answers as they came, or everything for a quote as a library stores it")
        }
    }

    private mutating func addWhole(_ decoder: inout ObjectDecoder, source: String) throws(DocumentError) {
        let info = Array(try decoder.string("tcb_info").utf8)
        let infoNode = try JSONReader.parse(info, source: "\(source): tcb_info", mode: .foreign)
        tcbInfos.append(
            Signed(
                body: try TCBInfo(infoNode, path: "tcb_info"), bytes: info,
                signature: try decoder.foreignHex("tcb_info_signature", count: 64), source: source))
        let identity = Array(try decoder.string("qe_identity").utf8)
        let identityNode = try JSONReader.parse(identity, source: "\(source): qe_identity", mode: .foreign)
        identities.append(
            Signed(
                body: try EnclaveIdentity(identityNode, path: "qe_identity"), bytes: identity,
                signature: try decoder.foreignHex("qe_identity_signature", count: 64), source: source))
        for key in ["tcb_info_issuer_chain", "qe_identity_issuer_chain", "pck_crl_issuer_chain"] {
            guard let text = try decoder.optionalString(key) else { continue }
            do throws(FormatError) {
                certificates += try Certificate.read(Array(text.utf8), source: "\(source): \(key)")
            } catch {
                throw decoder.error(key, error.description)
            }
        }
        for key in ["root_ca_crl", "pck_crl"] {
            guard let text = try decoder.optionalString(key) else { continue }
            guard let bytes = [UInt8](hex: text.lowercased()) else { throw decoder.error(key, "expected hex") }
            do throws(FormatError) {
                revocationLists.append(try RevocationList(bytes, source: "\(source): \(key)"))
            } catch {
                throw decoder.error(key, error.description)
            }
        }
    }

    /// Whether bytes look like a file of collateral.
    public static func begins(_ bytes: [UInt8]) -> Bool {
        bytes.first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) } == UInt8(ascii: "{")
    }
}
