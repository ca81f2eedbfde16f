private import Bytes

/// The fields of a save area (VMSA) that people look at (AMD64 APM volume 2, appendix B, table B-4).
public struct SaveAreaFields: Hashable, Sendable {
    public var csSelector: UInt16
    public var csBase: UInt64
    public var cpl, vmpl: UInt8
    public var efer, cr4, cr3, cr0, rflags, rip, rsp, rdx, gPAT, sevFeatures, xcr0: UInt64

    /// Reads the fields of the 4096 bytes of a save area; what is missing reads as zero.
    public init(_ bytes: some Collection<UInt8>) {
        let bytes = Array(bytes)
        func value<T: FixedWidthInteger & BitwiseCopyable>(_ offset: Int) -> T {
            let size = MemoryLayout<T>.size
            var value: T = 0
            for index in 0..<size where offset + index < bytes.count {
                value |= T(truncatingIfNeeded: bytes[offset + index]) << T(truncatingIfNeeded: 8 * index)
            }
            return value
        }
        csSelector = value(0x010)
        csBase = value(0x018)
        vmpl = value(0x0CA)
        cpl = value(0x0CB)
        efer = value(0x0D0)
        cr4 = value(0x148)
        cr3 = value(0x150)
        cr0 = value(0x158)
        rflags = value(0x170)
        rip = value(0x178)
        rsp = value(0x1D8)
        gPAT = value(0x268)
        rdx = value(0x310)
        sevFeatures = value(0x3B0)
        xcr0 = value(0x3E8)
    }
}
