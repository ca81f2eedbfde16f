private import Bytes
import Documents
private import Hashing

/// What a profile for AMD SEV-SNP says beside the common part.
public struct SNPSection: Hashable, Sendable {
    /// A CPU model as the VMM names it, and the signature that it gives to the guest.
    public struct Model: Hashable, Sendable {
        public var name: String
        /// CPUID Fn0000_0001 EAX.
        public var signature: UInt32
    }

    /// VMSA field SEV_FEATURES of every vCPU.
    public var features: UInt64
    /// Whether the VMM adds the page of kernel, initrd and command-line hashes.
    public var kernelHashes: Bool
    /// Whether a kernel may be measured on firmware that does not check it; the trace says so then.
    public var allowUnverifiedKernel: Bool
    public var models: [Model]
    /// Smallest and largest number of vCPUs.
    public var vcpus: ClosedRange<Int>
    public var vmm: VMMRules
    /// The rules for a firmware that is an IGVM file; nil for an OVMF image.
    public var igvm: IGVMRules?
    /// The launch by its digests of one vCPU; nil where the firmware file is measured.
    public var compact: CompactForm?

    init(_ decoder: inout ObjectDecoder, rules: inout RuleDecoder) throws(DocumentError) {
        features = try decoder.number("features")
        guard features & 1 == 1 else {
            throw decoder.error("features", "found \(hexadecimal(features)), expected bit 0 (SNPActive) to be set")
        }
        kernelHashes = try decoder.bool("kernelHashes")
        allowUnverifiedKernel = try decoder.optionalBool("allowUnverifiedKernel") ?? false
        var counts = try decoder.object("vcpus")
        let first = try counts.integer("first", in: 1...4096)
        vcpus = first...(try counts.integer("last", in: first...4096))
        try counts.finish()
        let compact = try decoder.optionalObject("compact")
        var digests: [Digest] = []
        models = []
        for (node, path) in try decoder.list("models") {
            var inner = try ObjectDecoder(node, path: path)
            let model = Model(name: try inner.string("name"), signature: try inner.number("signature"))
            if compact != nil { digests.append(try inner.digest("oneVCPUDigest", .sha384)) }
            try inner.finish()
            guard !models.contains(where: { $0.name == model.name }) else {
                throw inner.error("name", "the model '\(model.name)' is given twice")
            }
            models.append(model)
        }
        guard !models.isEmpty else { throw decoder.error("models", "found no model, expected at least one") }
        self.compact = nil
        if var inner = compact {
            self.compact = try CompactForm(&inner, digests: digests, kernelHashes: kernelHashes)
        }
        vmm = try VMMRules(&rules)
        igvm = try IGVMRules.optional(&rules)
        guard igvm == nil || compact == nil else {
            throw decoder.error("compact", "found with igvm rules, expected it for an OVMF image alone")
        }
        guard igvm == nil || !kernelHashes else {
            throw decoder.error("kernelHashes", "found true, expected false: an IGVM file holds what it boots")
        }
        guard igvm == nil || igvm?.placement == .kvm || vcpus == 1...1 else {
            throw decoder.error(
                "vcpus", "found several, expected 1: the save areas of other processors are known for KVM alone")
        }
    }

    var document: Value {
        var members: [(String, Value)] = [
            ("features", .hex(features)), ("kernelHashes", .bool(kernelHashes)),
            ("allowUnverifiedKernel", .bool(allowUnverifiedKernel)),
            ("vcpus", .object([("first", .count(vcpus.lowerBound)), ("last", .count(vcpus.upperBound))])),
            (
                "models",
                .array(
                    of: models.enumerated().map { index, model in
                        .object(
                            [("name", .string(model.name)), ("signature", .hex(model.signature))]
                                + (compact.map { [("oneVCPUDigest", .string($0.digests[index].hex))] } ?? []))
                    })
            ),
        ]
        if let compact { members.append(("compact", compact.document)) }
        return .object(members)
    }
}
