private import Bytes
internal import DiskFormats
internal import Files
private import Hashing
private import Verity

extension PartComparison {
    /// The sections of two PE images: unified kernel images, kernels, boot loaders.
    mutating func compareSections(_ old: ComparedPart, _ new: ComparedPart, at place: [String]) throws {
        let (left, right) = (try PEImage(old.source), try PEImage(new.source))
        let releases = [old, new].map { try? UKI.kernelRelease(of: $0.source) }
        if let one = releases[0], let other = releases[1], one != other {
            note(place, [.init("kernel release", one, other)])
        }
        let (oldNames, newNames) = (Self.named(left.sections), Self.named(right.sections))
        for (name, section) in oldNames {
            let inside = place + ["section \(name)"]
            guard let other = newNames.first(where: { $0.name == name })?.section else {
                note(inside, [.init("entry", "\(section.contentRange.count) bytes", nil)], .removed)
                continue
            }
            let one = try Self.part(section, of: left, in: old)
            try compare(one, Self.part(other, of: right, in: new), at: inside)
        }
        for (name, section) in newNames where !oldNames.contains(where: { $0.name == name }) {
            note(
                place + ["section \(name)"], [.init("entry", nil, "\(section.contentRange.count) bytes")], .added)
        }
    }

    /// Sections with names of their own: a second `.profile` is `.profile 2`.
    private static func named(_ sections: [PEImage.Section]) -> [(name: String, section: PEImage.Section)] {
        var counts: [String: Int] = [:]
        return sections.map { section in
            let number = (counts[section.name] ?? 0) + 1
            counts[section.name] = number
            return (number == 1 ? section.name : "\(section.name) \(number)", section)
        }
    }

    private static func part(
        _ section: PEImage.Section, of image: PEImage, in part: ComparedPart
    ) throws -> ComparedPart {
        try ComparedPart(image.contents(of: section), in: part.file, name: section.name)
    }

    /// Two disks: their tables, then partition by partition of one type.
    mutating func compareDisks(_ old: ComparedPart, _ new: ComparedPart, at place: [String]) throws {
        guard let one = old.file, let other = new.file, old.source.base == 0, new.source.base == 0 else { return }
        let (left, right) = (try GPT(reading: one), try GPT(reading: other))
        if left.diskGUID != right.diskGUID {
            note(place, [.init("disk GUID", "\(left.diskGUID)", "\(right.diskGUID)")])
        }
        let (oldNames, newNames) = (Self.named(left.partitions), Self.named(right.partitions))
        for (name, partition) in oldNames {
            let inside = place + ["partition \(name)"]
            guard let match = newNames.first(where: { $0.name == name })?.partition else {
                note(inside, [.init("entry", Self.summary(partition), nil)], .removed)
                continue
            }
            note(inside, Self.aspects(partition, match))
            let window = try Self.part(partition, of: one)
            try compare(window, Self.part(match, of: other), at: inside)
        }
        for (name, partition) in newNames where !oldNames.contains(where: { $0.name == name }) {
            note(place + ["partition \(name)"], [.init("entry", nil, Self.summary(partition))], .added)
        }
    }

    /// Partitions by label; the second one of a label has its number behind it.
    private static func named(_ partitions: [GPT.Partition]) -> [(name: String, partition: GPT.Partition)] {
        var counts: [String: Int] = [:]
        return partitions.map { partition in
            let label = partition.name.isEmpty ? "of type \(partition.type)" : partition.name
            let number = (counts[label] ?? 0) + 1
            counts[label] = number
            return (number == 1 ? label : "\(label) \(number)", partition)
        }
    }

    private static func summary(_ partition: GPT.Partition) -> String {
        "type \(partition.type), \(partition.range.count) bytes at \(partition.range.lowerBound)"
    }

    private static func aspects(_ old: GPT.Partition, _ new: GPT.Partition) -> [ImageDifference.Aspect] {
        let fields: [(String, String, String)] = [
            ("type", "\(old.type)", "\(new.type)"), ("GUID", "\(old.guid)", "\(new.guid)"),
            ("attributes", hexadecimal(old.attributes), hexadecimal(new.attributes)),
            ("first byte", "\(old.range.lowerBound)", "\(new.range.lowerBound)"),
            ("size", "\(old.range.count)", "\(new.range.count)"),
        ]
        return fields.filter { $0.1 != $0.2 }.map { .init($0.0, $0.1, $0.2) }
    }

    private static func part(_ partition: GPT.Partition, of disk: InputFile) throws -> ComparedPart {
        let window = try ByteSource(disk).window(
            at: partition.range.lowerBound, count: partition.range.count, "partition \(partition.name)")
        return try ComparedPart(window, in: disk, name: partition.name)
    }

    /// Two dm-verity trees: what their superblocks say, and the first hash block that differs.
    mutating func compareVerity(_ old: ComparedPart, _ new: ComparedPart, at place: [String]) throws {
        let (left, right) = (try Self.superblock(of: old), try Self.superblock(of: new))
        let (a, b) = (left.parameters, right.parameters)
        let fields: [(String, String, String)] = [
            ("UUID", uuidText(left.uuid), uuidText(right.uuid)),
            ("algorithm", a.algorithm.rawValue, b.algorithm.rawValue),
            ("hash type", "\(a.format.rawValue)", "\(b.format.rawValue)"),
            ("data block size", "\(a.dataBlockSize)", "\(b.dataBlockSize)"),
            ("hash block size", "\(a.hashBlockSize)", "\(b.hashBlockSize)"),
            ("data blocks", "\(a.dataBlocks)", "\(b.dataBlocks)"), ("salt", a.salt.hex, b.salt.hex),
        ]
        var aspects = fields.filter { $0.1 != $0.2 }.map { ImageDifference.Aspect($0.0, $0.1, $0.2) }
        if a.salt != b.salt {
            aspects.append(.init("tree", nil, nil, ["every hash differs, because the salt does"]))
        } else if aspects.allSatisfy({ $0.name == "UUID" }),
            let byte = try old.content.firstDifference(from: new.content), byte >= a.hashBlockSize
        {
            aspects.append(.init("tree", nil, nil, ["hash block \(byte / a.hashBlockSize) is the first that differs"]))
        }
        note(place, aspects)
    }

    private static func superblock(of part: ComparedPart) throws -> VeritySuperblock {
        try part.source.withReader(count: VeritySuperblock.byteCount, "verity superblock") {
            try VeritySuperblock(parsing: &$0)
        }
    }
}
