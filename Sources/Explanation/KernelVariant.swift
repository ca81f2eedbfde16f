public import LaunchMeasurement

/// A way in which the kernel, initrd and command line that a host was given may differ from those one has.
public struct KernelVariant: Sendable, Hashable {
    /// What differs, for people; nil where nothing does.
    public var difference: String?
    /// What was measured; nil without kernel hashes.
    public var inputs: KernelInputs?

    /// The ways that are seen in practice: no kernel hashes; the files as given, and with a command line that was
    /// joined, trimmed or ended otherwise. Ways that come to the same bytes are listed once.
    public static func usual(_ kernel: KernelInputs?) -> [KernelVariant] {
        guard let kernel else { return [KernelVariant(difference: nil, inputs: nil)] }
        let line = kernel.commandLine
        let lines: [(String?, [UInt8])] = [
            (nil, line), ("a blank added at the end of the command line", line + [blank]),
            ("a newline added at the end of the command line", line + [newline]),
            ("blanks and newlines at both ends of the command line removed", trimmed(line)),
            ("doubled blanks in the command line made single", single(line)),
            ("every blank in the command line doubled", doubled(line)), ("an empty command line", []),
        ]
        var variants = [KernelVariant(difference: "no kernel hashes", inputs: nil)]
        variants += unique(lines, of: kernel)
        if kernel.initrd != nil {
            var without = kernel
            without.initrd = nil
            variants.append(KernelVariant(difference: "no initrd", inputs: without))
        }
        return variants
    }

    /// The command line with one of its blanks doubled, as an empty variable in a script does: one variant a blank.
    public static func oneBlankDoubled(_ kernel: KernelInputs) -> [KernelVariant] {
        let line = kernel.commandLine
        let lines = line.indices.filter { line[$0] == blank }.map { index -> (String?, [UInt8]) in
            (
                "the blank at byte \(index) of the command line doubled",
                Array(line[...index]) + [blank] + Array(line[(index + 1)...])
            )
        }
        return unique(lines + [("a blank added at the start of the command line", [blank] + line)], of: kernel)
    }

    private static let blank = UInt8(ascii: " ")
    private static let newline = UInt8(ascii: "\n")

    private static func unique(_ lines: [(String?, [UInt8])], of kernel: KernelInputs) -> [KernelVariant] {
        var seen: Set<[UInt8]> = []
        return lines.filter { seen.insert($0.1).inserted }.map { difference, line in
            var inputs = kernel
            inputs.commandLine = line
            return KernelVariant(difference: difference, inputs: inputs)
        }
    }

    private static func trimmed(_ line: [UInt8]) -> [UInt8] {
        let space: Set<UInt8> = [blank, newline, UInt8(ascii: "\t"), UInt8(ascii: "\r")]
        return Array(line.drop { space.contains($0) }.reversed().drop { space.contains($0) }.reversed())
    }

    private static func single(_ line: [UInt8]) -> [UInt8] {
        line.indices.filter { $0 == 0 || line[$0] != blank || line[$0 - 1] != blank }.map { line[$0] }
    }

    private static func doubled(_ line: [UInt8]) -> [UInt8] {
        line.flatMap { $0 == blank ? [blank, blank] : [$0] }
    }
}
