private import DiskFormats
private import Files
public import Firmware

extension EventLayout {
    /// What every UEFI does that follows the TCG's PC Client Platform Firmware Profile: the layout where no firmware is
    /// given.
    public static let anyUEFI: EventLayout = {
        var layout = EventLayout(release: 202211)
        layout.name = "any-uefi"
        layout.origin = "TCG PC Client Platform Firmware Profile: no firmware was given"
        return layout
    }()
}

extension MachineBoot {
    /// A disk started by some UEFI: a cloud's virtual machine with a TPM, whose firmware nobody has as a file.
    ///
    /// - Parameters:
    ///   - start: `.disk`, for the image `uki.efi` of `contents`, or another that boots from a disk.
    ///   - secureBoot: nil if it is not known; PCR 7 is then not predicted, nor what else depends on it.
    public static func anyUEFI(
        start: Start = .disk, secureBoot: SecureBootValue?, variables: VariableStore, contents: EventContents
    ) throws -> MachineBoot {
        if secureBoot == .on, (variables.value("PK", .efiGlobalVariable) ?? []).isEmpty {
            throw MeasurementInputError(
                "secure boot is on, and there is no platform key",
                hint: "without PK firmware is in set-up mode; give PK, KEK and db as they are enrolled")
        }
        var boot = MachineBoot(
            platform: .tpm, layout: .anyUEFI, traits: nil, variables: variables, start: start, items: [:],
            contents: contents)
        boot.isAnyUEFI = true
        // Where it is not known, registers that depend on it are left out below.
        boot.givenSecureBoot = secureBoot ?? .off
        boot.secureBootIsUnknown = secureBoot == nil
        return boot
    }

    /// The PCRs that do not follow from what is booted alone, and why.
    func anyUEFIUnknown() throws -> [UInt32: String] {
        var unknown: [UInt32: String] = [
            0: "the firmware's code: give the firmware",
            1: "the firmware's settings, tables and boot options: give the firmware",
            2: "option ROMs and drivers: give the firmware",
            3: "configuration of option ROMs: give the firmware",
            5: "what the firmware adds, and how ExitBootServices goes: give the firmware",
            6: "events of the machine's maker: give the firmware",
            10: "the running kernel extends it by its own rules (IMA)",
            15: "the running system extends it",
        ]
        guard secureBootIsUnknown else { return unknown }
        unknown[7] = "SecureBoot and its variables: give --secure-boot, and what is enrolled"
        let image = contents.has("uki.efi") ? try PEImage(try contents.source("uki.efi")) : nil
        if let image, try (stub ?? StubRules.detect(image)).innerImage == .measured {
            unknown[4] = "this stub starts its kernel in another way under secure boot: give --secure-boot"
        }
        if contents.has("cmdline") {
            for pcr: UInt32 in [9, 12] {
                unknown[pcr] = "a line given to the stub counts by secure boot: give --secure-boot"
            }
        }
        return unknown
    }
}
