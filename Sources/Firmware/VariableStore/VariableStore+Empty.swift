private import Bytes

extension VariableStore {
    /// A store without a single variable, as edk2's build makes it for a fresh machine: no platform key, so secure boot
    /// is in set-up mode and off.
    public static func empty(_ layout: VariableStoreLayout = .ovmf4M) -> [UInt8] {
        var writer = ByteWriter(capacity: layout.size)
        writer.append(volumeHeader(layout))
        writer.append(GUID.authenticatedVariables.bytes)
        writer.append(UInt32(layout.variableArea - volumeHeaderSize))
        writer.append([0x5A, 0xFE] as [UInt8])
        writer.append(repeating: 0, count: 6)
        writer.append(repeating: 0xFF, count: layout.workingBlock - writer.count)
        writer.append(workingBlockHeader(layout))
        writer.append(repeating: 0xFF, count: layout.size - writer.count)
        return writer.bytes
    }

    /// EFI_FIRMWARE_VOLUME_HEADER of 0x48 bytes with one entry in its block map (PI 1.8, volume 3, section 3.2.1).
    private static func volumeHeader(_ layout: VariableStoreLayout) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(repeating: 0, count: 16)
        writer.append(GUID.nonVolatileVolume.bytes)
        writer.append(UInt64(layout.size))
        writer.append(text: "_FVH")
        // Readable, writable, erased to ones, with alignment 16: what OVMF's flash layout file asks for.
        writer.append(UInt32(0x0004_FEFF))
        writer.append(UInt16(volumeHeaderSize))
        writer.append(UInt16(0))
        writer.append(UInt16(0))
        writer.append([0, 2] as [UInt8])
        writer.append(UInt32(layout.size / layout.blockSize))
        writer.append(UInt32(layout.blockSize))
        writer.append(UInt64(0))
        // The 16-bit words of the header add up to zero.
        let words = stride(from: 0, to: writer.count, by: 2).map {
            UInt16(writer.bytes[$0]) | UInt16(writer.bytes[$0 + 1]) << 8
        }
        writer.replace(at: 0x32, with: 0 &- words.reduce(0, &+))
        return writer.bytes
    }

    /// EFI_FAULT_TOLERANT_WORKING_BLOCK_HEADER; its CRC is taken with the CRC and state bytes erased.
    private static func workingBlockHeader(_ layout: VariableStoreLayout) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(GUID.workingBlock.bytes)
        writer.append(UInt32.max)
        writer.append(UInt32.max)
        writer.append(UInt64(layout.blockSize - 32))
        writer.replace(at: 16, with: CRC32.ieee.checksum(writer.bytes))
        // The block is valid, and not invalid.
        writer.replace(at: 20, with: UInt32(0xFFFF_FFFE))
        return writer.bytes
    }
}
