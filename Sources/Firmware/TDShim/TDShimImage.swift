public import Bytes

/// A td-shim firmware: its metadata, and what it starts of its own (td-shim `doc/tdshim_spec.md`).
///
/// td-shim finds its descriptor by a u32 32 bytes before the end of the file, which holds its offset; the GUID of TDX
/// metadata stands before the descriptor. OVMF has code there, so that this tells one from the other.
public struct TDShimImage: Sendable {
    public let image: TDVFImage
    /// The file in the firmware that the linker put in as the payload; nil if there is none.
    public let builtIn: BuiltInPayload?

    /// A payload in a firmware volume of the image.
    ///
    /// Whether the signature of a signed one is right is not checked, but whether it is by the key that is enrolled.
    public struct BuiltInPayload: Hashable, Sendable {
        /// What td-shim hashes, in the image: the PE32 section of the DXE core, or the payload inside the signed one.
        public var range: Range<Int>
        /// What a signed payload adds: only a build with secure boot starts one, and such a build starts no other.
        public var signature: Signature?

        init(range: Range<Int>) { self.range = range }

        public struct Signature: Hashable, Sendable {
            /// Security version number.
            public var svn: UInt64
            /// The file of the configuration volume that holds the hash of the signer's key, in the image.
            public var trustAnchor: Range<Int>
        }
    }

    private static let pointerFromEnd = 0x20
    private static let metadataGUID = OVMFGuid.known(0xe9ea_f9f3, 0x168e, 0x44d5, 0xa8eb_7f4d_8738_f6ae)
    private static let descriptor = Array("TDVF".utf8)

    /// Whether `bytes` have td-shim's pointer to a descriptor, and the descriptor.
    public static func isTDShim(_ bytes: [UInt8]) -> Bool {
        let place = bytes.count - pointerFromEnd
        guard place >= 0 else { return false }
        let offset = bytes[place..<place + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
        guard offset >= GUID.byteCount, offset <= place - descriptor.count else { return false }
        return bytes[offset..<offset + 4].elementsEqual(descriptor)
            && bytes[offset - GUID.byteCount..<offset].elementsEqual(metadataGUID.bytes)
    }

    /// Reads what td-shim finds in `image` when it starts; what it would not start with is refused.
    public init(_ image: TDVFImage) throws(FormatError) {
        self.image = image
        try Self.checkPointer(image)
        try Self.checkSections(image)
        builtIn = try BuiltInPayload(image)
    }

    /// The sections, by kind: td-shim has at most one of each that is asked for here.
    public func section(_ kind: TDVFMetadata.Kind) -> TDVFMetadata.Section? {
        image.metadata.sections.first { $0.kind == kind }
    }

    /// The VMM finds the descriptor by the table, td-shim by the pointer: they must mean the same.
    private static func checkPointer(_ image: TDVFImage) throws(FormatError) {
        let place = image.bytes.count - pointerFromEnd
        var reader = try ByteReader(image.bytes.raw, source: image.name).window(
            at: place, count: 4, "TDVF descriptor offset")
        let offset: UInt32 = try reader.read("TDVF descriptor offset")
        guard Int(offset) == image.metadata.offset else {
            throw FormatError(
                source: image.name, offset: place, field: "TDVF descriptor offset", found: hexadecimal(offset),
                expected: "\(hexadecimal(image.metadata.offset)), as the table of GUIDed structures has it",
                hint: "td-shim would start with other sections than those that the VMM loads")
        }
        guard isTDShim(image.bytes) else {
            throw FormatError(
                source: image.name, offset: Int(offset) - GUID.byteCount, field: "TDX metadata GUID", found: "another",
                expected: metadataGUID.description, hint: "td-shim stops where it does not find it")
        }
    }

    /// td-shim's own checks, as far as they concern what it measures (`validate_sections`).
    private static func checkSections(_ image: TDVFImage) throws(FormatError) {
        func refuse(_ section: TDVFMetadata.Section?, _ found: String, _ expected: String) -> FormatError {
            FormatError(
                source: image.name, offset: section?.recordOffset ?? image.metadata.offset, field: "TDVF section",
                found: found, expected: expected, hint: "td-shim stops at such metadata")
        }
        let sections = image.metadata.sections
        for kind in [TDVFMetadata.Kind.payload, .payloadParam, .tdInfo, .tdParams] {
            let all = sections.filter { $0.kind == kind }
            if all.count > 1 { throw refuse(all.last, "\(all.count) \(kind) sections", "at most one") }
        }
        for section in sections {
            let allowed: [UInt32] =
                switch section.kind {
                case .bfv: [1]
                case .payload: [0, 1]
                case .permMem: [2]
                default: [0]
                }
            guard allowed.contains(section.attributes) else {
                let words = allowed.map { hexadecimal($0) }.joined(separator: " or ")
                throw refuse(section, "attributes \(hexadecimal(section.attributes)) of \(section.kind)", words)
            }
        }
        guard sections.contains(where: { $0.kind == .tdHOB || $0.kind == .permMem }) else {
            throw refuse(nil, "neither TD_HOB nor PERM_MEM", "one of them: td-shim takes its memory map from it")
        }
        guard
            sections.contains(where: { $0.kind == .payload }) || !sections.contains(where: { $0.kind == .payloadParam })
        else { throw refuse(nil, "PAYLOAD_PARAM without PAYLOAD", "both") }
    }
}
