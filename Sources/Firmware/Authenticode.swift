public import Bytes
public import DiskFormats
private import Files
public import Hashing

/// The digest of a PE image that firmware measures and signatures cover.
///
/// The rules are those of edk2's measuring (DxeTpmMeasureBootLib, TdTcg2Dxe): everything but CheckSum, the security
/// directory's entry and the certificates. A file whose size is not a multiple of 8 is **not** padded, unlike in
/// "Windows Authenticode Portable Executable Signature Format", where tools sign such files.
public enum Authenticode {
    /// A range of the file that goes into the digest.
    public struct HashedRange: Sendable, Hashable {
        /// What it is: a part of the headers, a section's name, or the data behind the sections.
        public var name: String
        /// Offsets in the file.
        public var range: Range<Int>
    }

    /// What is hashed, in order; empty ranges are left out.
    ///
    /// Sections are taken by PointerToRawData, those without raw data skipped. What follows starts at the number of
    /// bytes hashed so far and ends where the certificates' size, counted from the file's end, begins.
    public static func ranges(of image: PEImage) throws(FormatError) -> [HashedRange] {
        let headers = Int(image.sizeOfHeaders)
        var ranges = [HashedRange(name: "headers before CheckSum", range: 0..<image.checksumOffset)]
        let behindChecksum = image.checksumOffset + 4
        if let security = image.securityDirectoryOffset {
            ranges.append(.init(name: "headers before the security directory", range: behindChecksum..<security))
            ranges.append(.init(name: "rest of the headers", range: security + 8..<headers))
        } else {
            ranges.append(.init(name: "rest of the headers", range: behindChecksum..<headers))
        }
        var hashed = headers
        let inFileOrder = image.sections.enumerated().sorted {
            ($0.element.rawOffset, $0.offset) < ($1.element.rawOffset, $1.offset)
        }
        for (_, section) in inFileOrder where section.rawSize > 0 {
            ranges.append(.init(name: section.name, range: section.rawRange))
            hashed += Int(section.rawSize)
        }
        let end = image.source.count - image.certificateTable.count
        guard hashed <= end else {
            throw FormatError(
                source: image.source.name, field: "PE sections",
                found: "\(hashed) bytes of headers and sections, \(image.certificateTable.count) of certificates",
                expected: "at most the file's \(image.source.count)",
                hint: "sections overlap; firmware refuses to measure such a file")
        }
        ranges.append(.init(name: "data behind the sections", range: hashed..<end))
        return ranges.filter { !$0.range.isEmpty }
    }

    /// The digest of an image; the file is read in pieces.
    public static func digest(_ image: PEImage, algorithm: HashAlgorithm) throws -> Digest {
        var hash = Hash(algorithm)
        for part in try ranges(of: image) {
            try image.source.forEachChunk(in: part.range) { hash.update($0) }
        }
        return hash.finish()
    }
}
