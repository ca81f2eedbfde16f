/// A tar archive put together by hand (POSIX.1-1988 ustar).
public struct TarBytes: Sendable {
    public var bytes: [UInt8] = []

    public init() {}

    /// Adds a member; `link` is the target of a link, `sizeField` a size that the header claims instead.
    public mutating func add(
        _ name: [UInt8], type: Character = "0", contents: [UInt8] = [], link: [UInt8] = [], mode: Int = 0o644,
        uid: Int = 0, gid: Int = 0, mtime: Int = 0, device: (Int, Int)? = nil, sizeField: Int? = nil
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ value: [UInt8], _ offset: Int) {
            header.replaceSubrange(offset..<offset + value.count, with: value)
        }
        func octal(_ value: Int, _ digits: Int) -> [UInt8] {
            let text = String(value, radix: 8)
            return [UInt8]((String(repeating: "0", count: max(0, digits - text.count)) + text).utf8)
        }
        put(Array(name.prefix(100)), 0)
        put(octal(mode, 7), 100)
        put(octal(uid, 7), 108)
        put(octal(gid, 7), 116)
        put(octal(sizeField ?? contents.count, 11), 124)
        put(octal(mtime, 11), 136)
        put([UInt8](repeating: 0x20, count: 8), 148)
        put([UInt8](String(type).utf8), 156)
        put(Array(link.prefix(100)), 157)
        put([UInt8]("ustar\u{0}00".utf8), 257)
        if let device {
            put(octal(device.0, 7), 329)
            put(octal(device.1, 7), 337)
        }
        put(octal(header.reduce(0) { $0 + Int($1) }, 6) + [0], 148)
        bytes += header + contents
        bytes += [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
    }

    /// A pax header for the next member: one `key=value` record.
    public mutating func addPax(_ key: String, _ value: [UInt8]) {
        var count = key.utf8.count + value.count + 3
        while String(count).utf8.count + key.utf8.count + value.count + 3 != count {
            count = String(count).utf8.count + key.utf8.count + value.count + 3
        }
        add([UInt8]("pax".utf8), type: "x", contents: [UInt8]("\(count) \(key)=".utf8) + value + [0x0A])
    }

    /// The archive with its two closing blocks.
    public var closed: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }
}
