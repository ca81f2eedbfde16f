private import Bytes
import EventLogs
private import Hashing

extension CauseFinder {
    /// A kernel, boot loader or option ROM.
    func image(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        let input = input(of: b)
        let names = [a, b].map { files.path(of: $0.digests) }
        var details = b.data == nil ? [] : ["found: \(b.name)"]
        if let found = names[1] {
            details.append("the found digest is that of \(found)")
        } else if a.pieces.contains(where: { $0.name.hasPrefix("written by QEMU") }) {
            details.append("expected is a kernel whose header QEMU changes; found may be the unchanged file")
        } else if a.origin?.contains("gives the file unchanged") == true {
            details.append("a QEMU that changes the kernel's header gives another digest: --qemu of the prediction")
        }
        return EventCause(input, .certain, "another image than \(names[0] ?? a.name)", details)
    }

    /// Linux's stub, or structures of SMBIOS that systemd-stub measures.
    func tagged(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        switch b.tag?.tag {
        case TaggedEvent.loadOptions.tag: return commandLine(a, b)
        case TaggedEvent.initrd.tag:
            return EventCause(
                .initrd, .certain, "the kernel loaded other initrd bytes",
                recognised(b).isEmpty
                    ? ["the log does not hold them; --files finds the initrd among files"] : recognised(b))
        default: return EventCause(.other, .certain, "other bytes under \(b.name)", recognised(b))
        }
    }

    /// The kernel's command line, which the log names but does not hold: it is searched among what it usually is.
    private func commandLine(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        let statement = "the kernel got another command line"
        let expected = a.content(files).map(Self.narrowed)
        let lines =
            [expected].compactMap(\.self) + files.lines + found.flatMap(\.events).compactMap(Self.line)
        for line in lines {
            for variant in CommandLineVariant.all(of: line) {
                guard b.digests.contains(where: { Digest.of(Self.widened(variant.line), $0.algorithm) == $0 }) else {
                    continue
                }
                guard let expected else {
                    return EventCause(
                        .commandLine, .certain, statement, ["found '\(variant.line.text)'"])
                }
                return EventCause(
                    .commandLine, .certain, statement,
                    WordDifference.lines(expected.text, variant.line.text)
                        + (variant.difference.map { ["as if made with \($0)"] } ?? []))
            }
        }
        return EventCause(
            .commandLine, .unknown, "\(statement), which the log does not hold",
            expected.map { ["expected '\($0.text)'", "no usual change of it has the found digest"] }
                ?? ["--files with the expected cmdline lets the usual changes be searched"])
    }

    /// UTF-16LE with NUL, every byte a unit.
    private static func widened(_ line: [UInt8]) -> [UInt8] { line.flatMap { [$0, 0] } + [0, 0] }

    private static func narrowed(_ units: [UInt8]) -> [UInt8] {
        let low = stride(from: 0, to: units.count, by: 2).map { units[$0] }
        return low.last == 0 ? low.dropLast() : low
    }

    /// The command line that an event of a boot loader or stub holds.
    private static func line(in event: RegisterEvent) -> [UInt8]? {
        guard event.type == .ipl, let data = event.data, data.count <= 2 * CandidateFiles.lineLimit else { return nil }
        let label = Array<UInt8>("kernel_cmdline: ".utf8)
        if data.starts(with: label) { return Array(data.dropFirst(label.count).prefix { $0 != 0 }) }
        let wide = data.count.isMultiple(of: 2) && stride(from: 1, to: data.count, by: 2).allSatisfy { data[$0] == 0 }
        return wide ? narrowed(data) : nil
    }

    /// What a boot loader measured, or the stub of a unified kernel image.
    func bootLoader(_ a: RegisterEvent, _ b: RegisterEvent) -> EventCause {
        if b.isSection {
            let name = (b.data ?? []).text
            let isName = b.digests.contains { Digest.of(Array(name.utf8) + [0], $0.algorithm) == $0 }
            guard !isName else {
                return EventCause(
                    .unifiedKernelSection, .certain, "section \(name) in the place of another", ["expected \(a.name)"])
            }
            return EventCause(
                .unifiedKernelSection, .certain, "the contents of section \(name) are others", recognised(b))
        }
        if b.standing == .measured, let first = a.data, let second = b.data {
            return EventCause(
                .bootLoader, .certain, "the boot loader measured another text",
                WordDifference.lines(first.text, second.text))
        }
        return EventCause(
            .bootLoader, .certain, "the boot loader measured other bytes under '\(b.name)'", recognised(b))
    }
}
