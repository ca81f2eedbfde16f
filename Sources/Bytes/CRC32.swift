/// CRC-32 checksums over reflected polynomials: IEEE (GPT, IGVM) and Castagnoli (EROFS).
public struct CRC32: Sendable {
    private let table: [UInt32]

    /// CRC-32 of IEEE 802.3, polynomial 0xEDB88320 reflected.
    public static let ieee = CRC32(polynomial: 0xEDB8_8320)
    /// CRC-32C, polynomial 0x82F63B78 reflected.
    public static let castagnoli = CRC32(polynomial: 0x82F6_3B78)

    private init(polynomial: UInt32) {
        table = (0..<256).map { (index: UInt32) in
            (0..<8).reduce(index) { value, _ in value & 1 == 1 ? value >> 1 ^ polynomial : value >> 1 }
        }
    }

    /// The raw register after `bytes`, from `start`, with no inversion at either end.
    public func register(_ bytes: some Sequence<UInt8>, from start: UInt32 = .max) -> UInt32 {
        bytes.reduce(start) { value, byte in value >> 8 ^ table[Int((value ^ UInt32(byte)) & 0xFF)] }
    }

    /// The usual checksum: register from all ones, inverted at the end.
    public func checksum(_ bytes: some Sequence<UInt8>) -> UInt32 {
        ~register(bytes)
    }
}
