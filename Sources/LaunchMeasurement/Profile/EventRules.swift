import Documents
public import Firmware

/// What SecureBoot holds when firmware measures it.
public enum SecureBootValue: String, Sendable, CaseIterable {
    /// The variable does not exist yet: builds without secure boot.
    case absent
    case off
    case on

    var bytes: [UInt8] {
        switch self {
        case .absent: []
        case .off: [0]
        case .on: [1]
        }
    }

    /// What a firmware finds when it starts with a store: without secure boot in the build nothing makes the variable;
    /// with it, a platform key switches it on unless SecureBootEnable says otherwise (edk2 AuthVariableLib).
    ///
    /// - Parameter built: the firmware was built with secure boot.
    public init(_ store: VariableStore, built: Bool) {
        guard built else {
            self = .absent
            return
        }
        let enable = store.value("SecureBootEnable", .secureBootEnable)
        self = store.value("PK", .efiGlobalVariable) != nil && (enable ?? [1]) == [1] ? .on : .off
    }
}

/// Rules about measured boot that a TD's and a TPM's profile share, and the firmware's own data.
public struct EventRules: Hashable, Sendable {
    /// Whether something is measured by this firmware.
    public enum Presence: String, Sendable, CaseIterable { case measured, absent }

    /// When the SMBIOS table is measured. Both happen when the firmware is ready to boot; the driver that was started
    /// last comes first.
    public enum TableOrder: String, Sendable, CaseIterable {
        case absent
        case beforeBootVariables = "before-boot-variables"
        case afterSeparators = "after-separators"
    }

    /// Where the firmware puts `initrd=initrd` into the kernel's options.
    public enum InitrdWord: String, Sendable, CaseIterable {
        case before = "before-command-line"
        case after = "after-command-line"
    }

    /// How the call of ExitBootServices may go.
    public enum ExitForms: String, Sendable, CaseIterable {
        case once
        case onceOrRetried = "once-or-retried"

        /// The forms that a register set exists for.
        public var forms: [ExitBootServices] { self == .once ? [.first] : [.first, .retry] }
    }

    /// What the variables are at the first boot.
    public enum Variables: String, Sendable, CaseIterable {
        /// A store without variables, which Assay composes.
        case empty
        /// The store in the firmware's file.
        case firmware
    }

    public var variables: Variables
    public var secureBoot: SecureBootValue
    public var acpi: Presence
    public var smbios: TableOrder
    public var exitBootServices: ExitForms
    /// The strings in OVMF's SMBIOS type 0; the version is also the CRTM version.
    public var identity: SMBIOSTable.FirmwareIdentity
    public var bootOptions: BootOptions
    /// Where the firmware puts MMCONFIG, and 64-bit BARs if the machine has any: QEMU's ACPI tables follow them.
    public var mmconfig: UInt32
    public var mmio64: UInt64?
    /// fw_cfg items that are small or made by a rule; large ones are blobs beside the profile.
    public var items: [InlineItem]

    init(_ decoder: inout ObjectDecoder, rules: inout RuleDecoder) throws(DocumentError) {
        variables = try rules.choice("events.variables")
        secureBoot = try rules.choice("events.secureBoot")
        acpi = try rules.choice("events.acpi")
        smbios = try rules.choice("events.smbios")
        exitBootServices = try rules.choice("events.exitBootServices")
        var strings = try decoder.object("firmwareStrings")
        identity = SMBIOSTable.FirmwareIdentity(
            vendor: try strings.string("vendor"), version: try strings.string("version"),
            date: try strings.string("date"))
        try strings.finish()
        var options = try decoder.object("bootOptions")
        bootOptions = try BootOptions(&options)
        mmconfig = try rules.number("machine.mmconfig")
        mmio64 = try rules.optionalNumber("machine.mmio64")
        items = try InlineItem.list(decoder.optionalList("items"))
    }

    /// The inline items by name.
    var itemBytes: [String: [UInt8]] { Dictionary(uniqueKeysWithValues: items.map { ($0.name, $0.bytes) }) }

    /// The part that stands in the TEE's section; rules are listed with the profile's.
    var members: [(String, Value)] {
        let strings: [(String, Value)] = [
            ("vendor", .string(identity.vendor)), ("version", .string(identity.version)),
            ("date", .string(identity.date)),
        ]
        return [
            ("firmwareStrings", .object(strings)), ("bootOptions", bootOptions.document),
            ("items", .array(of: items.map(\.document))),
        ]
    }
}
