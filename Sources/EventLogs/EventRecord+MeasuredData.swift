import Bytes
import Hashing

extension EventLog.Record {
    /// What the digests say about the event data, which they vouch for only where it is what was hashed.
    public enum DataStanding: String, Sendable, CaseIterable {
        /// The digests are those of the data, or of the part of it that the type names.
        case measured
        /// Nothing ties the data to the digests: whoever wrote the log could have put anything there.
        case free
        /// The type makes the data what is hashed, and the digests are of something else.
        case contradicted
    }

    /// How the data stands to the digests.
    public var dataStanding: DataStanding {
        let known = HashAlgorithm.registers.compactMap { digest($0) }
        guard !known.isEmpty else { return .free }
        let rule = hashedParts
        let fits = rule.parts.contains { part in known.allSatisfy { Digest.of(part, $0.algorithm) == $0 } }
        return fits ? .measured : rule.isRequired ? .contradicted : .free
    }

    /// What of the data its digests may be of, and whether they have to be of one of these.
    private var hashedParts: (parts: [[UInt8]], isRequired: Bool) {
        switch type {
        // A separator after a failure may hold what failed; the digest is then of the number 1 (PFP, section 10.4.1).
        case .separator: ([data, [1, 0, 0, 0]], true)
        case .action, .efiAction, .crtmVersion, .variableDriverConfig, .variableAuthority, .variableBoot2, .gptEvent:
            ([data], true)
        // edk2 hashes the variable's value alone, the specification the whole structure.
        case .variableBoot: ([data] + [variable?.data].compactMap(\.self), true)
        case .ipl: bootLoaderText
        case .platformConfigFlags: ([data] + [tdShimInformation].compactMap(\.self), false)
        default: ([data], false)
        }
    }

    /// What td-shim hashes of TD_SHIM_PLATFORM_CONFIG_INFO: 16 bytes of text, u32 length, and so many bytes.
    private var tdShimInformation: [UInt8]? {
        guard data.count >= 20 else { return nil }
        let length = data[16..<20].reversed().reduce(0) { $0 << 8 | Int($1) }
        return length == data.count - 20 ? Array(data.dropFirst(20)) : nil
    }

    /// What GRUB hashes of `grub_cmd: …`: the text behind the label, without its NUL. Other boot loaders, and GRUB
    /// before 2.04, have rules of their own.
    private var bootLoaderText: (parts: [[UInt8]], isRequired: Bool) {
        for label in ["grub_cmd: ", "kernel_cmdline: ", "module_cmdline: "] where data.starts(with: label.utf8) {
            let text = data.dropFirst(label.utf8.count)
            return ([Array(text.last == 0 ? text.dropLast() : text)], true)
        }
        return ([data, data.last == 0 ? Array(data.dropLast()) : data], false)
    }

    /// The data as a UEFI variable; nil if it is none.
    public var variable: UEFIVariableData? {
        switch type {
        case .variableDriverConfig, .variableBoot, .variableBoot2, .variableAuthority:
            try? data.withReader(
                source: "event data", { reader throws(FormatError) in try UEFIVariableData(parsing: &reader) })
        default: nil
        }
    }
}
