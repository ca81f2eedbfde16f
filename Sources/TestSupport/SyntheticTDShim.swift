import Bytes

/// A small td-shim image made by rule, with volumes as its linker writes them.
///
/// Bytes that belong to no structure are `31·i + (i >> 12)` mod 256 at offset i.
public struct SyntheticTDShim: Sendable {
    /// What the image starts, and who measures it.
    public enum Form: Sendable, CaseIterable {
        /// Linux that the VMM loads, into RTMR1 or into MRTD.
        case linux, linuxInMRTD
        /// A payload in the image: covered by MRTD, or by RTMR1 as a section of its own.
        case executable, executableSection
        /// The same, signed, with the key's hash in the configuration volume.
        case signed
        /// No hand-off blocks: all memory stands in the metadata.
        case permanentMemory
    }

    public static let size = 0x1_8000
    public static let configurationSize = 0x2000
    public static let payloadOffset = 0x4000
    public static let payloadSize = 0x8000
    public static let metadataOffset = 0xC000
    public static let handoffAddress: UInt64 = 0x80_0000
    /// Size of the sections of a Linux payload and of its parameters.
    public static let kernelSection: UInt64 = 0x1_0000
    public static let parameterSection: UInt64 = 0x1000
    public static let svn: UInt64 = 0x0102_0304_0506_0708

    public var form: Form
    /// SHA-384 of the signer's key; the key's bytes are 0xA5.
    public static let keyHash =
        "a46381fa51ccbbd99863ff26a2dcc61134f529e90862f0f25dee6d11214a1a7c71962bc752338e675c67901727ca38eb"
    public var sections: [SyntheticFirmware.TDVFSection]

    public init(_ form: Form) {
        self.form = form
        sections = Self.sections(form)
    }

    private static func sections(_ form: Form) -> [SyntheticFirmware.TDVFSection] {
        let base = (UInt64(1) << 32) - UInt64(size)
        // The code alone, or from the payload's volume on.
        let start = form == .executable ? payloadOffset : metadataOffset
        var list: [SyntheticFirmware.TDVFSection] = [
            .init(UInt32(start), UInt32(size - start), base + UInt64(start), UInt64(size - start), 0, 1),
            .init(0, UInt32(configurationSize), base, UInt64(configurationSize), 1, 0),
            .init(0, 0, base + 0x2000, 0x1000, 3, 0),
        ]
        if form == .permanentMemory {
            list.append(.init(0, 0, 0x100_0000, 0x4000, 4, 2))
        } else {
            list.append(.init(0, 0, handoffAddress, 0x2000, 2, 0))
        }
        switch form {
        case .linux, .linuxInMRTD:
            list.append(.init(0, 0, 0x86_1000, kernelSection, 5, form == .linux ? 0 : 1))
            list.append(.init(0, 0, 0x86_0000, parameterSection, 6, 0))
        case .executable: break
        case .executableSection, .signed, .permanentMemory:
            list.append(
                .init(
                    UInt32(payloadOffset), UInt32(payloadSize), base + UInt64(payloadOffset), UInt64(payloadSize), 5, 0)
            )
        }
        return list
    }

