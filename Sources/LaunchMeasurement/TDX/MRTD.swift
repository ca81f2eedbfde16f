private import Bytes
import Documents
public import Firmware
public import Hashing
public import Trace

/// The measurement of a trust domain's initial memory (Intel TDX Module Base Architecture, "Build-Time Measurement
/// Register (MRTD)").
///
/// SHA-384 over a stream of records. PAGE.ADD: 128 bytes, `MEM.PAGE.ADD` padded to 16, u64 address, zeros. MR.EXTEND:
/// 128 bytes, `MR.EXTEND` padded to 16, u64 address of a 256-byte chunk, zeros; then the chunk.
public enum MRTD {
    /// The order in which a loader adds and extends the pages of a section.
    public enum PageOrder: String, Sendable, CaseIterable {
        /// A page is extended as soon as it is added: Linux 6.16 with QEMU 10.1, and later.
        case single = "single-pass"
        /// All pages of a section are added, then all are extended: QEMU 8.2 trees of Intel and Canonical.
        case twoPass = "two-pass"
    }

    private static let pageSize = 4096
    private static let chunkSize = 256

    /// The register's value for `image`, with a trace of one node a section.
    public static func measure(
        _ image: OVMFImage, metadata: TDVFMetadata, order: PageOrder, artifact: String
    ) throws -> (digest: Digest, trace: TraceNode) {
        var hash = Hash(.sha384)
        var nodes: [TraceNode] = []
        for (index, section) in metadata.sections.enumerated() where !section.isAugmented {
            let pages = Int(section.memorySize) / pageSize
            if section.extendsMR, section.memorySize != UInt64(section.rawSize) {
                throw MeasurementInputError(
                    "\(image.name): section \(index) has \(section.rawSize) bytes for \(section.memorySize) of memory",
                    hint: "loaders differ in how they fill such a section; Assay does not guess")
            }
            let node = TraceNode(
                id: "MRTD/section-\(index)", name: "\(section.kind) section",
                origin: "TDVF metadata, descriptor order", gpa: section.address,
                source: section.extendsMR
                    ? .range(artifact: artifact, offset: Int(section.dataOffset), count: Int(section.rawSize)) : nil,
                details: [
                    ("pages", .count(pages)), ("extended", .bool(section.extendsMR)),
                    ("order", .string(order.rawValue)),
                ])
            nodes.append(node)
            add(section, of: image, order: order, to: &hash)
        }
        let digest = hash.finish()
        let trace = TraceNode(
            id: "MRTD", name: "initial memory", origin: "TDX module", operation: .chain, register: "MRTD",
            digest: digest, children: nodes)
        return (digest, trace)
    }

    private static func add(
        _ section: TDVFMetadata.Section, of image: OVMFImage, order: PageOrder, to hash: inout Hash
    ) {
        let pages = stride(from: 0, to: Int(section.memorySize), by: pageSize)
        for page in pages {
            hash.update(record("MEM.PAGE.ADD", section.address + UInt64(page)))
            if order == .single { extend(section, page: page, of: image, to: &hash) }
        }
        if order == .twoPass { for page in pages { extend(section, page: page, of: image, to: &hash) } }
    }

    private static func extend(
        _ section: TDVFMetadata.Section, page: Int, of image: OVMFImage, to hash: inout Hash
    ) {
        guard section.extendsMR else { return }
        for offset in stride(from: page, to: page + pageSize, by: chunkSize) {
            hash.update(record("MR.EXTEND", section.address + UInt64(offset)))
            let start = Int(section.dataOffset) + offset
            hash.update(image.bytes[start..<start + chunkSize])
        }
    }

    static func record(_ name: String, _ address: UInt64) -> [UInt8] {
        var writer = ByteWriter(capacity: 128)
        writer.append(text: name)
        writer.append(repeating: 0, count: 16 - writer.count)
        writer.append(address)
        writer.append(repeating: 0, count: 128 - writer.count)
        return writer.bytes
    }
}
