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

    /// A segment register; attributes as the VMCB packs them.
    public struct Segment: Hashable, Sendable {
        public var selector, attributes: UInt16
        public var limit: UInt32
        public var base: UInt64

        public init(selector: UInt16 = 0, attributes: UInt16, limit: UInt32 = 0xFFFF, base: UInt64 = 0) {
            self.selector = selector
            self.attributes = attributes
            self.limit = limit
            self.base = base
        }
    }

    /// Code, stack and task segments.
    public var cs, ss, tr: Segment
    /// What ES, DS and FS hold alike; GS, LDTR, GDTR and IDTR are the same everywhere.
    public var data: Segment
    public var cr0, rip, rdx, sevFeatures, gPAT: UInt64
    public var mxcsr: UInt32
    public var fcw: UInt16

    /// Linear address of the first instruction.
    public var startAddress: UInt64 { cs.base &+ rip }

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

    /// The state of every processor that starts in a Coconut SVSM as its old QEMU fork launched it: flat 32-bit
    /// protected mode at `start`, the x87 control word 0.
    public static func svsm(start: UInt64, signature: VCPUSignature) -> VMSA {
        let flat = Segment(selector: 16, attributes: 0xC93, limit: 0xFFFF_FFFF)
        return VMSA(
            cs: Segment(selector: 8, attributes: 0xC9B, limit: 0xFFFF_FFFF), ss: flat, tr: Segment(attributes: 0x8B),
            data: flat, cr0: 0x11, rip: start, rdx: UInt64(signature.rawValue), sevFeatures: 1,
            gPAT: VMMRules.qemu.gPAT, mxcsr: VMMRules.qemu.mxcsr, fcw: 0)
    }

    private init(
        cs: Segment, ss: Segment, tr: Segment, data: Segment, cr0: UInt64, rip: UInt64, rdx: UInt64,
        sevFeatures: UInt64, gPAT: UInt64, mxcsr: UInt32, fcw: UInt16
    ) {
        self.cs = cs
        self.ss = ss
        self.tr = tr
        self.data = data
        self.cr0 = cr0
        self.rip = rip
        self.rdx = rdx
        self.sevFeatures = sevFeatures
        self.gPAT = gPAT
        self.mxcsr = mxcsr
        self.fcw = fcw
    }

    private init(_ rules: VMMRules, start: UInt32, cs: UInt16, signature: VCPUSignature, features: UInt64) {
        let rdx =
            switch rules.rdx {
            case .signature: UInt64(signature.rawValue)
            case .fixed(let value): value
            }
        self.init(
            cs: Segment(selector: 0xF000, attributes: cs, base: UInt64(start & 0xFFFF_0000)),
            ss: Segment(attributes: rules.ss), tr: Segment(attributes: rules.tr), data: Segment(attributes: 0x93),
            cr0: 0x10, rip: UInt64(start & 0xFFFF), rdx: rdx, sevFeatures: features, gPAT: rules.gPAT,
            mxcsr: rules.mxcsr, fcw: rules.fcw)
    }

    /// The page as it is measured.
    public var bytes: [UInt8] {
        var page = ByteWriter(capacity: Self.byteCount)
        page.append(repeating: 0, count: Self.byteCount)
        let segments = [
            (0x000, data), (0x010, cs), (0x020, ss), (0x030, data), (0x040, data), (0x050, Segment(attributes: 0x93)),
            (0x060, Segment(attributes: 0)), (0x070, Segment(attributes: 0x82)), (0x080, Segment(attributes: 0)),
            (0x090, tr),
        ]
        for (offset, segment) in segments {
            page.replace(at: offset, with: segment.selector)
            page.replace(at: offset + 2, with: segment.attributes)
            page.replace(at: offset + 4, with: segment.limit)
            page.replace(at: offset + 8, with: segment.base)
        }
        page.replace(at: 0x0D0, with: UInt64(0x1000))  // SVME
        page.replace(at: 0x148, with: UInt64(0x40))  // MCE
        page.replace(at: 0x158, with: cr0)
        page.replace(at: 0x160, with: UInt64(0x400))
        page.replace(at: 0x168, with: UInt64(0xFFFF_0FF0))
        page.replace(at: 0x170, with: UInt64(0x2))
        page.replace(at: 0x178, with: rip)
        page.replace(at: 0x268, with: gPAT)
        page.replace(at: 0x310, with: rdx)
        page.replace(at: 0x3B0, with: sevFeatures)
        page.replace(at: 0x3E8, with: UInt64(1))
        page.replace(at: 0x408, with: mxcsr)
        page.replace(at: 0x410, with: fcw)
        return page.bytes
    }
}
