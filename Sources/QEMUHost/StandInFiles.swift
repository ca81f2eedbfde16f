private import Bytes
private import Files

/// Files in place of those that a machine's arguments name: right in size and form, empty in content.
struct StandInFiles {
    var folder: String
    var firmwareSize: Int
    var tpm: String?

    /// The arguments with every slot replaced; the files are written.
    func fill(_ arguments: [String]) throws -> [String] {
        var values = ["{cmdline}": "console=ttyS0"]
        values["{tpm}"] = tpm
        for (slot, contents) in files where arguments.contains(where: { $0.contains(slot) }) {
            let path = "\(folder)/\(slot.dropFirst().dropLast())"
            try OutputFile.write(contents(), to: path)
            values[slot] = path
        }
        return arguments.map { argument in
            values.sorted { $0.key < $1.key }.reduce(argument) { Self.replace($1.key, in: $0, by: $1.value) }
        }
    }

    private var files: [(slot: String, contents: () -> [UInt8])] {
        let zeros = { (count: Int) in { [UInt8](repeating: 0, count: count) } }
        return [
            ("{firmware}", zeros(firmwareSize)), ("{variables}", zeros(0x84000)), ("{disk}", zeros(1 << 20)),
            ("{initrd}", zeros(4096)), ("{kernel}", { Self.kernel }),
        ]
    }

    /// The smallest file that QEMU takes for a Linux kernel that wants an initrd.
    private static var kernel: [UInt8] {
        var writer = ByteWriter()
        writer.append(repeating: 0, count: 8192)
        writer.replace(at: 0x1F1, with: UInt8(1))
        writer.replace(at: 0x1FE, with: UInt16(0xAA55))
        writer.replace(at: 0x202, with: UInt32(0x5372_6448))
        writer.replace(at: 0x206, with: UInt16(0x020F))
        writer.replace(at: 0x211, with: UInt8(1))
        writer.replace(at: 0x22C, with: UInt32(0x7FFF_FFFF))
        writer.replace(at: 0x238, with: UInt32(2047))
        return writer.bytes
    }

    private static func replace(_ slot: String, in text: String, by value: String) -> String {
        var result = ""
        var rest = text[...]
        while let start = rest.firstRange(of: slot) {
            result += rest[..<start.lowerBound] + value
            rest = rest[start.upperBound...]
        }
        return result + rest
    }
}
