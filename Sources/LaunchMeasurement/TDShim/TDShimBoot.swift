private import Bytes
import EventLogs
public import Files
public import Firmware
import Hashing

/// One boot of a trust domain with td-shim: every event that td-shim leaves in RTMR0 and RTMR1 before it starts its
/// payload (td-shim `doc/tdshim_spec.md`, "TD Measurement"; `td-shim/src/event_log.rs`).
///
/// td-shim is no UEFI: Linux starts by the 64-bit boot protocol and measures nothing of its own start.
public struct TDShimBoot: Sendable {
    public let layout: TDShimLayout
    let image: TDShimImage
    /// Read from `td-hob`; nil where it was not given.
    let handoff: HandoffList?
    let contents: EventContents

    /// The names of sources in traces.
    public enum SourceName {
        public static let handoff = "td-hob"
        public static let kernel = "vmlinuz"
        public static let commandLine = "cmdline"
    }

    /// - Parameters:
    ///   - handoff: the list of hand-off blocks as the VMM gives it; what stands behind its end is left. nil where it is
    ///     not known: what depends on it is not predicted.
    ///   - kernel: a Linux kernel with its setup header that the VMM puts into the PAYLOAD section; nil where td-shim
    ///     starts what is in its own image.
    ///   - commandLine: what the VMM puts into the PAYLOAD_PARAM section.
    public init(
        _ image: TDVFImage, layout: TDShimLayout, handoff: ByteSource? = nil, kernel: ByteSource? = nil,
        commandLine: ByteSource? = nil
    ) throws {
        self.layout = layout
        self.image = try TDShimImage(image)
        var contents = EventContents(algorithms: [.sha384])
        contents.add(TDXMeasurement.SourceName.firmware, ByteSource(image.bytes, name: image.name))
        if let kernel { contents.add(SourceName.kernel, kernel) }
        if let commandLine { contents.add(SourceName.commandLine, commandLine) }
        if let handoff {
            let list = try Self.read(handoff, for: self.image)
            self.handoff = list
            contents.add(SourceName.handoff, try handoff.window(at: 0, count: list.byteCount, "TD HOB"))
        } else {
            self.handoff = nil
        }
        self.contents = contents
        try check(kernel: kernel, commandLine: commandLine)
    }

    private static func read(_ source: ByteSource, for image: TDShimImage) throws -> HandoffList {
        guard let section = image.section(.tdHOB) else {
            throw MeasurementInputError(
                "\(image.image.name): it has no TD_HOB section, so no VMM gives it hand-off blocks",
                hint: "leave out the TD HOB")
        }
        let count = min(source.count, HandoffList.maximumByteCount)
        let list = try source.withReader(count: count, "TD HOB") { reader in
            try HandoffList(parsing: &reader, address: section.address)
        }
        guard UInt64(list.byteCount) <= section.memorySize else {
            throw MeasurementInputError(
                "\(source.name): \(list.byteCount) bytes of hand-off blocks, the TD_HOB section has "
                    + "\(section.memorySize)")
        }
        return list
    }

    /// Whether the VMM puts a Linux payload into memory, as far as the inputs say.
    var startsLinux: Bool {
        contents.has(SourceName.kernel) || handoff?.payload.map { $0.kind != .executable } ?? false
    }

    private func check(kernel: ByteSource?, commandLine: ByteSource?) throws {
        if let handoff, let kernel, handoff.payload?.kind ?? .executable == .executable {
            throw MeasurementInputError(
                "\(kernel.name): the TD HOB does not tell td-shim of a Linux payload",
                hint: "td-shim would start the payload of its own image; give the TD HOB of a machine with this kernel")
        }
        if handoff?.payload?.kind == .vmlinux {
            throw MeasurementInputError(
                "the TD HOB tells of a Linux payload that the VMM has unpacked (image type 2)",
                hint: "what lies in memory then is no file; only bzImage kernels are predicted")
        }
        guard let kernel else {
            guard commandLine == nil || startsLinux else {
                throw MeasurementInputError(
                    "a command line without a kernel", hint: "td-shim measures one with a Linux payload alone")
            }
            return
        }
        guard image.section(.tdHOB) != nil else {
            throw MeasurementInputError(
                "\(image.image.name): without a TD_HOB section td-shim starts the payload of its own image alone",
                hint: "leave out the kernel")
        }
        guard let section = image.section(.payload), section.rawSize == 0 else {
            throw MeasurementInputError(
                "\(image.image.name): it has no PAYLOAD section for a VMM to put a kernel into",
                hint: "this image starts the payload that it holds; leave out the kernel")
        }
        try Self.fits(kernel, section)
        let mark = kernel.count > 0x206 ? try kernel.read(at: 0x202, count: 4, "HdrS") : []
        guard mark == Array("HdrS".utf8) else {
            throw MeasurementInputError(
                "\(kernel.name): no Linux kernel with a setup header", hint: "give a bzImage, as the VMM is given it")
        }
        guard let parameters = image.section(.payloadParam) else {
            throw MeasurementInputError(
                "\(image.image.name): no PAYLOAD_PARAM section, so that it is not known what td-shim measures there")
        }
        if let commandLine { try Self.fits(commandLine, parameters) }
    }

    private static func fits(_ source: ByteSource, _ section: TDVFMetadata.Section) throws {
        guard UInt64(source.count) <= section.memorySize else {
            throw MeasurementInputError(
                "\(source.name): \(source.count) bytes, the firmware's \(section.kind) section has "
                    + "\(section.memorySize)")
        }
    }
}
