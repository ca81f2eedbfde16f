private import Bytes
private import CLibCrypto
import Hashing

extension PublicKey {
    /// Size of a P-384 coordinate, and of half a raw signature, in bytes.
    public static let p384CoordinateByteCount = 48

    /// The point of an ECDSA key as two coordinates, most significant byte first; nil for Ed25519.
    public var coordinates: (x: [UInt8], y: [UInt8])? {
        guard algorithm != .ed25519 else { return nil }
        let point = encoding.dropFirst(algorithm.encodingPrefix.count)
        return (Array(point.prefix(algorithm.coordinateByteCount)), Array(point.suffix(algorithm.coordinateByteCount)))
    }

    /// A P-384 key from its coordinates, most significant byte first; refused if the point is not on the curve.
    public init(p384X x: [UInt8], y: [UInt8], source: String) throws(SigningError) {
        try self.init(encoding: KeyAlgorithm.p384.encodingPrefix + x + y, source: source)
    }

    /// Every P-384 key under which (r, s) signs what hashes to `digest` (SEC 1, §4.1.6): at most two for an r that is
    /// itself a point's abscissa; none if there is no such point. Numbers are 48 bytes, most significant byte first.
    ///
    /// Whoever fixes r and s before they know a message gets a key that nobody holds.
    public static func recoveredP384(r: [UInt8], s: [UInt8], digest: Digest) -> [PublicKey] {
        [false, true].compactMap { isOdd in
            guard let point = KeyRecovery(r: r, s: s, digest: digest.bytes)?.point(isOdd: isOdd) else { return nil }
            return try? PublicKey(p384X: Array(point.prefix(48)), y: Array(point.suffix(48)), source: "recovered key")
        }
    }
}

/// The numbers of one recovery, freed with it.
@safe private final class KeyRecovery {
    private let group: OpaquePointer
    private let context: OpaquePointer
    private let r, s, digest: OpaquePointer

    init?(r: [UInt8], s: [UInt8], digest: [UInt8]) {
        guard let group = unsafe EC_GROUP_new_by_curve_name(NID_secp384r1), let context = unsafe BN_CTX_new(),
            let r = unsafe BN_bin2bn(r, Int32(r.count), nil), let s = unsafe BN_bin2bn(s, Int32(s.count), nil),
            let digest = unsafe BN_bin2bn(digest, Int32(digest.count), nil)
        else { return nil }
        unsafe self.group = group
        unsafe self.context = context
        unsafe self.r = r
        unsafe self.s = s
        unsafe self.digest = digest
    }

    deinit {
        unsafe BN_free(r)
        unsafe BN_free(s)
        unsafe BN_free(digest)
        unsafe BN_CTX_free(context)
        unsafe EC_GROUP_free(group)
    }

    /// Q = r⁻¹(s·R − z·G) for the R above r with the wanted last bit of y, as x‖y; nil if there is none.
    func point(isOdd: Bool) -> [UInt8]? {
        defer { ERR_clear_error() }
        guard let order = unsafe EC_GROUP_get0_order(group), let high = unsafe EC_POINT_new(group),
            let result = unsafe EC_POINT_new(group), let inverse = unsafe BN_new(), let factor = unsafe BN_new()
        else { return nil }
        defer {
            unsafe EC_POINT_free(high)
            unsafe EC_POINT_free(result)
            unsafe BN_free(inverse)
            unsafe BN_free(factor)
        }
        let (group, context) = unsafe (group, context)
        guard unsafe EC_POINT_set_compressed_coordinates(group, high, r, isOdd ? 1 : 0, context) == 1,
            unsafe BN_mod_inverse(inverse, r, order, context) != nil,
            // factor = −z·r⁻¹ mod n
            unsafe BN_mod_mul(factor, digest, inverse, order, context) == 1,
            unsafe BN_sub(factor, order, factor) == 1,
            // inverse becomes s·r⁻¹ mod n
            unsafe BN_mod_mul(inverse, s, inverse, order, context) == 1,
            unsafe EC_POINT_mul(group, result, factor, high, inverse, context) == 1,
            unsafe EC_POINT_is_at_infinity(group, result) == 0
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: 97)
        let size = unsafe bytes.withUnsafeMutableBufferPointer {
            unsafe EC_POINT_point2oct(group, result, POINT_CONVERSION_UNCOMPRESSED, $0.baseAddress, $0.count, context)
        }
        return size == 97 ? Array(bytes.dropFirst()) : nil
    }
}
