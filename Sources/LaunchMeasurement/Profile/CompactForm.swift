import Documents
public import Hashing

/// What an SNP profile keeps of a launch so that it is measured without the firmware file: the launch digest with one
/// vCPU of each model, and where every other vCPU starts (the form in which Contrast keeps reference values).
///
/// Such a digest covers one kernel, initrd and command line; whoever measures others under it must not get a value.
public struct CompactForm: Hashable, Sendable {
    /// Where the digests come from, for people.
    public var origin: String
    /// Start address of application processors.
    public var resetAddress: UInt32
    /// Launch digest with one vCPU of each model, in the models' order.
    public var digests: [Digest]
    /// What the digests cover beside the firmware; nil without kernel hashes.
    public var boot: Boot?

    /// The kernel that the digests cover.
    public struct Boot: Hashable, Sendable {
        /// SHA-256 of the artifacts, the command line without its NUL; an image without an initrd has that of no bytes.
        public var vmlinuz, initrd, cmdline: Digest
        /// Whether the firmware checks kernel hashes.
        public var verifiesKernelHashes: Bool
    }

    init(_ decoder: inout ObjectDecoder, digests: [Digest], kernelHashes: Bool) throws(DocumentError) {
        origin = try decoder.string("origin")
        resetAddress = try decoder.number("resetAddress")
        self.digests = digests
        if kernelHashes {
            let verifies = try decoder.bool("verifiesKernelHashes")
            var inner = try decoder.object("artifacts")
            boot = Boot(
                vmlinuz: try inner.digest("vmlinuz", .sha256), initrd: try inner.digest("initrd", .sha256),
                cmdline: try inner.digest("cmdline", .sha256), verifiesKernelHashes: verifies)
            try inner.finish()
        }
        try decoder.finish()
    }

    var document: Value {
        var members: [(String, Value)] = [("origin", .string(origin)), ("resetAddress", .hex(resetAddress))]
        if let boot {
            members += [
                ("verifiesKernelHashes", .bool(boot.verifiesKernelHashes)),
                (
                    "artifacts",
                    .object([
                        ("vmlinuz", .string(boot.vmlinuz.hex)), ("initrd", .string(boot.initrd.hex)),
                        ("cmdline", .string(boot.cmdline.hex)),
                    ])
                ),
            ]
        }
        return .object(members)
    }
}

extension CompactForm.Boot {
    /// Requires that `inputs` are what the digests cover.
    func check(_ inputs: KernelInputs, profile: String) throws(SNPMeasurementError) {
        let none = Digest.of([], .sha256)
        let artifacts = [
            ("vmlinuz", vmlinuz, inputs.kernel.sha256), ("initrd", initrd, inputs.initrd?.sha256 ?? none),
            ("cmdline", cmdline, Digest.of(inputs.commandLine, .sha256)),
        ]
        for (name, covered, found) in artifacts where covered != found {
            throw .artifactNotCovered(profile: profile, name: name, found: found, covered: covered)
        }
    }
}
