public import Hashing

/// A path of boot phases: what systemd-pcrextend has extended PCR 11 by, in order, when a secret is asked for.
///
/// Each phase is extended as the hash of its name, without NUL (systemd-pcrphase.service(8)).
public struct BootPhases: Hashable, Sendable, CustomStringConvertible {
    public var names: [String]

    /// Every path that systemd's units pass through, in order.
    public static let usual: [BootPhases] = {
        let names = ["enter-initrd", "leave-initrd", "sysinit", "ready"]
        return names.indices.map { BootPhases(names: Array(names[...$0])) }
    }()

    init(names: [String]) { self.names = names }

    /// A path as `systemd-measure --phase` takes it: names with colons between them; the empty text is before any phase.
    /// Nil for an empty name or one with blanks or control characters.
    public init?(_ text: String) {
        names = text.isEmpty ? [] : text.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        let isFine = names.allSatisfy { name in
            !name.isEmpty && name.utf8.count <= 255
                && name.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value != 0x7F }
        }
        guard isFine else { return nil }
    }

    /// The value of PCR 11 after these phases, from `value` when the kernel starts.
    public func extending(_ value: Digest) -> Digest {
        names.reduce(value) { $0.extended(by: .of(Array($1.utf8), value.algorithm)) }
    }

    public var description: String { names.joined(separator: ":") }
}
