private import Bytes

extension SMBIOSTable {
    /// Most bytes of one memory device on machine types up to `pc-q35-9.0`.
    public static let oldMemoryDevice: UInt64 = 16 << 30

    /// QEMU's table for the same machine with other processors and memory, derived by rule (QEMU `hw/smbios/smbios.c`).
    ///
    /// Processors stand in the counts of type 4; memory in type 16 (capacity), 17 (the one device) and 19 (ranges below
    /// and above 4 GiB). Compared byte by byte with tables of Debian's QEMU: 7.2 to 16 GiB, 10.0 and 11.1 to 512 GiB.
    ///
    /// - Parameter memoryDevice: most bytes of one device; a machine with more memory has several, and is refused.
    public func derived(
        from source: ACPIMachineShape, to target: ACPIMachineShape, memoryDevice: UInt64 = oldMemoryDevice
    ) throws(ACPIDerivationError) -> SMBIOSTable {
        for shape in [source, target] where shape.memory > memoryDevice {
            throw ACPIDerivationError(
                "SMBIOS",
                "found \(shape.memory >> 20) MiB, the rule is proven for one memory device, here of at most "
                    + "\(memoryDevice >> 20) MiB")
        }
        // From 255 threads on QEMU 11 writes the longer structures of SMBIOS 3.
        for shape in [source, target] where !(1...254).contains(shape.processors) {
            throw ACPIDerivationError(
                "SMBIOS", "found \(shape.processors) processors, the rule is proven for 1 to 254")
        }
        guard source.processors > 1 || target.processors == 1 else {
            throw ACPIDerivationError("SMBIOS", "one processor does not show the features of several")
        }
        let written = try Self.apply(source, like: structures, signature: source)
        guard written == structures else {
            throw ACPIDerivationError("SMBIOS", "its memory and processors are of another form than the known one")
        }
        return SMBIOSTable(try Self.apply(target, like: structures, signature: source))
    }

    private static func apply(
        _ shape: ACPIMachineShape, like structures: [Structure], signature source: ACPIMachineShape
    ) throws(ACPIDerivationError) -> [Structure] {
        var result: [Structure] = []
        var ranges = 0
        for type in [UInt8(4), 16, 17] where structures.count(where: { $0.type == type }) != 1 {
            throw ACPIDerivationError("SMBIOS type \(type)", "expected one structure")
        }
        for var structure in structures {
            switch structure.type {
            case 4: try structure.setProcessors(shape.processors, hadSeveral: source.processors > 1)
            case 16: try structure.set(0x07, UInt32(truncatingIfNeeded: shape.memory >> 10))
            case 17: try structure.setMemoryDevice(shape.memory >> 20)
            case 19:
                ranges += 1
                guard ranges == 1 else { continue }
                let low = MemoryRule.low(shape.memory)
                result.append(try structure.range(0, from: 0, count: low))
                if shape.memory > low {
                    result.append(try structure.range(1, from: 1 << 32, count: shape.memory - low))
                }
                continue
            default: break
            }
            result.append(structure)
        }
        return result
    }
}

extension SMBIOSTable.Structure {
    fileprivate mutating func set<T: FixedWidthInteger>(_ offset: Int, _ value: T) throws(ACPIDerivationError) {
        var writer = ByteWriter()
        writer.append(value)
        guard offset + writer.count <= formatted.count else {
            throw ACPIDerivationError("SMBIOS type \(type)", "found \(formatted.count) bytes, fewer than known")
        }
        formatted.replaceSubrange(offset..<offset + writer.count, with: writer.bytes)
    }

    /// Cores, enabled cores and threads; and bit 28 of the features, which newer QEMUs set for several processors.
    fileprivate mutating func setProcessors(_ count: Int, hadSeveral: Bool) throws(ACPIDerivationError) {
        guard formatted.count == 0x2A, let byte = UInt8(exactly: count) else {
            throw ACPIDerivationError("SMBIOS type 4", "found \(formatted.count) bytes, expected 42")
        }
        for offset in 0x23...0x25 { formatted[offset] = byte }
        if hadSeveral, count == 1 { formatted[0x0F] &= ~0x10 }
    }

    /// Size in MiB: a word up to 0x7FFE, else 0x7FFF and the extended size (DSP0134, section 7.18.5).
    fileprivate mutating func setMemoryDevice(_ size: UInt64) throws(ACPIDerivationError) {
        let fits = size < 0x7FFF
        try set(0x0C, fits ? UInt16(truncatingIfNeeded: size) : 0x7FFF)
        try set(0x1C, fits ? UInt32(0) : UInt32(truncatingIfNeeded: size))
    }

    /// A range of memory: first and last KiB.
    fileprivate func range(_ index: UInt8, from start: UInt64, count: UInt64) throws(ACPIDerivationError) -> Self {
        var result = self
        try result.set(0x02, UInt8(index))
        try result.set(0x04, UInt32(truncatingIfNeeded: start >> 10))
        try result.set(0x08, UInt32(truncatingIfNeeded: (start + count) >> 10) &- 1)
        return result
    }
}
