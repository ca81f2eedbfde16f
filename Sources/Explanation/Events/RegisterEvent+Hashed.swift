import EventLogs

extension RegisterEvent {
    /// What was hashed and where it comes from, as one phrase: the bytes where the digests vouch for the log's data, else
    /// what firmware and boot code hash under this type.
    public var whatWasHashed: String {
        switch standing {
        case .measured: return "the event data; \(usualContent)"
        case .contradicted: return "something else than the event data, which has to be it: the log is false here"
        case .free: return usualContent
        }
    }

    private var usualContent: String {
        switch type {
        case .variableDriverConfig: "a variable of the firmware's store"
        case .variableBoot, .variableBoot2: "the value of a boot variable that the firmware made or found"
        case .variableAuthority: "the entry of a signature database that allowed an image"
        case .gptEvent: "the partition table of the disk that is booted"
        case .bootServicesApplication: "the Authenticode digest of an image that the firmware started"
        case .bootServicesDriver, .runtimeServicesDriver: "the Authenticode digest of a driver, such as an option ROM"
        case .platformConfigFlags:
            isACPI
                ? "a blob that the host hands out before linking, which is not in the log"
                : "an item that the host hands out, which is not in the log"
        case .handoffTables2: "the memory map that the host gives a TD, which is not in the log"
        case .handoffTables: "the SMBIOS table as the firmware filters it, which is not in the log"
        case .platformFirmwareBlob, .platformFirmwareBlob2: "a part of the firmware's file, which is not in the log"
        case .eventTag:
            switch tag?.tag {
            case TaggedEvent.loadOptions.tag: "the kernel's command line in UTF-16 with NUL, which is not in the log"
            case TaggedEvent.initrd.tag: "the initrd that the kernel's stub loaded, which is not in the log"
            default: "what the tag names, which is not in the log"
            }
        case .ipl: isSection ? "a section of a unified kernel image, or its name" : "what the boot loader names"
        case .separator: "the end of the firmware's part"
        case .efiAction, .action: "that the firmware did this"
        case .crtmVersion: "the firmware's version string"
        default: "what the log does not say"
        }
    }
}
