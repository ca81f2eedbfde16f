/// A processor line by the name that AMD's key service gives it; Bergamo and Siena are Genoa.
public enum SNPProduct: String, Sendable, CaseIterable, Hashable {
    case milan = "Milan"
    case genoa = "Genoa"
    case turin = "Turin"
    case venice = "Venice"

    /// The line of a part by CPUID leaf 1 as a report states it; nil for one that is not known.
    public init?(family: UInt8, model: UInt8) {
        switch (family, model) {
        case (0x19, 0x00...0x0F): self = .milan
        case (0x19, 0x10...0x1F), (0x19, 0xA0...0xAF): self = .genoa
        case (0x1A, 0x00...0x11): self = .turin
        case (0x1A, 0x50...0x57), (0x1A, 0x90...0xAF), (0x1A, 0xC0...0xC7): self = .venice
        default: return nil
        }
    }

    /// The line in a certificate's productName: `Milan`, or with a stepping, `Milan-B0`.
    public init?(productName: String) {
        let name = String(productName.prefix { $0 != "-" })
        self.init(rawValue: ["Bergamo", "Siena"].contains(name) ? Self.genoa.rawValue : name)
    }

    /// How the line's TCB versions are laid out.
    public var tcbLayout: TCBLayout {
        switch self {
        case .milan, .genoa: .milan
        case .turin, .venice: .turin
        }
    }

    /// Bytes of the hardware identifier in a chip's certificate; in a report zeros follow it.
    public var hardwareIDByteCount: Int { tcbLayout == .milan ? 64 : 8 }
}
