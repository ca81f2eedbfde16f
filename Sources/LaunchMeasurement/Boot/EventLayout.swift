private import Bytes
public import Firmware

/// Which events a firmware leaves, and where, as far as edk2 releases differ in it.
///
/// A layout follows from the code of the firmware's file, or is named by whoever knows better; the trace says which.
public struct EventLayout: Hashable, Sendable {
    /// Name, e.g. `edk2-202505`; what `--layout` takes.
    public var name: String
    /// Where it came from: the firmware's file, or the name that was given.
    public var origin: String
    /// edk2 stable tag as year × 100 + month.
    public var release: Int
    /// Whether a TD's events are measured at all, after and in the first phase.
    public var measuresInTD = true
    public var measuresHandoff = true
    public var measuresACPI: Bool
    public var measuresConfiguration: Bool
    public var smbios: EventRules.TableOrder
    /// Register of a TD's boot variables and of its separator at ready to boot.
    public var bootVariables: TDXSection.Separator
    public var separator: TDXSection.Separator
    public var initrdWord: EventRules.InitrdWord
    /// The kernel is read as it was given, from `etc/boot/kernel`.
    public var readsNamedKernel: Bool
    /// The kernel's first ExitBootServices fails after a boot from a disk.
    public var retriesExit: Bool
    /// The PEI volume is measured as the file has it; older builds run it in memory and change it before.
    public var peiVolumeIsUnchanged: Bool
    /// Attributes of the shell's boot option.
    public var shellAttributes: UInt32

    /// The rules of an edk2 release; a number between two stable tags counts as the earlier tag.
    public init(release: Int) {
        self.release = release
        name = "edk2-\(release)"
        origin = "rules of edk2-stable\(release)"
        // Commits: 935343cf16, 2eac71a1ee, cd76265f1a, fb91d6cbd0, efaf8931bb, a2ac0fea49, 9d9e3a2ba8.
        measuresACPI = release >= 202302
        measuresConfiguration = release >= 202505
        smbios = release >= 202505 ? .beforeBootVariables : .absent
        bootVariables = release >= 202302 ? .rtmr0 : .rtmr1
        separator = release >= 202411 ? .rtmr1 : .rtmr0
        initrdWord = release >= 202508 ? .before : .after
        readsNamedKernel = release >= 202502
        retriesExit = release >= 202608
        peiVolumeIsUnchanged = release >= 202608
        shellAttributes = release >= 202505 ? 0x101 : 0x1
    }

    /// Releases whose names `--layout` takes: those at which something changed.
    public static let releases = [202211, 202302, 202408, 202411, 202502, 202505, 202508, 202608]

    /// A layout by name: `edk2-202505`, `edk2-stable202505`, `202505` or `2025.05`; nil for other words.
    public init?(name: String) {
        var text = name[...]
        for prefix in ["edk2-stable", "edk2-"] where text.hasPrefix(prefix) { text = text.dropFirst(prefix.count) }
        let digits = text.filter { $0 != "." }
        guard digits.utf8.count == 6, let number = Int(digits), (202_111...209_912).contains(number),
            (1...12).contains(number % 100)
        else { return nil }
        self.init(release: number)
        origin = "given as \(name)"
    }

    /// The layout that follows from what a firmware's file holds.
    ///
    /// Every rule is taken from the code where it shows there. What does not show follows from the release in the
    /// build's version, or without one from the newest of the other marks.
    public init(_ traits: FirmwareTraits) {
        let release =
            traits.release
            ?? (traits.initrdWord == .before
                ? 202508
                : traits.measuresSMBIOS
                    ? 202505 : traits.readsNamedKernel ? 202502 : traits.measuresACPI ? 202302 : 202211)
        self.init(release: release)
        origin = "found in the firmware's file" + (traits.release == nil ? "" : ", release from its version")
        measuresInTD = traits.measuresInTD
        measuresHandoff = traits.measuresHandoff
        measuresACPI = traits.measuresACPI
        measuresConfiguration = traits.measuresConfiguration
        readsNamedKernel = traits.readsNamedKernel
        smbios =
            !traits.measuresSMBIOS
            ? .absent : traits.keepsVariablesInSMM ? .afterSeparators : .beforeBootVariables
        // Seen to differ in the build of 2026.08 that keeps variables in SMM.
        if traits.keepsVariablesInSMM { peiVolumeIsUnchanged = false }
        if let word = traits.initrdWord { initrdWord = word == .before ? .before : .after }
        if traits.readsNamedKernel { separator = .rtmr1 }
        if traits.hasMenu { shellAttributes = 0x101 }
    }

    /// Whether the firmware loads and measures a kernel with QEMU's changes in its header.
    ///
    /// - Parameter confidential: QEMU knows the guest as a confidential one; from 10.2 on it then changes nothing.
    public func headerIsPatched(qemu: QEMUVersion, confidential: Bool) -> Bool {
        if confidential, qemu >= QEMUVersion(major: 10, minor: 2) { return false }
        return !(readsNamedKernel && qemu >= QEMUVersion(major: 10, minor: 0))
    }
}
