import EventLogs
private import Hashing

/// Finds what is behind differences between two boots: which input, and where digests or event data show it, what of it.
struct CauseFinder {
    let expected, found: [RegisterHistory]
    let files: CandidateFiles

    func cause(of difference: EventDifference) -> EventCause {
        switch difference.kind {
        case .changed:
            guard let a = difference.expected, let b = difference.found else { break }
            return change(a, b)
        case .missing:
            guard let event = difference.expected else { break }
            return presence(event, "missing")
        case .extra:
            guard let event = difference.found else { break }
            return presence(event, "extra")
        case .moved:
            guard let event = difference.expected else { break }
            return move(event, difference)
        }
        return EventCause(.other, .unknown, "nothing is known of this event")
    }

    private func change(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        guard b.standing != .contradicted else {
            return EventCause(
                input(of: b), .unknown, "the log's data for this event is not what was hashed, so that it tells nothing"
            )
        }
        switch b.type {
        case .variableDriverConfig, .variableAuthority: return secureBoot(a, b)
        case .variableBoot, .variableBoot2: return bootVariable(a, b)
        case .gptEvent: return partitionTable(a, b)
        case .bootServicesApplication, .bootServicesDriver, .runtimeServicesDriver: return image(a, b)
        case .platformConfigFlags: return configuration(a, b)
        case .handoffTables2, .platformFirmwareBlob2: return volume(a, b)
        case .handoffTables: return smbios(a, b)
        case .eventTag: return tagged(a, b)
        case .ipl: return bootLoader(a, b)
        case .separator:
            return EventCause(.firmware, .certain, "the separators differ: \(a.name) against \(b.name)")
        case .crtmVersion:
            return EventCause(.firmware, .certain, "the firmware's version string is another", texts(a, b))
        case .platformFirmwareBlob:
            return EventCause(.firmware, .certain, "a volume of the firmware has other bytes", recognised(b))
        case .efiAction, .action: return EventCause(.bootPath, .certain, "another action", texts(a, b))
        default: return EventCause(input(of: b), .unknown, "other bytes were hashed", recognised(b))
        }
    }

    /// What both sides' data says, where the digests vouch for it.
    func texts(_ a: RegisterEvent, _ b: RegisterEvent) -> [String] {
        guard let first = a.content(files)?.text, let second = b.content(files)?.text else { return [] }
        return WordDifference.lines(first, second)
    }

    /// The file that the found digest is of, if it is among those given.
    func recognised(_ event: RegisterEvent) -> [String] {
        files.path(of: event.digests).map { ["the found digest is that of \($0)"] } ?? []
    }

    /// Which input decides events of this kind.
    func input(of event: RegisterEvent) -> EventCause.Input {
        switch event.type {
        case .variableDriverConfig: .secureBootVariable
        case .variableAuthority: .secureBootAuthority
        case .variableBoot, .variableBoot2: .bootVariable
        case .gptEvent: .partitionTable
        case .bootServicesApplication: .image
        case .bootServicesDriver, .runtimeServicesDriver: .optionROM
        case .platformConfigFlags: event.isACPI ? .acpi : .configuration
        case .handoffTables2: .memoryMap
        case .platformFirmwareBlob2: .variableStore
        case .handoffTables: .smbios
        case .eventTag:
            event.tag?.tag == TaggedEvent.loadOptions.tag
                ? .commandLine : event.tag?.tag == TaggedEvent.initrd.tag ? .initrd : .other
        case .ipl: event.isSection ? .unifiedKernelSection : .bootLoader
        case .platformFirmwareBlob, .crtmVersion, .separator: .firmware
        case .efiAction, .action: .bootPath
        default: .other
        }
    }
}

extension RegisterEvent {
    /// Whether it is of an ACPI blob.
    var isACPI: Bool {
        data?.starts(with: Array<UInt8>("ACPI DATA".utf8)) == true
            || ["etc/table-loader", "etc/acpi/rsdp", "etc/acpi/tables"].contains(configurationItem)
    }

    /// Whether it is one of the two events of a section of a unified kernel image.
    var isSection: Bool { type == .ipl && (data ?? []).text.first == "." && (data ?? []).text.count < 12 }
}
