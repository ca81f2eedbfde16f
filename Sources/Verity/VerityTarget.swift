public import Hashing

/// The device-mapper line of a verified device: all that a machine needs to open it, stated by us.
public struct VerityTarget: Sendable, Hashable {
    public var parameters: VerityParameters
    public var root: Digest
    /// First block of the tree on the hash device, in hash blocks.
    public var hashStart: Int
    /// What the kernel does with a block that does not fit.
    public var optionalArguments: [String]

    public init(
        _ parameters: VerityParameters, root: Digest, hashStart: Int,
        optionalArguments: [String] = ["panic_on_corruption"]
    ) {
        self.parameters = parameters
        self.root = root
        self.hashStart = hashStart
        self.optionalArguments = optionalArguments
    }

    private var salt: String { parameters.salt.isEmpty ? "-" : parameters.salt.map(hexByte).joined() }

    private func hexByte(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }

    /// The table for `dmsetup create`, in 512-byte sectors.
    public func table(data: String, hash: String) -> String {
        let sectors = parameters.dataBlocks * (parameters.dataBlockSize / 512)
        var words = [
            "0", "\(sectors)", "verity", "\(parameters.format.rawValue)", data, hash, "\(parameters.dataBlockSize)",
            "\(parameters.hashBlockSize)", "\(parameters.dataBlocks)", "\(hashStart)",
            parameters.algorithm.rawValue, root.hex, salt,
        ]
        if !optionalArguments.isEmpty { words += ["\(optionalArguments.count)"] + optionalArguments }
        return words.joined(separator: " ")
    }
}
