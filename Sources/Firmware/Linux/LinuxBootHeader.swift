public import Bytes

/// The setup header of a Linux x86 kernel image (Linux `Documentation/arch/x86/boot.rst`, section "The Real-Mode Kernel
/// Header"): what a boot loader reads and changes.
public struct LinuxBootHeader: Hashable, Sendable {
    /// Boot protocol version, `0x020c` for 2.12.
    public var protocolVersion: UInt16
    public var loadFlags: UInt8
    /// Flags from protocol 2.12 on; bit 1: an initrd may be placed above 4 GiB.
    public var extendedLoadFlags: UInt16
    /// Highest address that the initrd may use (from protocol 2.03 on).
    public var initrdAddressMaximum: UInt32

    /// Bytes of a kernel that hold the whole header.
    public static let byteCount = 0x268

    /// Reads the header of the kernel image at the start of `reader`; a file without the mark `HdrS` is none.
    public init(parsing reader: inout ByteReader) throws(FormatError) {
        try reader.seek(to: 0x202, "Linux setup header")
        try reader.expect("Linux setup header, header", bytes: Array("HdrS".utf8))
        protocolVersion = try reader.read("Linux setup header, version")
        try reader.seek(to: 0x211, "Linux setup header")
        loadFlags = try reader.read("Linux setup header, loadflags")
        try reader.seek(to: 0x22C, "Linux setup header")
        initrdAddressMaximum = try reader.read("Linux setup header, initrd_addr_max")
        try reader.seek(to: 0x236, "Linux setup header")
        extendedLoadFlags = try reader.read("Linux setup header, xloadflags")
    }
}

extension LinuxBootHeader {
    /// The machine that QEMU patches the header for.
    public struct Machine: Hashable, Sendable {
        /// RAM in bytes.
        public var memory: UInt64
        /// RAM below 4 GiB where q35 splits it: all of it below 0xB0000000, else 2 GiB.
        public var lowMemory: UInt64 { memory < 0xB000_0000 ? memory : 0x8000_0000 }

        public init(memory: UInt64) { self.memory = memory }
    }

    /// Bytes that QEMU's `-kernel` writes into the header of a guest that is not confidential, by offset: what OVMF
    /// then loads and measures if QEMU or OVMF is too old for `etc/boot/kernel` (QEMU `hw/i386/x86-common.c`).
    ///
    /// Kernels older than protocol 2.02, or that do not load high, are not described here and give nil.
    public func patch(commandLine: String, initrdSize: UInt32?, machine: Machine) -> [(offset: Int, bytes: [UInt8])]? {
        guard protocolVersion >= 0x202, loadFlags & 1 != 0 else { return nil }
        var changes: [(offset: Int, bytes: [UInt8])] = []
        func change<T: FixedWidthInteger>(_ offset: Int, _ value: T) {
            var writer = ByteWriter()
            writer.append(value)
            changes.append((offset, writer.bytes))
        }
        if let mode = Self.videoMode(commandLine) { change(0x1FA, mode) }
        change(0x210, UInt8(0xB0))
        change(0x211, loadFlags | 0x80)
        if let initrdSize, let address = initrdAddress(size: initrdSize, machine: machine) {
            change(0x218, address)
            change(0x21C, initrdSize)
        }
        change(0x224, UInt16(0xFE00))
        change(0x228, UInt32(0x0002_0000))
        return changes
    }

    /// Where QEMU puts an initrd: as high as the kernel and the RAM below 4 GiB allow, on a page; nil if it does not fit.
    public func initrdAddress(size: UInt32, machine: Machine) -> UInt32? {
        let anywhere = protocolVersion >= 0x20C && extendedLoadFlags & 2 != 0
        let kernelLimit: UInt64 =
            anywhere ? 0xFFFF_FFFF : protocolVersion >= 0x203 ? UInt64(initrdAddressMaximum) : 0x37FF_FFFF
        // QEMU keeps room for its ACPI tables at the top of low RAM.
        let acpiRoom: UInt64 = 0x28000
        guard machine.lowMemory > acpiRoom else { return nil }
        let limit = min(kernelLimit, machine.lowMemory - acpiRoom - 1)
        guard limit >= UInt64(size) else { return nil }
        return UInt32((limit - UInt64(size)) & ~0xFFF)
    }

    /// The value of `vga=` in a command line as QEMU reads it.
    private static func videoMode(_ commandLine: String) -> UInt16? {
        let bytes = Array(commandLine.utf8)
        let key = Array("vga=".utf8)
        guard bytes.count >= key.count,
            let start = (0...bytes.count - key.count).first(where: { bytes[$0..<$0 + key.count].elementsEqual(key) })
        else { return nil }
        let value = String(decoding: bytes[(start + key.count)...].prefix { $0 != 0x20 }, as: UTF8.self)
        if value.hasPrefix("normal") { return 0xFFFF }
        if value.hasPrefix("ext") { return 0xFFFE }
        if value.hasPrefix("ask") { return 0xFFFD }
        return parseInteger(value).map { UInt16(truncatingIfNeeded: $0) }
    }
}
