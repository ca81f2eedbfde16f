public import Bytes
public import Firmware
public import Hashing

/// What an SNP launch needs of a firmware: its pages, or their digest, and its metadata.
public struct SNPFirmware: Sendable {
    /// Name of the file in errors and traces.
    public var name: String
    /// The file's bytes; empty when `seed` stands for them.
    public var bytes: [UInt8]
    /// Launch digest after the firmware's pages, when it stands for the file.
    public var seed: Digest?
    /// SHA-256 of the file that the metadata is from, where it is known.
    public var fileDigest: Digest?
    public var metadata: SEVMetadata
    /// Start address of application processors.
    public var resetAddress: UInt32
    public var hashTableArea: OVMFImage.MemoryArea?
    /// Whether it checks kernel hashes; nil if that cannot be told.
    public var verifiesKernelHashes: Bool?

    /// Reads the metadata of an image; with a `seed` the file gives its metadata alone.
    ///
    /// - Parameter lookForVerifier: unpack the volumes to see whether kernel hashes are checked, which takes time and
    ///   matters only when a kernel is given.
    public init(_ image: OVMFImage, seed: Digest? = nil, lookForVerifier: Bool) throws(FormatError) {
        name = image.name
        bytes = seed == nil ? image.bytes : []
        self.seed = seed
        fileDigest = .of(image.bytes, .sha256)
        metadata = try image.sevMetadata()
        try metadata.validateForSNP(source: image.name)
        resetAddress = try image.sevESResetAddress()
        hashTableArea = try image.sevHashTableArea()
        verifiesKernelHashes = lookForVerifier ? try image.verifiesKernelHashes() : nil
    }

    /// A firmware known by its digest and metadata alone.
    public init(
        name: String, seed: Digest, metadata: SEVMetadata, resetAddress: UInt32,
        hashTableArea: OVMFImage.MemoryArea?, fileDigest: Digest? = nil, verifiesKernelHashes: Bool? = nil
    ) throws(FormatError) {
        self.name = name
        bytes = []
        self.seed = seed
        self.metadata = metadata
        try metadata.validateForSNP(source: name)
        self.resetAddress = resetAddress
        self.hashTableArea = hashTableArea
        self.fileDigest = fileDigest
        self.verifiesKernelHashes = verifiesKernelHashes
    }
}

extension SNPFirmware {
    /// The same firmware with its pages hashed, for launches that share them.
    public func folded() throws(SNPMeasurementError) -> SNPFirmware {
        guard seed == nil else { return self }
        var folded = self
        folded.seed = try LaunchPlan(runs: [LaunchPlan.Run(firmware: name, bytes: bytes)]).measure().digest.value
        folded.bytes = []
        return folded
    }
}
