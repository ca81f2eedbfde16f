private import Archives
public import Bytes

/// What an OVMF build's code tells about how it measures: modules and strings of its volumes, not its file name.
public struct FirmwareTraits: Hashable, Sendable {
    /// When a TD's firmware measures after its first phase: `TdTcg2Dxe` is there.
    public var measuresInTD: Bool
    /// TD HOB and variable store are measured in the first phase.
    public var measuresHandoff: Bool
    /// ACPI blobs as QEMU hands them out.
    public var measuresACPI: Bool
    /// fw_cfg items, in a TD.
    public var measuresConfiguration: Bool
    /// The SMBIOS table.
    public var measuresSMBIOS: Bool
    /// The kernel is read as the file was given (`etc/boot/kernel`), where QEMU offers that.
    public var readsNamedKernel: Bool
    /// Where `initrd=initrd` goes; nil for a build that starts no kernel given directly.
    public var initrdWord: InitrdWord?
    /// Built with secure boot.
    public var hasSecureBoot: Bool
    /// Variables are kept by a driver in system management mode, which is started late.
    public var keepsVariablesInSMM: Bool
    /// Applications in the volume that boot options point to.
    public var hasMenu, hasSetup, hasShell: Bool
    /// Strings of the build; the version also goes into PCR 0.
    public var identity: SMBIOSTable.FirmwareIdentity
    /// edk2 stable tag as year × 100 + month, from the version; nil if that does not tell.
    public var release: Int?

    public enum InitrdWord: String, Sendable { case before, after }
}

extension FirmwareTraits {
    private static let mainVolume = OVMFGuid.known(0x7cb8_bdc9, 0xf8eb, 0x4f34, 0xaaea_3ee4_af65_16a1)
    private static let tdMeasurement = OVMFGuid.known(0xf062_221e, 0xc607, 0x44c2, 0xb0b4_c388_6331_d351)
    private static let smbiosMeasurement = OVMFGuid.known(0xd27f_ed59, 0xabb4, 0x4fed, 0xbead_2a87_8c7e_4a7e)
    private static let smbiosPlatform = OVMFGuid.known(0x4110_465d, 0x5ff3, 0x4f4b, 0xb580_24ed_0d06_747a)
    private static let secureBootMenu = OVMFGuid.known(0xf0e6_a44f, 0x7195, 0x41c3, 0xac64_54f2_02cd_0a21)
    private static let smmVariables = OVMFGuid.known(0x23a0_89b3, 0xeed5, 0x4ac5, 0xb2ab_43e3_298c_2343)
    /// Applications that boot options of OVMF name.
    public static let menu = OVMFGuid.known(0xeec2_5bdc, 0x67f2, 0x4d95, 0xb1d5_f81b_2039_d11d)
    public static let setup = OVMFGuid.known(0x462c_aa21, 0x7614, 0x4503, 0x836e_8ab6_f466_2331)
    public static let shell = OVMFGuid.known(0x7c04_a583, 0x9e3e, 0x4f1c, 0xad65_e052_68d0_b4d1)
    /// The volume that they are in.
    public static let applicationVolume = mainVolume

    /// Inspects an image, whose packed sections are unpacked for it.
    public init(image: [UInt8], source: String) throws(FormatError) {
        try self.init(volumes: FirmwareVolumes.unpack(image, source: source), image: image, source: source)
    }

    /// Inspects an image by its unpacked `volumes`.
    public init(volumes: [FirmwareVolume], image: [UInt8], source: String) throws(FormatError) {
        guard let main = volumes.first(where: { $0.name == Self.mainVolume }) else {
            throw FormatError(
                source: source, field: "firmware volumes", found: "no volume \(Self.mainVolume)",
                expected: "OVMF's DXE volume",
                hint: "this is no OVMF build; give --layout where the firmware's events are known otherwise")
        }
        let files = Set(main.files.map(\.name))
        /// Whether the text stands in the image or in something unpacked from it.
        func mentions(_ text: String) -> Bool {
            let pattern = Array(text.utf8)
            return image.firstOffset(of: pattern) != nil
                || volumes.contains { $0.isPacked && $0.bytes.firstOffset(of: pattern) != nil }
        }
        measuresInTD = files.contains(Self.tdMeasurement)
        measuresHandoff = mentions("TdxTable\0")
        measuresACPI = mentions("ACPI DATA")
        measuresConfiguration = mentions("QEMU FW CFG\0")
        measuresSMBIOS = files.contains(Self.smbiosMeasurement)
        readsNamedKernel = mentions("etc/boot/")
        initrdWord = mentions("initrd=initrd ") ? .before : mentions(" initrd=initrd") ? .after : nil
        hasSecureBoot = files.contains(Self.secureBootMenu)
        keepsVariablesInSMM = files.contains(Self.smmVariables)
        hasMenu = files.contains(Self.menu)
        hasSetup = files.contains(Self.setup)
        hasShell = files.contains(Self.shell)
        identity = Self.identity(in: main)
        release = Self.release(identity.version)
    }

    /// The strings that the build puts into its SMBIOS type 0: UTF-16 in the driver that makes it. Builds before the
    /// driver took them from the build's settings have a vendor and date of their own and an empty version.
    private static func identity(in volume: FirmwareVolume) -> SMBIOSTable.FirmwareIdentity {
        var identity = SMBIOSTable.FirmwareIdentity(
            vendor: "EFI Development Kit II / OVMF", version: "", date: "02/06/2015")
        guard let file = volume.files.first(where: { $0.name == smbiosPlatform }) else { return identity }
        let strings = Array(volume.bytes[file.content]).utf16Strings
        // The driver's own defaults come before the build's settings, of which date, version and vendor follow in turn.
        guard let version = strings.last(where: { release($0) != nil }) else { return identity }
        identity.version = version
        if let date = strings.last(where: isDate) { identity.date = date }
        if let vendor = strings.last(where: { $0.hasSuffix("EDK II") }) {
            identity.vendor = String(vendor.drop { !$0.isLetter })
        }
        return identity
    }

    /// Year × 100 + month of a version such as `2025.02-8+deb13u1` or `edk2-stable202408`.
    static func release(_ version: String) -> Int? {
        let text = version.hasPrefix("edk2-stable") ? version.dropFirst("edk2-stable".count) : version[...]
        let digits = text.prefix(7).filter { $0 != "." }.prefix(6)
        guard digits.utf8.count == 6, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = Int(digits), (201_800...299_912).contains(number), (1...12).contains(number % 100)
        else { return nil }
        return number
    }

    private static func isDate(_ text: String) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [2, 2, 4] && parts.allSatisfy { UInt32($0) != nil }
    }
}

extension FirmwareVolume {
    /// Whether the volume was inside a packed section.
    fileprivate var isPacked: Bool {
        if case .packed = origin { true } else { false }
    }
}

extension Array where Element == UInt8 {
    /// Runs of three or more printable ASCII characters in UTF-16LE, in order.
    fileprivate var utf16Strings: [String] {
        var strings: [String] = []
        var run: [UInt8] = []
        var index = 0
        while index + 1 < count {
            if (0x20...0x7E).contains(self[index]), self[index + 1] == 0 {
                run.append(self[index])
                index += 2
                continue
            }
            if run.count >= 3 { strings.append(String(decoding: run, as: UTF8.self)) }
            // A run starts at any byte, but the rest of an ended one may only hold what is left of it.
            index += 1
            run = []
        }
        if run.count >= 3 { strings.append(String(decoding: run, as: UTF8.self)) }
        return strings
    }
}
