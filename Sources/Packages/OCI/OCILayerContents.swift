internal import Archives
internal import Bytes
public import Files
internal import Hashing

extension OCIImage.Layer {
    /// What a layer may unpack to.
    static let expansion = ExpansionLimits(byteCount: 64 << 30, ratio: 2000, entryCount: 2_000_000)

    /// Writes the layer's uncompressed archive into `file` and requires that it is the one that the configuration names.
    ///
    /// - Parameter blob: the layer as stored, already checked against its digest.
    public func unpack(_ blob: [UInt8], to file: OutputFile, limit: Int = .max) throws {
        let name = "layer \(descriptor.digestText)"
        var limits = Self.expansion
        limits.byteCount = min(limits.byteCount, limit)
        var hash = Hash(diffID.algorithm)
        if compression == .none {
            hash.update(blob.raw)
            try file.append(blob)
        } else {
            try compression.forEachChunk(of: blob.raw, source: name, limits: limits) { (chunk: RawSpan) throws in
                hash.update(chunk)
                try file.append(chunk)
            }
        }
        let found = hash.finish()
        guard found == diffID else {
            throw FormatError(
                source: name, field: "uncompressed archive", found: found.ociText,
                expected: "\(diffID.ociText), its diff_id in the configuration",
                hint: "manifest and configuration are not of one image")
        }
    }
}