    public var bytes: [UInt8] {
        var image = (0..<Self.size).map { UInt8(truncatingIfNeeded: 31 * $0 + $0 >> 12) }
        func put(_ bytes: [UInt8], at offset: Int) { image.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
        put([UInt8](repeating: 0, count: Self.configurationSize), at: 0)
        if form == .signed { put(configuration, at: 0) }
        if ![.linux, .linuxInMRTD].contains(form) { put(payloadVolume, at: Self.payloadOffset) }
        put(Self.guid("e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae"), at: Self.metadataOffset)
        put(SyntheticFirmware.tdvfDescriptor(sections), at: Self.metadataOffset + 16)
        put(table, at: Self.size - 0x20 - table.count)
        var pointer = ByteWriter()
        pointer.append(UInt32(Self.metadataOffset + 16))
        put(pointer.bytes, at: Self.size - 0x20)
        return image
    }

    private var table: [UInt8] {
        var writer = ByteWriter()
        writer.append(UInt32(Self.size - Self.metadataOffset - 16))
        writer.append(UInt16(22))
        writer.append(Self.guid("e47a6535-984a-4798-865e-4685a7bf8ec2"))
        writer.append(UInt16(40))
        writer.append(Self.guid("96b582de-1fb2-45f7-baea-a366c55a082d"))
        return writer.bytes
    }

    /// 600 bytes by rule.
    private static var payload: [UInt8] { (0..<600).map { UInt8(truncatingIfNeeded: 7 * $0 + 3) } }

    /// Header, payload, key and signature.
    private var signedPayload: [UInt8] {
        var writer = ByteWriter()
        writer.append(Self.guid("fcf2d558-9df5-4f4d-b0d7-3e4b798ab066"))
        writer.append(UInt32(1))
        writer.append(UInt32(48 + Self.payload.count))
        writer.append(UInt64(9))
        writer.append(Self.svn)
        writer.append(UInt32(1))
        writer.append(UInt32(0))
        writer.append(Self.payload)
        writer.append(repeating: 0xA5, count: 96)
        writer.append(repeating: 0x5A, count: 96)
        return writer.bytes
    }

    private var payloadVolume: [UInt8] {
        var writer = Self.volumeHeader(Self.payloadSize)
        let rest = Self.payloadSize - writer.count
        writer.append(Self.fileHeader("a8f75d7c-8b85-49b6-913e-af9961557308", type: 5, size: rest))
        writer.append(UInt32(rest - 24) | 0x1000_0000)
        writer.append(form == .signed ? signedPayload : Self.payload)
        writer.append(repeating: 0, count: Self.payloadSize - writer.count)
        return writer.bytes
    }

    private var configuration: [UInt8] {
        var writer = Self.volumeHeader(Self.configurationSize)
        writer.append(Self.fileHeader("77a2742e-9340-4ac9-8f85-b7b978580021", type: 1, size: 24 + 88))
        writer.append(Self.guid("be8f65a3-a83b-415c-a1fb-f78e105e824e"))
        writer.append(UInt32(1))
        writer.append(UInt32(88))
        writer.append(UInt64(1))
        writer.append(UInt64(0))
        writer.append([UInt8](hex: Self.keyHash) ?? [])
        writer.append(repeating: 0, count: Self.configurationSize - writer.count)
        return writer.bytes
    }

    /// 0x78 bytes, of which the checksum covers 0x38.
    private static func volumeHeader(_ size: Int) -> ByteWriter {
        var writer = ByteWriter()
        writer.append(repeating: 0, count: 16)
        writer.append(guid("5473c07a-3dcb-4dca-bd6f-1e9689e7349a"))
        writer.append(UInt64(size))
        writer.append(text: "_FVH")
        writer.append(UInt32(0x4F6FF))
        for word in [UInt16(0x78), 0, 0x60, 0x0200] { writer.append(word) }
        var sum: UInt16 = 0
        for index in stride(from: 0, to: writer.count, by: 2) {
            sum &+= UInt16(writer.bytes[index]) | UInt16(writer.bytes[index + 1]) << 8
        }
        writer.replace(at: 0x32, with: 0 &- sum)
        for word in [UInt32(size / 0x1000), 0x1000, 0, 0] { writer.append(word) }
        // A pad file that nobody reads, and the extended header.
        writer.append(repeating: 0, count: 18)
        writer.append([0xF0, 0, 0x2C, 0, 0, 7])
        writer.append(repeating: 0, count: 16)
        writer.append(UInt32(20))
        writer.append(UInt32(0))
        return writer
    }

    private static func fileHeader(_ name: String, type: UInt8, size: Int) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(guid(name))
        writer.append([0, 0, type, 0])
        writer.append(UInt32(size))
        var bytes = writer.bytes
        bytes[16] = 0 &- bytes.reduce(0, &+)
        bytes[17] = 0xAA
        bytes[23] = 7
        return bytes
    }

    private static func guid(_ text: String) -> [UInt8] { GUID(text)?.bytes ?? [] }
}

extension SyntheticTDShim {
    /// Hand-off blocks with three of memory; `imageType` for a block about a payload.
    public static func handoff(imageType: UInt32? = nil) -> [UInt8] {
        var blocks = ByteWriter()
        for (type, start, size) in [
            (7, 0, 0x80_0000), (0, 0x80_0000, 0x2000), (7, 0x80_2000, 0x3F7F_E000),
        ] as [(UInt32, UInt64, UInt64)] {
            blocks.append(UInt16(3))
            blocks.append(UInt16(48))
            blocks.append(repeating: 0, count: 20)
            blocks.append(type)
            blocks.append(UInt32(7))
            blocks.append(start)
            blocks.append(size)
        }
        if let imageType {
            blocks.append(UInt16(4))
            blocks.append(UInt16(40))
            blocks.append(UInt32(0))
            blocks.append(guid("b96fa412-461f-4be3-8c0d-ad805a497ac0"))
            blocks.append(imageType)
            blocks.append(UInt32(0))
            blocks.append(UInt64(0x86_1000))
        }
        blocks.append([0xFF, 0xFF, 8, 0, 0, 0, 0, 0])
        var writer = ByteWriter()
        writer.append(UInt16(1))
        writer.append(UInt16(56))
        writer.append(UInt32(0))
        writer.append(UInt32(9))
        writer.append(repeating: 0, count: 36)
        writer.append(handoffAddress + 56 + UInt64(blocks.count))
        writer.append(blocks.bytes)
        return writer.bytes
    }

    /// A kernel of 0x3456 bytes with nothing but the mark of a setup header, the rest by rule.
    public static var kernel: [UInt8] {
        var bytes = (0..<0x3456).map { UInt8(truncatingIfNeeded: 13 * $0 + $0 >> 8) }
        bytes.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
        return bytes
    }

    public static let commandLine = Array("root=/dev/vda1 console=hvc0 rw".utf8)
}
