private import Bytes
internal import Files
public import Firmware

/// Who builds a TD's initial memory: the rules beside the page order in which loaders differ for MRTD.
public enum TDLoader: String, Sendable, CaseIterable {
    /// QEMU with KVM: sections with MR.EXTEND alone, as large in memory as in the file.
    case qemu
    /// td-shim's own tool and the VMMs that load it: all eight section types, zeros up to the size in memory.
    case tdShim = "td-shim"
    /// Google Compute Engine since its correction: as QEMU.
    case google = "gce"
    /// Google Compute Engine before: every section extended, the hand-off blocks too, so MRTD follows the RAM.
    case googleAllSections = "gce-all-sections"
    /// The same where all memory is accepted before the operating system starts.
    case googleEarlyAccept = "gce-early-accept"

    /// Where the rule comes from, and what it was held against.
    public var origin: String {
        switch self {
        case .qemu: "QEMU hw/i386/tdvf.c and kvm/tdx.c; held against three programs and published quotes"
        case .tdShim: "td-shim's metadata and td-shim-tee-info-hash; read in source"
        case .google: "gce-tcb-verifier, default launch options; the program agrees on synthetic images"
        case .googleAllSections: "gce-tcb-verifier, launch options for the TD HOB bug; read in source"
        case .googleEarlyAccept: "gce-tcb-verifier, no unaccepted memory; read in source"
        }
    }

    /// Whose section types the loader takes.
    public var dialect: TDVFMetadata.Dialect { self == .tdShim ? .tdShim : .qemu }

    /// Whether MRTD depends on the size of memory.
    public var needsMemory: Bool { self == .googleAllSections || self == .googleEarlyAccept }

    var isGoogle: Bool { self == .google || needsMemory }
}

/// One firmware under one loader, checked: what each section's pages hold.
struct TDLaunch {
    private let image: TDVFImage
    private let loader: TDLoader
    /// What stands in the TD_HOB section, where that is measured.
    private var blocks: [UInt8] = []
    private let payload: ByteSource?

    /// What a section's pages hold; zeros behind it are left out.
    enum Content {
        case bytes(ArraySlice<UInt8>)
        /// A file that the VMM puts into the section.
        case payload(ByteSource)

        var count: Int {
            switch self {
            case .bytes(let bytes): bytes.count
            case .payload(let source): source.count
            }
        }

        /// What there is of the page at `offset`.
        func page(at offset: Int, size: Int) throws -> ArraySlice<UInt8> {
            switch self {
            case .bytes(let bytes): return bytes.dropFirst(offset).prefix(size)
            case .payload(let source):
                guard offset < source.count else { return [] }
                return try source.read(at: offset, count: min(size, source.count - offset), "payload")[...]
            }
        }
    }

    init(
        _ image: TDVFImage, loader: TDLoader, memory: UInt64?, payload: ByteSource?
    ) throws(MeasurementInputError) {
        self.image = image
        self.loader = loader
        self.payload = payload
        if loader.isGoogle { try checkForGoogle() }
        guard loader.needsMemory else { return }
        guard let memory else {
            throw MeasurementInputError(
                "loader \(loader.rawValue): MRTD depends on the size of memory, which was not given",
                hint: "give --memory")
        }
        let early = loader == .googleEarlyAccept
        blocks = try GoogleHandoffBlock(memory: memory, acceptEarly: early, metadata: image.metadata).bytes
    }

    /// The bytes that are extended for a section, zeros behind them left out; nil if the loader extends none.
    func content(of index: Int) throws(MeasurementInputError) -> Content? {
        let section = image.metadata.sections[index]
        guard section.extendsMR || loader.needsMemory else { return nil }
        if section.kind == .tdHOB, loader.needsMemory {
            guard blocks.count <= Int(section.memorySize) else {
                throw MeasurementInputError(
                    "\(image.name): section \(index) has \(section.memorySize) bytes for \(blocks.count) of TD HOB")
            }
            return .bytes(blocks[...])
        }
        if section.kind == .payload, section.rawSize == 0, loader == .tdShim {
            guard let payload else {
                throw MeasurementInputError(
                    "\(image.name): MRTD covers the payload that the VMM puts into section \(index), which was not given",
                    hint: "give the kernel")
            }
            guard UInt64(payload.count) <= section.memorySize else {
                throw MeasurementInputError(
                    "\(payload.name): \(payload.count) bytes, section \(index) of \(image.name) has "
                        + "\(section.memorySize)")
            }
            return .payload(payload)
        }
        let isZero = loader.needsMemory && section.kind == .tempMem
        guard section.memorySize == UInt64(section.rawSize) || loader == .tdShim || isZero else {
            throw MeasurementInputError(
                "\(image.name): section \(index) has \(section.rawSize) bytes for \(section.memorySize) of memory",
                hint: "loaders differ in how they fill such a section; Assay does not guess")
        }
        return .bytes(image.bytes[section.range])
    }

    /// Google's program refuses sections that overlap, and volumes that are not the whole file.
    private func checkForGoogle() throws(MeasurementInputError) {
        let sections = image.metadata.sections.filter { $0.memorySize > 0 }.sorted { $0.address < $1.address }
        for (first, second) in zip(sections, sections.dropFirst())
        where first.address + first.memorySize > second.address {
            throw MeasurementInputError(
                "\(image.name): sections \(first.kind) and \(second.kind) overlap at \(hexadecimal(second.address))",
                hint: "Google's loader refuses this")
        }
        let volumes = image.metadata.sections.filter { $0.kind == .bfv || $0.kind == .cfv }
        let size = volumes.reduce(UInt64(0)) { $0 + UInt64($1.rawSize) }
        guard size == UInt64(image.bytes.count) else {
            throw MeasurementInputError(
                "\(image.name): its volumes have \(size) bytes, the file \(image.bytes.count)",
                hint: "Google's loader refuses this")
        }
    }
}
