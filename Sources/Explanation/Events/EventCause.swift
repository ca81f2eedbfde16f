/// What is behind a difference between two events, and how sure that is.
public struct EventCause: Hashable, Sendable {
    /// Which input of a boot decides the event.
    public enum Input: String, Sendable, CaseIterable {
        case memoryMap = "memory map"
        case variableStore = "variable store"
        case secureBootVariable = "secure boot variable"
        case secureBootAuthority = "secure boot authority"
        case acpi = "ACPI tables"
        case smbios = "SMBIOS table"
        case configuration = "fw_cfg item"
        case bootVariable = "boot variable"
        case partitionTable = "partition table"
        case image = "boot image"
        case optionROM = "option ROM"
        case commandLine = "kernel command line"
        case initrd
        case unifiedKernelSection = "unified kernel image section"
        case bootLoader = "boot loader text or file"
        case bootPath = "boot path"
        case firmware
        case other = "unnamed input"
    }

    public enum Certainty: String, Sendable, CaseIterable {
        /// Shown by digests: what is said was hashed was hashed.
        case certain
        /// The usual reason; digests do not show it.
        case likely
        /// The input is known, not what is different about it.
        case unknown
    }

    public var input: Input
    public var certainty: Certainty
    /// One sentence without full stop.
    public var statement: String
    /// What differs inside, one line each.
    public var details: [String]

    init(_ input: Input, _ certainty: Certainty, _ statement: String, _ details: [String] = []) {
        self.input = input
        self.certainty = certainty
        self.statement = statement
        self.details = details
    }
}

/// How one event of two histories of a register differs.
public struct EventDifference: Hashable, Sendable {
    public enum Kind: String, Sendable, CaseIterable {
        /// Both have it, with other digests.
        case changed
        /// Expected and not found.
        case missing
        /// Found and not expected.
        case extra
        /// In both, at another place or in another register.
        case moved
    }

    public var kind: Kind
    public var expected: RegisterEvent?
    public var found: RegisterEvent?
    /// Position in its register, from 1.
    public var expectedNumber: Int?
    public var foundNumber: Int?
    /// The register that it moved to or came from; nil if it stayed in its own.
    public var otherRegister: String?
    public var cause: EventCause
}
