private import Bytes
public import Hashing

/// A verified device as a machine opens it: every parameter stated by us, none taken from the disk.
public struct VerityTarget: Sendable {
    public var parameters: VerityParameters
    public var root: Digest
    /// First block of the tree on the hash device, in hash blocks.
    public var hashStart: Int
    /// What the kernel does with a block that does not fit, and other words without a value.
    public var optionalArguments: [String]
    /// Parity, and the machine's name of the device that it is on.
    public var parity: (area: VerityParity, device: String)?
    /// A signature of the root hash: its file, and the kernel's name of the key that holds it.
    public var signature: (file: String, keyDescription: String)?

    public init(
        _ parameters: VerityParameters, root: Digest, hashStart: Int,
        optionalArguments: [String] = ["panic_on_corruption"], parity: (area: VerityParity, device: String)? = nil,
        signature: (file: String, keyDescription: String)? = nil
    ) {
        self.parameters = parameters
        self.root = root
        self.hashStart = hashStart
        self.optionalArguments = optionalArguments
        self.parity = parity
        self.signature = signature
    }

    private var salt: String { parameters.salt.isEmpty ? "-" : parameters.salt.hex }

    /// The table for `dmsetup create`, in 512-byte sectors (Linux, device-mapper/verity.rst, construction parameters).
    public func table(data: String, hash: String) -> String {
        let sectors = parameters.dataBlocks * (parameters.dataBlockSize / 512)
        var words = [
            "0", "\(sectors)", "verity", "\(parameters.format.rawValue)", data, hash, "\(parameters.dataBlockSize)",
            "\(parameters.hashBlockSize)", "\(parameters.dataBlocks)", "\(hashStart)",
            parameters.algorithm.rawValue, root.hex, salt,
        ]
        var optional = optionalArguments
        if let parity { optional += parity.area.tableArguments(device: parity.device) }
        if let signature { optional += ["root_hash_sig_key_desc", signature.keyDescription] }
        if !optional.isEmpty { words += ["\(optional.count)"] + optional }
        return words.joined(separator: " ")
    }

    /// The kernel argument that sets the device up without an initrd (Linux, device-mapper/dm-init.rst).
    public func createArgument(name: String, data: String, hash: String) -> String {
        "dm-mod.create=\"\(name),,,ro,\(table(data: data, hash: hash))\""
    }

    /// The kernel arguments for systemd-veritysetup-generator(8) to set up the root.
    public func systemdArguments(data: String, hash: String) -> [String] {
        var options = [
            "superblock=no", "format=\(parameters.format.rawValue)", "data-block-size=\(parameters.dataBlockSize)",
            "hash-block-size=\(parameters.hashBlockSize)", "data-blocks=\(parameters.dataBlocks)",
            "hash-offset=\(hashStart * parameters.hashBlockSize)", "salt=\(salt)",
            "hash=\(parameters.algorithm.rawValue)",
        ]
        options += longOptions.map(\.text)
        return [
            "roothash=\(root.hex)", "systemd.verity_root_data=\(data)", "systemd.verity_root_hash=\(hash)",
            "systemd.verity_root_options=\(options.joined(separator: ","))",
        ]
    }

    /// The words after `veritysetup` that open the device as `/dev/mapper/NAME`.
    public func veritysetupArguments(name: String, data: String, hash: String) -> [String] {
        [
            "open", data, name, hash, root.hex, "--no-superblock", "--format=\(parameters.format.rawValue)",
            "--hash=\(parameters.algorithm.rawValue)", "--data-block-size=\(parameters.dataBlockSize)",
            "--hash-block-size=\(parameters.hashBlockSize)", "--data-blocks=\(parameters.dataBlocks)",
            "--hash-offset=\(hashStart * parameters.hashBlockSize)", "--salt=\(salt)",
        ] + longOptions.map { "--" + $0.text }
    }

    /// What crypttab-like options and veritysetup's have in common: the same names, with dashes.
    private var longOptions: [LongOption] {
        var options = optionalArguments.map { LongOption(name: $0.replacing("_", with: "-")) }
        if let parity {
            options += [
                LongOption(name: "fec-device", value: parity.device),
                LongOption(name: "fec-offset", value: "\(parity.area.offset)"),
                LongOption(name: "fec-roots", value: "\(parity.area.roots)"),
            ]
        }
        if let signature { options.append(LongOption(name: "root-hash-signature", value: signature.file)) }
        return options
    }

    private struct LongOption {
        var name: String
        var value: String?
        var text: String { value.map { name + "=" + $0 } ?? name }
    }
}
