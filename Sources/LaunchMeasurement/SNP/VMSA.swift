private import Bytes

/// The save area of a fresh vCPU as a VMM hands it to the secure processor (AMD64 APM volume 2, table B-4): one page.
///
/// Fields that no loader sets are zero and not listed here.
///
///     0x000 es   0x010 cs   0x020 ss   0x030 ds   0x040 fs   0x050 gs   0x060 gdtr  0x070 ldtr  0x080 idtr  0x090 tr
///           16 bytes each: u16 selector, u16 attributes, u32 limit, u64 base
///     0x0D0 8 efer    0x148 8 cr4     0x158 8 cr0     0x160 8 dr7     0x168 8 dr6     0x170 8 rflags   0x178 8 rip
///     0x268 8 g_pat   0x310 8 rdx     0x3B0 8 sev_features            0x3E8 8 xcr0    0x408 4 mxcsr    0x410 2 x87_fcw
public struct VMSA: Hashable, Sendable {
    public static let byteCount = 4096
    /// Where the boot processor starts: the last 16 bytes below 4 GiB.
    public static let bootAddress: UInt32 = 0xFFFF_FFF0

    /// Start address: the low 16 bits are RIP, the rest is the base of CS.
    public var startAddress: UInt32
    public var csAttributes, ssAttributes, trAttributes: UInt16
    public var rdx, sevFeatures, gPAT: UInt64
    public var mxcsr: UInt32
    public var fcw: UInt16

    /// The boot processor's state under a VMM.
    public static func boot(_ rules: VMMRules, signature: VCPUSignature, features: UInt64) -> VMSA {
        VMSA(rules, start: bootAddress, cs: rules.csBSP, signature: signature, features: features)
    }

    /// The state of every other processor, which starts at the firmware's SEV-ES reset address.
    public static func application(
        _ rules: VMMRules, start: UInt32, signature: VCPUSignature, features: UInt64
    ) -> VMSA {
        VMSA(rules, start: start, cs: rules.csAP, signature: signature, features: features)
    }

    private init(_ rules: VMMRules, start: UInt32, cs: UInt16, signature: VCPUSignature, features: UInt64) {
        startAddress = start
        csAttributes = cs
        ssAttributes = rules.ss
        trAttributes = rules.tr
        switch rules.rdx {
        case .signature: rdx = UInt64(signature.rawValue)
        case .fixed(let value): rdx = value
        }
        sevFeatures = features
        gPAT = rules.gPAT
        mxcsr = rules.mxcsr
        fcw = rules.fcw
    }

    /// The page as it is measured.
    public var bytes: [UInt8] {
        var page = ByteWriter(capacity: Self.byteCount)
        page.append(repeating: 0, count: Self.byteCount)
        func segment(_ offset: Int, selector: UInt16 = 0, _ attributes: UInt16, base: UInt64 = 0) {
            page.replace(at: offset, with: selector)
            page.replace(at: offset + 2, with: attributes)
            page.replace(at: offset + 4, with: UInt32(0xFFFF))
            page.replace(at: offset + 8, with: base)
        }
        segment(0x000, 0x93)
        segment(0x010, selector: 0xF000, csAttributes, base: UInt64(startAddress & 0xFFFF_0000))
        segment(0x020, ssAttributes)
        segment(0x030, 0x93)
        segment(0x040, 0x93)
        segment(0x050, 0x93)
        segment(0x060, 0)
        segment(0x070, 0x82)
        segment(0x080, 0)
        segment(0x090, trAttributes)
        page.replace(at: 0x0D0, with: UInt64(0x1000))  // SVME
        page.replace(at: 0x148, with: UInt64(0x40))  // MCE
        page.replace(at: 0x158, with: UInt64(0x10))  // ET
        page.replace(at: 0x160, with: UInt64(0x400))
        page.replace(at: 0x168, with: UInt64(0xFFFF_0FF0))
        page.replace(at: 0x170, with: UInt64(0x2))
        page.replace(at: 0x178, with: UInt64(startAddress & 0xFFFF))
        page.replace(at: 0x268, with: gPAT)
        page.replace(at: 0x310, with: rdx)
        page.replace(at: 0x3B0, with: sevFeatures)
        page.replace(at: 0x3E8, with: UInt64(1))
        page.replace(at: 0x408, with: mxcsr)
        page.replace(at: 0x410, with: fcw)
        return page.bytes
    }
}
