private import Bytes
import Documents
public import Files
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

    static let pageSize = 4096
    static let chunkSize = 256

    /// The register's value for `image` as QEMU loads it, with a trace of one node a section.
    public static func measure(
        _ image: OVMFImage, metadata: TDVFMetadata, order: PageOrder, artifact: String
    ) throws -> (digest: Digest, trace: TraceNode) {
        try measure(TDVFImage(image, metadata: metadata), loader: .qemu, order: order, artifact: artifact)
    }

    /// The register's value for `image`, with a trace of one node a section.
    ///
    /// - Parameters:
    ///   - memory: RAM in bytes, which loaders that measure the hand-off blocks need.
    ///   - payload: what td-shim's loader puts into a PAYLOAD section of which the image has no bytes, where it extends
    ///     that section; traces call it `vmlinuz`.
    public static func measure(
        _ image: TDVFImage, loader: TDLoader, order: PageOrder = .single, memory: UInt64? = nil,
        payload: ByteSource? = nil, artifact: String
    ) throws -> (digest: Digest, trace: TraceNode) {
        guard order == .single || loader == .qemu else {
            throw MeasurementInputError(
                "loader \(loader.rawValue) adds and extends page by page", hint: "two-pass is QEMU's order alone")
        }
        let launch = try TDLaunch(image, loader: loader, memory: memory, payload: payload)
        var hash = Hash(.sha384)
        var nodes: [TraceNode] = []
        for (index, section) in image.metadata.sections.enumerated() where !section.isAugmented {
            let content = try launch.content(of: index)
            nodes.append(node(index, section, content, loader: loader, order: order, artifact: artifact))
            let pages = stride(from: 0, to: Int(section.memorySize), by: pageSize)
            for page in pages {
                hash.update(record("MEM.PAGE.ADD", section.address + UInt64(page)))
                if order == .single { try extend(content, section, page, &hash) }
            }
            if order == .twoPass { for page in pages { try extend(content, section, page, &hash) } }
        }
        let digest = hash.finish()
        let trace = TraceNode(
            id: "MRTD", name: "initial memory", origin: loader == .qemu ? "TDX module" : loader.origin,
            operation: .chain, register: "MRTD", digest: digest, children: nodes)
        return (digest, trace)
    }

    private static func node(
        _ index: Int, _ section: TDVFMetadata.Section, _ content: TDLaunch.Content?, loader: TDLoader,
        order: PageOrder, artifact: String
    ) -> TraceNode {
        var node = TraceNode(
            id: "MRTD/section-\(index)", name: "\(section.kind) section",
            origin: "TDVF metadata, descriptor order", gpa: section.address,
            details: [
                ("pages", .count(Int(section.memorySize) / pageSize)), ("extended", .bool(content != nil)),
                ("order", .string(order.rawValue)),
            ])
        if loader != .qemu { node.details.append(("loader", .string(loader.rawValue))) }
        guard let content else { return node }
        node.source =
            switch content {
            case .payload(let source):
                .range(artifact: TDShimBoot.SourceName.kernel, offset: 0, count: source.count)
            case .bytes(let bytes) where section.kind == .tdHOB: .literal(Array(bytes))
            case .bytes: .range(artifact: artifact, offset: Int(section.dataOffset), count: Int(section.rawSize))
            }
        let padding = Int(section.memorySize) - content.count
        if padding > 0 { node.details.append(("zerosAppended", .count(padding))) }
        return node
    }

    /// Extends one page; what `content` has no bytes for is zero.
    private static func extend(
        _ content: TDLaunch.Content?, _ section: TDVFMetadata.Section, _ page: Int, _ hash: inout Hash
    ) throws {
        guard let content = try content?.page(at: page, size: pageSize) else { return }
        for offset in stride(from: 0, to: pageSize, by: chunkSize) {
            hash.update(record("MR.EXTEND", section.address + UInt64(page + offset)))
            let chunk = content.dropFirst(offset).prefix(chunkSize)
            hash.update(chunk)
            if chunk.count < chunkSize { hash.update([UInt8](repeating: 0, count: chunkSize - chunk.count)) }
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
