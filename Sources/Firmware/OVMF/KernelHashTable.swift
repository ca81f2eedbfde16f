import Bytes
public import Hashing

/// The table of hashes that QEMU puts into the guest for a direct boot (QEMU target/i386/sev.c, `SevHashTable`).
///
///     0x00 16  GUID 9438d606-4f22-4cc9-b479-a793d411fd21
///     0x10  2  length         168
///     0x12     3 × { GUID, u16 length 50, SHA-256 }: command line, initrd, kernel
///     0xA8     zeros up to 176 bytes
public struct KernelHashTable: Hashable, Sendable {
    /// SHA-256 of the command line with one NUL after it.
    public var commandLine: Digest
    /// SHA-256 of the whole initrd, of nothing if there is none.
    public var initrd: Digest
    /// SHA-256 of the whole kernel file.
    public var kernel: Digest

    public static let byteCount = 176
    static let header = OVMFGuid.known(0x9438_d606, 0x4f22, 0x4cc9, 0xb479_a793_d411_fd21)
    static let commandLineEntry = OVMFGuid.known(0x97d0_2dd8, 0xbd20, 0x4c94, 0xaa78_e771_4d36_ab2a)
    static let initrdEntry = OVMFGuid.known(0x44ba_f731, 0x3a2f, 0x4bd7, 0x9af1_41e2_9169_781d)
    static let kernelEntry = OVMFGuid.known(0x4de7_9437, 0xabd2, 0x427f, 0xb835_d5b1_72d2_045b)

    /// A table from three SHA-256 digests; nil for digests of another algorithm.
    public init?(commandLine: Digest, initrd: Digest, kernel: Digest) {
        guard [commandLine, initrd, kernel].allSatisfy({ $0.algorithm == .sha256 }) else { return nil }
        self.commandLine = commandLine
        self.initrd = initrd
        self.kernel = kernel
    }

    /// The digest of a command line as QEMU takes it: its bytes as given, then one NUL.
    public static func digest(commandLine: [UInt8]) -> Digest {
        .of(commandLine + [0], .sha256)
    }

    /// The table's 176 bytes.
    public var bytes: [UInt8] {
        var writer = ByteWriter(capacity: Self.byteCount)
        writer.append(Self.header.bytes)
        writer.append(UInt16(168))
        for (guid, digest) in [
            (Self.commandLineEntry, commandLine), (Self.initrdEntry, initrd), (Self.kernelEntry, kernel),
        ] {
            writer.append(guid.bytes)
            writer.append(UInt16(50))
            writer.append(digest.bytes)
        }
        writer.pad(toMultipleOf: 16)
        return writer.bytes
    }
}
