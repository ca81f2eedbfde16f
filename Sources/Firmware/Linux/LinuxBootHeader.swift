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
    /// Bytes that QEMU's `-kernel` writes into the header of a guest that is not confidential, by offset: what OVMF
    /// then loads and measures if QEMU or OVMF is too old for `etc/boot/kernel` (QEMU `hw/i386/x86-common.c`).
    ///
    /// nil if the initrd does not fit, which QEMU refuses.
    public func patch(
        commandLine: [UInt8], initrdSize: UInt32?, machine: MachineMemory
    ) -> [(offset: Int, bytes: [UInt8])]? {
        var changes: [(offset: Int, bytes: [UInt8])] = []
        func change<T: FixedWidthInteger>(_ offset: Int, _ value: T) {
            var writer = ByteWriter()
            writer.append(value)
            changes.append((offset, writer.bytes))
        }
        let recent = loadFlags & 1 != 0 && protocolVersion >= 0x202
        let realModeCode: UInt32 = recent ? 0x1_0000 : 0x9_0000
        // Older kernels find the command line below 0x9a000, at a multiple of 16.
        let room = UInt32(clamping: (min(commandLine.count, 1 << 16) + 16) & ~15)
        let line: UInt32 = recent ? 0x2_0000 : 0x9_A000 - room
        if let mode = Self.videoMode(commandLine) { change(0x1FA, mode) }
        if protocolVersion >= 0x200 { change(0x210, UInt8(0xB0)) }
        if protocolVersion >= 0x201 {
            change(0x211, loadFlags | 0x80)
            change(0x224, UInt16(truncatingIfNeeded: line &- realModeCode &- 0x200))
        }
        if let initrdSize {
            guard let address = initrdAddress(size: initrdSize, machine: machine) else { return nil }
            change(0x218, address)
            change(0x21C, initrdSize)
        }
        if protocolVersion >= 0x202 {
            change(0x228, line)
        } else {
            change(0x20, UInt16(0xA33F))
            change(0x22, UInt16(truncatingIfNeeded: line &- realModeCode))
        }
        return changes.sorted { $0.offset < $1.offset }
    }

    /// Where QEMU puts an initrd: as high as the kernel and the RAM below 4 GiB allow, on a page; nil if it does not fit.
    public func initrdAddress(size: UInt32, machine: MachineMemory) -> UInt32? {
        let anywhere = protocolVersion >= 0x20C && extendedLoadFlags & 2 != 0
        let kernelLimit: UInt64 =
            anywhere ? 0xFFFF_FFFF : protocolVersion >= 0x203 ? UInt64(initrdAddressMaximum) : 0x37FF_FFFF
        // QEMU keeps room for its ACPI tables at the top of low RAM.
        let acpiRoom: UInt64 = 0x28000
        guard machine.low > acpiRoom else { return nil }
        let limit = min(kernelLimit, machine.low - acpiRoom - 1)
        guard limit > UInt64(size) else { return nil }
        return UInt32((limit - UInt64(size)) & ~0xFFF)
    }

    /// The value of the first `vga=` in a command line as QEMU reads it: a word, or what C's `strtol` makes of it.
    private static func videoMode(_ line: [UInt8]) -> UInt16? {
        guard let start = line.firstOffset(of: Array("vga=".utf8), from: 0) else { return nil }
        let value = line[(start + 4)...]
        for (word, mode) in [("normal", UInt16(0xFFFF)), ("ext", 0xFFFE), ("ask", 0xFFFD)]
        where value.starts(with: word.utf8) { return mode }
        return leadingInteger(value)
    }

    /// The integer at the start of `text`, decimal, octal after 0 or hexadecimal after 0x; 0 if there is none.
    private static func leadingInteger(_ text: ArraySlice<UInt8>) -> UInt16 {
        var digits = text.drop { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let negative = digits.first == UInt8(ascii: "-")
        if negative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
        var radix = 10
        if digits.first == UInt8(ascii: "0") {
            let hexadecimal = digits.dropFirst().first.map { $0 | 0x20 } == UInt8(ascii: "x")
            radix = hexadecimal ? 16 : 8
            digits = digits.dropFirst(hexadecimal ? 2 : 0)
        }
        var value: UInt64 = 0
        for digit in digits {
            guard let number = Character(UnicodeScalar(digit)).hexDigitValue, number < radix else { break }
            let (product, overflow) = value.multipliedReportingOverflow(by: UInt64(radix))
            value = overflow ? UInt64(Int64.max) : min(product &+ UInt64(number), UInt64(Int64.max))
        }
        return UInt16(truncatingIfNeeded: negative ? 0 &- value : value)
    }
}
