public import Bytes

/// The UEFI variables in the flash of an edk2 firmware: a firmware volume that holds a store of authenticated
/// variables, a working block and a spare area for fault-tolerant writes (edk2 `VariableFormat.h`,
/// `FaultTolerantWrite.h`).
public struct VariableStore: Hashable, Sendable {
    /// Variables that are in force, in the order of the store.
    public var variables: [Variable]

    /// A store with these variables in force.
    public init(variables: [Variable]) { self.variables = variables }

    /// One variable; its value is what the operating system reads, without an authentication header.
    public struct Variable: Hashable, Sendable {
        public var vendor: GUID
        public var name: String
        public var attributes: UInt32
        public var data: [UInt8]

        public init(vendor: GUID, name: String, attributes: UInt32, data: [UInt8]) {
            self.vendor = vendor
            self.name = name
            self.attributes = attributes
            self.data = data
        }
    }

    /// The value of a variable; nil if it does not exist.
    public func value(_ name: String, _ vendor: GUID) -> [UInt8]? {
        variables.first { $0.name == name && $0.vendor == vendor }?.data
    }
}

extension GUID {
    /// A GUID that this module spells out itself; `text` must be one.
    init(constant text: StaticString) {
        guard let guid = GUID("\(text)") else { preconditionFailure("\(text) is not a GUID") }
        self = guid
    }

    /// EFI_GLOBAL_VARIABLE: SecureBoot, PK, KEK, BootOrder, Boot#### (UEFI 2.10, section 3.3).
    public static let efiGlobalVariable = GUID(constant: "8be4df61-93ca-11d2-aa0d-00e098032b8c")
    /// EFI_IMAGE_SECURITY_DATABASE: db, dbx (UEFI 2.10, section 32.6.1).
    public static let imageSecurityDatabase = GUID(constant: "d719b2cb-3d3a-4596-a3bc-dad00e67656f")
    /// edk2's gEfiSecureBootEnableDisableGuid: SecureBootEnable.
    public static let secureBootEnable = GUID(constant: "f0a30bc7-af08-4556-99c4-001009c93a44")
    static let nonVolatileVolume = GUID(constant: "fff12b8d-7696-4c8b-a985-2747075b4f50")
    static let authenticatedVariables = GUID(constant: "aaf32c78-947b-439a-a180-2e144ec37792")
    static let workingBlock = GUID(constant: "9e58292b-7c68-497d-a0ce-6500fd9f1b95")
}

/// Sizes of the parts of a variable store in flash, in bytes.
public struct VariableStoreLayout: Hashable, Sendable {
    /// The whole store: variables, event log block, working block, spare area.
    public var size: Int
    /// The firmware volume's part for variables, with both headers.
    public var variableArea: Int
    /// Where the block of the fault-tolerant writer's working header starts.
    public var workingBlock: Int
    public var blockSize: Int

    /// The store of the 4 MiB builds of OVMF.
    public static let ovmf4M = VariableStoreLayout(
        size: 0x84000, variableArea: 0x40000, workingBlock: 0x41000, blockSize: 0x1000)
}
