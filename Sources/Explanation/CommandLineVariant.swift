/// A way in which the command line that a kernel got may differ from the one that one has.
public struct CommandLineVariant: Sendable, Hashable {
    /// What differs, for people; nil where nothing does.
    public var difference: String?
    public var line: [UInt8]

    init(_ difference: String?, _ line: [UInt8]) {
        self.difference = difference
        self.line = line
    }

    /// The line as it is, and joined, trimmed or ended otherwise, as is seen in practice. Ways that come to the same bytes
    /// are listed once.
    public static func usual(_ line: [UInt8]) -> [CommandLineVariant] {
        distinct([
            .init(nil, line), .init("a blank added at the end of the command line", line + [blank]),
            .init("a newline added at the end of the command line", line + [newline]),
            .init("blanks and newlines at both ends of the command line removed", trimmed(line)),
            .init("doubled blanks in the command line made single", single(line)),
            .init("every blank in the command line doubled", doubled(line)), .init("an empty command line", []),
        ])
    }

    /// Most blanks of a line that are doubled one at a time: each is one more search.
    public static let maximumDoubledBlanks = 128

    /// How many blanks `oneBlankDoubled` leaves as they are, because there are too many.
    static func blanksNotDoubled(_ line: [UInt8]) -> Int { max(0, line.count { $0 == blank } - maximumDoubledBlanks) }

    /// The line with one of its blanks doubled, as an empty variable in a script does: one variant a blank, up to
    /// `maximumDoubledBlanks`.
    public static func oneBlankDoubled(_ line: [UInt8]) -> [CommandLineVariant] {
        let variants = line.indices.lazy.filter { line[$0] == blank }.prefix(maximumDoubledBlanks).map { index in
            CommandLineVariant(
                "the blank at byte \(index) of the command line doubled",
                Array(line[...index]) + [blank] + Array(line[(index + 1)...]))
        }
        return distinct(variants + [.init("a blank added at the start of the command line", [blank] + line)])
    }

    /// The usual variants, single blanks doubled, single words left out, a common one added; all also with and without the word by which
    /// firmware names the initrd, at either end.
    static func all(of line: [UInt8]) -> [CommandLineVariant] {
        let bare = withoutInitrdWord(line)
        let inner = usual(bare) + oneBlankDoubled(bare) + oneWordLess(bare) + oneWordMore(bare)
        let word = Array("initrd=initrd".utf8)
        let ends: [(String?, ([UInt8]) -> [UInt8])] = [
            (nil, { $0 }), ("'initrd=initrd' behind it", { $0 + [blank] + word }),
            ("'initrd=initrd' before it", { word + [blank] + $0 }), ("'initrd=initrd' alone before it", { word + $0 }),
        ]
        return [.init(nil, line)]
            + ends.flatMap { end in
                inner.map { variant in
                    let parts = [variant.difference, end.0].compactMap(\.self)
                    return .init(parts.isEmpty ? nil : parts.joined(separator: ", and "), end.1(variant.line))
                }
            }
    }

    private static func withoutInitrdWord(_ line: [UInt8]) -> [UInt8] {
        let word = Array("initrd=initrd".utf8)
        if line.starts(with: word + [blank]) { return Array(line.dropFirst(word.count + 1)) }
        let tail = [blank] + word
        return line.suffix(tail.count).elementsEqual(tail) ? Array(line.dropLast(tail.count)) : line
    }

    private static func oneWordLess(_ line: [UInt8]) -> [CommandLineVariant] {
        let words = line.split(separator: blank).map(Array.init)
        return words.indices.prefix(256).map { index in
            var rest = words
            let word = rest.remove(at: index)
            return CommandLineVariant(
                "'\(String(decoding: word, as: UTF8.self))' left out", Array(rest.joined(separator: [blank])))
        }
    }

    /// Words that people and tools add to look into a machine or to change how it starts (Linux,
    /// admin-guide/kernel-parameters.txt; systemd, kernel-command-line(7)).
    static let commonWords = [
        "debug", "quiet", "ro", "rw", "single", "nomodeset", "nokaslr", "earlyprintk=serial", "console=ttyS0",
        "console=hvc0", "console=tty0", "loglevel=7", "ignore_loglevel", "panic=-1", "panic=1", "mitigations=off",
        "init=/bin/sh", "init=/bin/bash", "rdinit=/bin/sh", "rd.break", "rd.debug", "systemd.debug-shell=1",
        "systemd.log_level=debug", "systemd.unit=rescue.target", "systemd.unit=emergency.target",
        "systemd.verity=no", "swiotlb=force", "mem_encrypt=on", "random.trust_cpu=on",
    ]

    /// A common word at either end, without a blank where there is nothing else.
    private static func oneWordMore(_ line: [UInt8]) -> [CommandLineVariant] {
        commonWords.flatMap { text -> [CommandLineVariant] in
            let word = Array(text.utf8)
            guard !line.isEmpty else { return [.init("'\(text)' added", word)] }
            return [
                .init("'\(text)' added at the end", line + [blank] + word),
                .init("'\(text)' added at the start", word + [blank] + line),
            ]
        }
    }

    private static let blank = UInt8(ascii: " ")
    private static let newline = UInt8(ascii: "\n")

    private static func distinct(_ variants: [CommandLineVariant]) -> [CommandLineVariant] {
        var seen: Set<[UInt8]> = []
        return variants.filter { seen.insert($0.line).inserted }
    }

    private static func trimmed(_ line: [UInt8]) -> [UInt8] {
        let space: Set<UInt8> = [blank, newline, UInt8(ascii: "\t"), UInt8(ascii: "\r")]
        return Array(line.drop { space.contains($0) }.reversed().drop { space.contains($0) }.reversed())
    }

    private static func single(_ line: [UInt8]) -> [UInt8] {
        line.indices.filter { $0 == 0 || line[$0] != blank || line[$0 - 1] != blank }.map { line[$0] }
    }

    private static func doubled(_ line: [UInt8]) -> [UInt8] {
        line.flatMap { $0 == blank ? [blank, blank] : [$0] }
    }
}
