private import Bytes

/// A time as FAT stores it: UTC, from 1980 to 2107, in steps of two seconds.
struct FATTime {
    var date: UInt16
    var time: UInt16

    init(epoch: Int64) {
        let civil = CivilTime(secondsSince1970: min(max(epoch, 315_532_800), 4_354_819_198))
        date = UInt16((civil.date.year - 1980) << 9 | civil.date.month << 5 | civil.date.day)
        time = UInt16(civil.hour << 11 | civil.minute << 5 | civil.second / 2)
    }
}

/// A directory entry of 32 bytes.
///
///     0 11 name · 11 1 attributes · 12 1 reserved · 13 1 tenths · 14 2 creation time · 16 2 creation date
///     18 2 access date · 20 2 cluster, high · 22 2 write time · 24 2 write date · 26 2 cluster, low · 28 4 size
struct FATEntry {
    var name: [UInt8]
    var attributes: UInt8
    var cluster = 0
    var size = 0
    var time: FATTime

    var bytes: [UInt8] {
        var out = ByteWriter(capacity: 32)
        out.append(name)
        out.append(attributes)
        out.append(UInt8(0))
        out.append(UInt8(0))
        out.append(time.time)
        out.append(time.date)
        out.append(time.date)
        out.append(UInt16(truncatingIfNeeded: cluster >> 16))
        out.append(time.time)
        out.append(time.date)
        out.append(UInt16(truncatingIfNeeded: cluster))
        out.append(UInt32(truncatingIfNeeded: size))
        return out.bytes
    }
}

/// The names of an entry: the short one of 8.3 characters, and the long one where the short one is not the whole truth.
struct FATName {
    /// 11 bytes, padded with spaces.
    var short: [UInt8]
    /// Nil where the short name says it all.
    var long: [UInt16]?

    static let root = FATName(short: padded(""), long: nil)

    private init(short: [UInt8], long: [UInt16]?) {
        self.short = short
        self.long = long
    }

    static func padded(_ text: String) -> [UInt8] {
        let bytes = Array(text.utf8.prefix(11))
        return bytes + Array(repeating: 0x20, count: 11 - bytes.count)
    }

    private static let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789$%'-_@~`!(){}^#&".utf8)

    /// Names for `name` in a directory where the short names `taken` are gone.
    init(_ name: [UInt8], taken: [[UInt8]], at path: FileTree.Path) throws(FATError) {
        guard let text = String(validating: name, as: UTF8.self), !name.isEmpty, text.utf16.count <= 255,
            !text.unicodeScalars.contains(where: { $0.value < 0x20 || "\"*/:<>?\\|".unicodeScalars.contains($0) })
        else {
            throw FATError(
                "\(path): not a name that FAT can hold", hint: "no control characters and none of \" * / : < > ? \\ |")
        }
        guard text.last != ".", text.last != " " else {
            throw FATError("\(path): a name may not end in a dot or a blank", hint: "readers drop them; rename it")
        }
        if let short = Self.short(text), !taken.contains(short) {
            self.init(short: short, long: nil)
            return
        }
        let stem = text.uppercased().utf8.filter { Self.plain.contains($0) }.prefix(5)
        let dot = text.lastIndex(of: ".")
        let suffix = dot.map { text[$0...].dropFirst().uppercased().utf8.filter { Self.plain.contains($0) }.prefix(3) }
        for number in 1...999 {
            let tail = Array("~\(number)".utf8)
            let base = Array(stem.prefix(8 - tail.count)) + tail
            let short = Self.fields(base, Array(suffix ?? []))
            if !taken.contains(short) {
                self.init(short: short, long: Array(text.utf16))
                return
            }
        }
        throw FATError("\(path): no short name is left for it")
    }

    /// The short form of a name that is one already: upper case, 8.3.
    private static func short(_ text: String) -> [UInt8]? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { Array($0.utf8) }
        guard parts.count <= 2, (1...8).contains(parts[0].count), parts.joined().allSatisfy({ plain.contains($0) }),
            parts.count == 1 || (1...3).contains(parts[1].count)
        else { return nil }
        return fields(parts[0], parts.count == 2 ? parts[1] : [])
    }

    private static func fields(_ stem: [UInt8], _ suffix: [UInt8]) -> [UInt8] {
        stem + Array(repeating: 0x20, count: 8 - stem.count) + suffix
            + Array(repeating: 0x20, count: 3 - suffix.count)
    }

    /// Number of long-name entries in front of the short one.
    var longEntries: Int { long.map { ($0.count + 12) / 13 } ?? 0 }

    /// The long-name entries, last piece first (specification, "Long Directory Entries").
    ///
    ///     0 1 order · 1 10 five units · 11 1 0x0F · 12 1 zero · 13 1 checksum of the short name · 14 12 six units
    ///     26 2 zero · 28 4 two units
    var longEntryBytes: [UInt8] {
        guard let long else { return [] }
        var checksum: UInt8 = 0
        for byte in short { checksum = (checksum << 7 | checksum >> 1) &+ byte }
        let count = longEntries
        var units = long
        if units.count < count * 13 { units.append(0) }
        units += Array(repeating: 0xFFFF, count: count * 13 - units.count)
        var out = ByteWriter(capacity: count * 32)
        for index in (0..<count).reversed() {
            let piece = units[index * 13..<index * 13 + 13]
            out.append(UInt8(index + 1) | (index == count - 1 ? 0x40 : 0))
            for unit in piece.prefix(5) { out.append(unit) }
            out.append([0x0F, 0, checksum])
            for unit in piece.dropFirst(5).prefix(6) { out.append(unit) }
            out.append(UInt16(0))
            for unit in piece.suffix(2) { out.append(unit) }
        }
        return out.bytes
    }
}
