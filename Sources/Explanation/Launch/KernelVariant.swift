public import LaunchMeasurement

/// A way in which the kernel, initrd and command line that a host was given may differ from those one has.
public struct KernelVariant: Sendable, Hashable {
    /// What differs, for people; nil where nothing does.
    public var difference: String?
    /// What was measured; nil without kernel hashes.
    public var inputs: KernelInputs?

    /// Without `inputs`, a launch without kernel hashes.
    public init(difference: String? = nil, inputs: KernelInputs? = nil) {
        self.difference = difference
        self.inputs = inputs
    }

    /// The ways that are seen in practice: no kernel hashes; the files as given, with other forms of the command line, and
    /// without an initrd.
    public static func usual(_ kernel: KernelInputs?) -> [KernelVariant] {
        guard let kernel else { return [KernelVariant()] }
        var variants = [KernelVariant(difference: "no kernel hashes")]
        variants += CommandLineVariant.usual(kernel.commandLine).map { KernelVariant(kernel, $0) }
        if kernel.initrd != nil {
            var without = kernel
            without.initrd = nil
            variants.append(KernelVariant(difference: "no initrd", inputs: without))
        }
        return variants
    }

    /// The command line with one of its blanks doubled.
    public static func oneBlankDoubled(_ kernel: KernelInputs) -> [KernelVariant] {
        CommandLineVariant.oneBlankDoubled(kernel.commandLine).map { KernelVariant(kernel, $0) }
    }
}

extension KernelVariant {
    private init(_ kernel: KernelInputs, _ variant: CommandLineVariant) {
        var inputs = kernel
        inputs.commandLine = variant.line
        self.init(difference: variant.difference, inputs: inputs)
    }
}
