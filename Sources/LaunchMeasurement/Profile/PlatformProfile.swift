private import Bytes
public import Documents
public import Hashing

/// What will load an image: TEE, firmware, VMM, machine, and every rule in which loaders differ, as data with an origin.
///
/// It is decoded strictly from `measurements/platforms/NAME/profile.yaml`: an unknown key, a rule that the TEE does not
/// know or a rule that it misses is an error. Two profiles are equal when their digests are.
public struct PlatformProfile: Hashable, Sendable {
    /// Name of the profile and of its folder: lower-case letters, digits, dots and dashes.
    public var name: String
    public var tee: TEE
    /// One sentence for people.
    public var description: String
    public var firmware: FirmwarePin
    public var vmm: VMM
    /// What a verifier must trust for these values to mean anything, e.g. `AMD Secure Processor`.
    public var rootOfTrust: String
    public var kernelBinding: KernelBinding
    public var bootPath: BootPath
    /// Parts of the guest's start that no register of this platform covers.
    public var notCovered: [String]
    /// Every rule in which loaders differ, in the file's order.
    public var rules: [ProfileRule]
    /// Files beside the profile that measurements read.
    public var blobs: [PinnedBlob]
    /// The VMM run that the blobs were captured from; nil where there are none.
    public var capture: BlobCapture?
    /// What must hold around the registers for a value set to apply.
    public var conditions: [LaunchCondition]
    /// What only this profile's TEE has.
    public var section: Section

    /// The virtual machine monitor that the rules describe.
    public struct VMM: Hashable, Sendable {
        public var name: String
        /// The version, or the range of versions, for which the rules hold.
        public var version: String
    }

    /// Whether the firmware runs the kernel that it measured, and nothing else (design, §6.8).
    public struct KernelBinding: Hashable, Sendable {
        public enum State: String, Sendable, CaseIterable { case proven, unproven, broken }
        public var state: State
        /// How that is known.
        public var origin: String
    }

    /// How the kernel reaches the guest.
    public enum BootPath: String, Sendable, CaseIterable {
        /// The VMM hands kernel, initrd and command line to the firmware.
        case direct
        /// The firmware boots the disk.
        case disk
    }

    /// The part of a profile that belongs to one TEE.
    public enum Section: Hashable, Sendable {
        case snp(SNPSection)
        case tdx(TDXSection)
        case vtpm(VTPMSection)
    }

    /// Decodes a profile.
    public init(_ node: Node) throws(DocumentError) {
        var decoder = try ObjectDecoder(node)
        name = try decoder.string("name")
        guard Self.isName(name) else {
            throw decoder.error("name", "found '\(name)', expected lower-case letters, digits, dots and dashes")
        }
        tee = try decoder.choice("tee")
        description = try decoder.string("description")
        var firmware = try decoder.object("firmware")
        self.firmware = try FirmwarePin(&firmware)
        var vmm = try decoder.object("vmm")
        self.vmm = VMM(name: try vmm.string("name"), version: try vmm.string("version"))
        try vmm.finish()
        rootOfTrust = try decoder.string("rootOfTrust")
        var binding = try decoder.object("kernelBinding")
        kernelBinding = KernelBinding(state: try binding.choice("state"), origin: try binding.string("origin"))
        try binding.finish()
        bootPath = try decoder.choice("bootPath")
        notCovered = try decoder.strings("notCovered")
        var ruleDecoder = try RuleDecoder(decoder.optionalList("rules"), at: decoder.location)
        rules = ruleDecoder.rules
        blobs = try PinnedBlob.list(decoder.optionalList("blobs"))
        capture = nil
        if var capture = try decoder.optionalObject("capture") { self.capture = try BlobCapture(&capture) }
        conditions = try LaunchCondition.list(decoder.list("conditions"))
        var inner = try decoder.object(tee.rawValue)
        switch tee {
        case .snp: section = .snp(try SNPSection(&inner, rules: &ruleDecoder))
        case .tdx: section = .tdx(try TDXSection(&inner, rules: &ruleDecoder))
        case .vtpm: section = .vtpm(try VTPMSection(&inner, rules: &ruleDecoder))
        }
        try inner.finish()
        try ruleDecoder.finish()
        try decoder.finish()
    }

    private static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 64 && !text.hasPrefix(".")
            && text.utf8.allSatisfy {
                (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".")
                    || $0 == UInt8(ascii: "-")
            }
    }
}

extension PlatformProfile {
    /// Whether the firmware that the profile pins is an IGVM file.
    public var loadsIGVM: Bool {
        if case .snp(let section) = section { section.igvm != nil } else { false }
    }

    /// The launch by its digests of one vCPU; nil where the firmware file is measured.
    public var compact: CompactForm? {
        if case .snp(let section) = section { section.compact } else { nil }
    }

    /// The decoded profile as a document, every default spelt out; its canonical JSON is what the digest covers.
    public var document: Value {
        var members: [(String, Value)] = [
            ("name", .string(name)), ("tee", .string(tee.rawValue)), ("description", .string(description)),
            ("firmware", firmware.document),
            ("vmm", .object([("name", .string(vmm.name)), ("version", .string(vmm.version))])),
            ("rootOfTrust", .string(rootOfTrust)),
            (
                "kernelBinding",
                .object([
                    ("state", .string(kernelBinding.state.rawValue)), ("origin", .string(kernelBinding.origin)),
                ])
            ),
            ("bootPath", .string(bootPath.rawValue)), ("notCovered", .array(of: notCovered.map { .string($0) })),
            ("rules", .array(of: rules.map(\.document))), ("blobs", .array(of: blobs.map(\.document))),
            ("conditions", .array(of: conditions.map(\.document))),
        ]
        if let capture { members.append(("capture", capture.document)) }
        switch section {
        case .snp(let section): members.append(("snp", section.document))
        case .tdx(let section): members.append(("tdx", section.document))
        case .vtpm(let section): members.append(("vtpm", section.document))
        }
        return .object(members)
    }

    /// SHA-256 of the canonical JSON of `document`: how a trust policy names the profile.
    public func digest() throws(DocumentError) -> Digest {
        .of(try CanonicalJSON.encode(document), .sha256)
    }
}
