internal import Bytes
private import Files

/// A file of an EROFS image whose plain text is in extents of a block each, some of them compressed.
public struct EROFSCompressedContent: Sendable, Hashable {
    /// The image.
    let path: String
    /// In order, without gaps; one block each.
    let extents: [EROFSExtent]
    /// Where each extent's block starts in the image, in bytes.
    let offsets: [Int]
    /// Size of the plain text in bytes.
    public let count: Int

    /// Gives `body` the plain text, an extent at a time.
    func forEachChunk(_ body: (RawSpan) throws -> Void) throws {
        let file = try InputFile(path)
        for (extent, offset) in zip(extents, offsets) {
            let wanted = min(extent.count, count - extent.start)
            let plain = try Self.plain(of: extent, try file.read(at: offset, count: EROFS.blockSize), wanted)
            guard let plain else {
                throw FormatError(
                    source: path, offset: offset, field: "LZ4 block", found: "bytes that do not decompress",
                    expected: "\(wanted) bytes of byte \(extent.start) on of a file",
                    hint: "the image was changed; get it again")
            }
            try body(plain.raw)
        }
    }

    private static func plain(of extent: EROFSExtent, _ block: [UInt8], _ wanted: Int) throws -> [UInt8]? {
        switch extent.form {
        case .plain: return Array(block.prefix(wanted))
        case .lz4:
            let packed = Array(block.drop { $0 == 0 })
            let plain = LZ4Decoder.decode(packed, limit: wanted, cutsAtLimit: true)
            return plain?.count == wanted ? plain : nil
        }
    }
}

extension EROFSReader {
    /// Finds a compressed file's extents; `index` is its map header and what follows.
    func compressedContent(
        size: Int, blocks: UInt32, _ index: inout ByteReader
    ) throws(FormatError) -> EROFSCompressedContent {
        try index.expect("map header", bytes: [UInt8](repeating: 0, count: 8))
        try index.skip(8, "reserved")
        var extents: [EROFSExtent] = []
        var offsets: [Int] = []
        let clusters = size.roundedUp(toMultipleOf: EROFS.blockSize) / EROFS.blockSize
        for cluster in 0..<clusters {
            let at = index.position
            let type: UInt16 = try index.read("di_advise")
            let start: UInt16 = try index.read("di_clusterofs")
            let block: UInt32 = try index.read("di_u")
            if type == EROFSExtent.continuation, !extents.isEmpty { continue }
            guard let form = EROFSExtent.Form(rawValue: type) else {
                throw index.error("di_advise", found: hexadecimal(type), expected: "0, 1 or 2", at: at)
            }
            let position = cluster * EROFS.blockSize + Int(start)
            guard Int(start) < EROFS.blockSize, extents.isEmpty ? position == 0 : position > (extents.last?.start ?? 0)
            else { throw index.error("di_clusterofs", found: "\(start)", expected: "an offset in the cluster", at: at) }
            let offset = Int(block) * EROFS.blockSize
            guard offset <= imageSize - EROFS.blockSize else {
                throw index.error("di_u.blkaddr", found: "block \(block)", expected: "a block of the image", at: at)
            }
            extents.append(EROFSExtent(form: form, start: position, count: 0))
            offsets.append(imageStart + offset)
        }
        try measure(&extents, size: size, index)
        guard extents.count == Int(blocks) else {
            throw index.error(
                "i_u", found: "\(blocks) compressed blocks", expected: "\(extents.count), as the index has", at: 0)
        }
        return EROFSCompressedContent(path: imagePath, extents: extents, offsets: offsets, count: size)
    }

    /// Each extent ends where the next one starts.
    private func measure(_ extents: inout [EROFSExtent], size: Int, _ index: ByteReader) throws(FormatError) {
        for number in extents.indices {
            let end = number + 1 < extents.count ? extents[number + 1].start : size
            extents[number].count = end - extents[number].start
            // A block of LZ4 gives at most 255 bytes for each of its own.
            let limit = extents[number].form == .plain ? EROFS.blockSize : EROFS.blockSize * 255
            guard extents[number].count <= limit else {
                throw index.error(
                    "extent", found: "\(extents[number].count) bytes in a block", expected: "at most \(limit)", at: 0)
            }
        }
    }
}
