import EventLogs
private import Hashing

extension CauseFinder {
    /// Why an event is in one boot alone. `side` is `missing` or `extra`.
    func presence(_ event: RegisterEvent, _ side: String) -> EventCause {
        let isExtra = side == "extra"
        let input = input(of: event)
        switch event.type {
        case .efiAction where event.says("Exit Boot Services"):
            return EventCause(
                .bootPath, hasFailedExit ? .certain : .likely,
                hasFailedExit
                    ? "the kernel's first ExitBootServices failed in one of the boots and was repeated"
                    : "one of the logs ends before the kernel took over",
                hasFailedExit ? ["--exit-boot-services retry predicts the repeated call, and first the other"] : [])
        case .efiAction where event.says("from Boot Option"):
            return EventCause(
                .bootPath, .certain,
                isExtra
                    ? "a boot option was started that was not expected, such as one that returned"
                    : "no boot option was started")
        case .platformConfigFlags where event.isACPI:
            return EventCause(
                .acpi, .likely,
                isExtra
                    ? "the machine has one more ACPI blob, or the firmware measures them and the other does not"
                    : "the machine has one ACPI blob less, or firmware before edk2-stable202302, which measures none")
        case .platformConfigFlags:
            return EventCause(
                .configuration, .likely,
                "the machine gives the firmware \(isExtra ? "an item that was not expected" : "no such item"), or the "
                    + "firmware is of another age: items are measured from edk2-stable202505 on")
        case .handoffTables:
            return EventCause(
                .smbios, .likely,
                "the firmware is of another age: the SMBIOS table is measured from edk2-stable202505 on")
        case .handoffTables2, .platformFirmwareBlob2, .separator, .crtmVersion, .platformFirmwareBlob:
            return EventCause(input, .likely, "another firmware build, which measures other things")
        case .variableAuthority:
            return EventCause(
                .secureBootAuthority, .likely,
                isExtra
                    ? "secure boot is on, or one more signer was used"
                    : "secure boot is off, or one signer less was used")
        case .bootServicesApplication:
            let name = files.path(of: event.digests).map { ["it is \($0)"] } ?? []
            return EventCause(
                .image, .certain, isExtra ? "one more image was started" : "an image was not started", name)
        case .bootServicesDriver:
            return EventCause(
                .optionROM, .certain,
                isExtra
                    ? "a device brought a driver in its ROM" : "no device brought this driver in its ROM")
        case .gptEvent:
            return EventCause(
                .bootPath, .certain,
                isExtra ? "an image was started from a disk" : "no image was started from a disk with partitions")
        case .variableBoot:
            return EventCause(
                .bootVariable, .certain,
                isExtra ? "the firmware has one more boot option" : "the firmware has one boot option less",
                [event.name])
        case .eventTag where input == .initrd:
            return EventCause(
                .initrd, .likely, isExtra ? "the kernel loaded an initrd" : "the kernel loaded no initrd")
        case .eventTag where input == .commandLine:
            return EventCause(
                .commandLine, .likely,
                isExtra
                    ? "the kernel's stub measured its options"
                    : "the kernel got no options, or its stub measures none: Linux before 6.9 does not in a TD")
        case .ipl where event.isSection: return section(event, isExtra)
        default:
            return EventCause(input, .unknown, isExtra ? "measured and not expected" : "expected and not measured")
        }
    }

    /// A section of a unified kernel image: of one that the other boot does not have, or of one with other sections.
    private func section(_ event: RegisterEvent, _ isExtra: Bool) -> EventCause {
        let others = (isExtra ? expected : found).flatMap(\.events)
        guard others.contains(where: \.isSection) else {
            return EventCause(
                .bootPath, .certain,
                isExtra
                    ? "a unified kernel image was started, whose stub measured its sections"
                    : "no unified kernel image was started, or its stub measured none of its sections")
        }
        return EventCause(
            .unifiedKernelSection, .likely,
            isExtra
                ? "the image has one more section, or its stub measures more"
                : "the image lacks the section, or its stub measures less")
    }

    /// Why an event is elsewhere.
    func move(_ event: RegisterEvent, _ difference: EventDifference) -> EventCause {
        guard let other = difference.otherRegister else {
            return EventCause(input(of: event), .certain, "the same event, at another place in the order")
        }
        let isSeparator = event.type == .separator
        return EventCause(
            .firmware, .certain, "the same event, measured into another register",
            isSeparator
                ? ["edk2 measures a TD's separator at ready to boot into RTMR1 from stable202411 on, before into RTMR0"]
                : ["the other register is \(other): firmware of another age, or another mapping of registers"])
    }

    /// Whether either boot says that ExitBootServices failed.
    private var hasFailedExit: Bool {
        (expected + found).contains { register in
            register.events.contains { $0.type == .efiAction && $0.says("Returned with Failure") }
        }
    }
}

extension RegisterEvent {
    fileprivate func says(_ words: String) -> Bool { name.contains(words) }
}
