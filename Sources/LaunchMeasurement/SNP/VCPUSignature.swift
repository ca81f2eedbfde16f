private import Bytes

/// CPUID Fn0000_0001 EAX of a virtual CPU (AMD64 APM volume 3, appendix E.3.2): what QEMU/KVM puts into RDX at reset.
public struct VCPUSignature: Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt32

    /// A signature as it is; 0 is a value like any other.
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A signature from the numbers that people use: family up to 270, model up to 255, stepping up to 15; nil beyond.
    public init?(family: Int, model: Int, stepping: Int) {
        guard (0...0xF + 0xFF).contains(family), (0...0xFF).contains(model), (0...0xF).contains(stepping) else {
            return nil
        }
        let base = min(family, 0xF)
        rawValue =
            UInt32(family - base) << 20 | UInt32(model >> 4) << 16 | UInt32(base) << 8 | UInt32(model & 0xF) << 4
            | UInt32(stepping)
    }

    /// The signature of a CPU model of QEMU, with or without a version suffix (`-v1`, `-v2`…; `EPYC-IBPB` too).
    ///
    /// A model's versions differ in features and not in the signature. Nil for a name that is not known.
    public init?(named name: String) {
        var base = Substring(name)
        if let dash = name.lastIndex(of: "-"), name[dash...].hasPrefix("-v") {
            let version = name[dash...].dropFirst(2)
            guard !version.isEmpty, version.utf8.count <= 3, parseInteger(String(version)) ?? 0 > 0 else { return nil }
            base = name[..<dash]
        }
        guard let known = Self.models.first(where: { $0.name == base }), base == name || known.hasVersions else {
            return nil
        }
        self.init(rawValue: known.signature)
    }

    /// The names that are known, without version suffixes.
    public static var knownNames: [String] { models.map(\.name) }

    /// The signatures that are known, each once, with the first model name that has it.
    public static var known: [(name: String, signature: VCPUSignature)] {
        models.filter { $0.name != "EPYC-IBPB" }.map { ($0.name, VCPUSignature(rawValue: $0.signature)) }
    }

    private static let models: [(name: String, signature: UInt32, hasVersions: Bool)] = [
        ("EPYC", 0x0080_0F12, true), ("EPYC-IBPB", 0x0080_0F12, false), ("EPYC-Rome", 0x0083_0F10, true),
        ("EPYC-Milan", 0x00A0_0F11, true), ("EPYC-Genoa", 0x00A1_0F10, true), ("EPYC-Turin", 0x00B0_0F00, true),
    ]

    public var description: String { hexadecimal(rawValue) }
}
