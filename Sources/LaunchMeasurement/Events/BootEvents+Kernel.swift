private import Bytes
private import DiskFormats
private import Files
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

    /// A kernel that QEMU hands to the firmware, as the file is.
    mutating func directKernel() throws {
        try image(
            "kernel image", pieces: try authenticode(of: "vmlinuz"),
            origin: "QEMU gives the file unchanged (etc/boot/kernel, or a confidential guest)")
    }

    /// Options and initrd of a kernel that QEMU handed over: every byte of the command line becomes a UTF-16 unit, and
    /// the firmware adds a word that makes the stub load the initrd.
    mutating func directKernelStub(initrdWord: EventRules.InitrdWord) throws {
        let source = try contents.source("cmdline")
        let line = try source.read(at: 0, count: source.count, "kernel command line")
        guard !line.contains(0), line.count < 1 << 16 else {
            throw MeasurementInputError("\(source.name): a command line of \(line.count) bytes, or one with NUL in it")
        }
        let given = MeasuredEvent.Piece(
            "command line", .range(artifact: "cmdline", offset: 0, count: line.count), encoding: .widened)
        func word(_ text: String) -> MeasuredEvent.Piece {
            .init("word of the firmware", .literal(Array(text.utf8)), encoding: .widened)
        }
        let options =
            switch initrdWord {
            case .before: [word("initrd=initrd "), given]
            case .after: [given, word(" initrd=initrd")]
            }
        try linuxStub(options: options, initrd: [try contents.whole("initrd")])
    }
}
