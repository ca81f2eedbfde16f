private import Bytes
private import DiskFormats
public import Files
import Firmware
import Trace

extension BootEvents {
    /// The pieces of an image that its Authenticode digest covers, named for traces; `offset` is where the image starts
    /// in the artifact.
    func authenticode(of artifact: String, in range: Range<Int>? = nil) throws -> [MeasuredEvent.Piece] {
        var source = try contents.source(artifact)
        if let range { source = try source.window(at: range.lowerBound, count: range.count, "image") }
        let start = range?.lowerBound ?? 0
        return try Authenticode.ranges(of: try PEImage(source)).map { part in
            MeasuredEvent.Piece(
                part.name,
                .range(artifact: artifact, offset: start + part.range.lowerBound, count: part.range.count))
        }
    }

    /// A kernel that QEMU hands to the firmware: as the file is, or with the changes that QEMU makes to its header.
    mutating func directKernel(_ header: KernelHeader = .asGiven) throws {
        switch header {
        case .asGiven:
            try image(
                "kernel image", pieces: try authenticode(of: "vmlinuz"),
                origin: "QEMU gives the file unchanged (etc/boot/kernel, or a confidential guest)")
        case .patched(let changes):
            try image(
                "kernel image, header patched",
                pieces: try authenticode(of: "vmlinuz").flatMap { $0.replacing(changes) },
                origin: "QEMU's -kernel writes into the setup header (hw/i386/x86-common.c)")
        }
    }

    /// Options and initrd of a kernel that QEMU handed over: every byte of the command line becomes a UTF-16 unit, and
    /// the firmware adds a word that makes the stub load the initrd.
    mutating func directKernelStub(initrdWord: EventRules.InitrdWord) throws {
        let initrd = contents.has("initrd") ? [try contents.whole("initrd")] : []
        var given: [MeasuredEvent.Piece] = []
        if contents.has("cmdline") { given = [try commandLine()] }
        func word(_ text: String) -> MeasuredEvent.Piece {
            .init("word of the firmware", .literal(Array(text.utf8)), encoding: .widened)
        }
        var options = given
        if !initrd.isEmpty {
            switch initrdWord {
            case .before: options = [word("initrd=initrd ")] + given
            case .after: options = given + [word(" initrd=initrd")]
            }
        }
        try linuxStub(options: options, initrd: initrd)
    }

    /// The command line that was given, byte by byte as UTF-16; no piece if it is empty.
    func commandLine() throws -> MeasuredEvent.Piece {
        let source = try contents.source("cmdline")
        let line = try source.read(at: 0, count: min(source.count, 1 << 16), "kernel command line")
        guard !line.contains(0), line.count < 1 << 16 else {
            throw MeasurementInputError(
                "\(source.name): a command line of \(source.count) bytes, or one with NUL in it")
        }
        return MeasuredEvent.Piece(
            "command line", .range(artifact: "cmdline", offset: 0, count: line.count), encoding: .widened)
    }
}

/// What firmware gets of a kernel that is given directly.
public enum KernelHeader: Hashable, Sendable {
    case asGiven
    /// Bytes that QEMU writes, by offset in the file.
    case patched([Change])

    public struct Change: Hashable, Sendable {
        public var offset: Int
        public var bytes: [UInt8]
        var range: Range<Int> { offset..<offset + bytes.count }
    }

    /// The kernel as QEMU patches it for a machine with this memory; a file that is no Linux kernel stays as it is.
    public static func patched(
        _ kernel: ByteSource, commandLine: [UInt8], initrdSize: Int?, memory: MachineMemory
    ) throws -> KernelHeader {
        let mark = Array("HdrS".utf8)
        guard kernel.count >= LinuxBootHeader.byteCount, try kernel.read(at: 0x202, count: 4, "HdrS") == mark else {
            return .asGiven
        }
        let header = try kernel.withReader(count: LinuxBootHeader.byteCount, "setup header") { reader in
            try LinuxBootHeader(parsing: &reader)
        }
        let size = try initrdSize.map { size throws(MeasurementInputError) -> UInt32 in
            guard let size = UInt32(exactly: size) else {
                throw MeasurementInputError("an initrd of \(size) bytes, which QEMU refuses")
            }
            return size
        }
        guard
            let changes = header.patch(
                commandLine: commandLine, initrdSize: size, machine: memory)
        else {
            throw MeasurementInputError(
                "\(kernel.name): no room for the initrd below 4 GiB in a machine of \(memory.memory) bytes",
                hint: "QEMU refuses to start this; give more memory")
        }
        return .patched(changes.map { Change(offset: $0.offset, bytes: $0.bytes) })
    }
}

extension MeasuredEvent.Piece {
    /// The piece cut where bytes are replaced, with literals in between.
    fileprivate func replacing(_ changes: [KernelHeader.Change]) -> [MeasuredEvent.Piece] {
        guard case .range(let artifact, let offset, let count) = source else { return [self] }
        var pieces: [MeasuredEvent.Piece] = []
        var position = offset
        func rest(to end: Int) -> [MeasuredEvent.Piece] {
            guard end > position else { return [] }
            return [.init(name, .range(artifact: artifact, offset: position, count: end - position))]
        }
        for change in changes where change.range.overlaps(offset..<offset + count) {
            let place = change.range.clamped(to: offset..<offset + count)
            pieces += rest(to: place.lowerBound)
            let bytes = change.bytes[place.lowerBound - change.offset..<place.upperBound - change.offset]
            pieces.append(.init("written by QEMU at \(hexadecimal(place.lowerBound))", .literal(Array(bytes))))
            position = place.upperBound
        }
        return pieces + rest(to: offset + count)
    }
}
