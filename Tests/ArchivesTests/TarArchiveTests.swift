import Archives
import Bytes
import TestSupport
import Testing

@Suite("tar archives")
struct TarArchiveTests {
    static let limits = ExpansionLimits(byteCount: 1 << 20, ratio: 1000, entryCount: 100)

    static func members(
        _ bytes: [UInt8], compression: Compression = .none, limits: ExpansionLimits = limits
    ) throws -> [(entry: TarEntry, contents: [UInt8])] {
        var result: [(TarEntry, [UInt8])] = []
        try TarArchive.forEachEntry(in: bytes, compression: compression, source: "test.tar", limits: limits) {
            entry, reader in
            result.append((entry, try reader.contents()))
        }
        return result
    }

    static var sample: [UInt8] {
        var tar = TarBytes()
        tar.add(Array("./".utf8), type: "5", mode: 0o755)
        tar.add(Array("./a".utf8), contents: Array("hello".utf8), mode: 0o4755, uid: 7, gid: 9, mtime: 1_700_000_000)
        tar.add(Array("./l".utf8), type: "2", link: Array("a/../b".utf8), mode: 0o777)
        tar.add(Array("./h".utf8), type: "1", link: Array("./a".utf8))
        tar.add(Array("./n".utf8), type: "3", mode: 0o600, device: (5, 1))
        return tar.closed
    }

    @Test("give every member with its metadata and bytes")
    func members() throws {
        let members = try Self.members(Self.sample)
        #expect(members.map(\.entry.displayPath) == ["./", "./a", "./l", "./h", "./n"])
        #expect(members.map(\.contents) == [[], Array("hello".utf8), [], [], []])
        let file = members[1].entry
        #expect(file.kind == .file(size: 5))
        #expect(file.mode == 0o4755 && file.uid == 7 && file.gid == 9 && file.mtime == 1_700_000_000)
        #expect(members[0].entry.kind == .directory)
        #expect(members[2].entry.kind == .symlink(Array("a/../b".utf8)))
        #expect(members[3].entry.kind == .hardLink(Array("./a".utf8)))
        #expect(members[4].entry.kind == .characterDevice(major: 5, minor: 1))
    }

    @Test("keep names as bytes, valid UTF-8 or not, from ustar and pax headers")
    func names() throws {
        var tar = TarBytes()
        tar.add([0x66, 0xFF, 0xFE])
        let name = Array("Főtanúsítvány.crt".utf8)
        tar.addPax("path", name)
        tar.add(Array("short".utf8), contents: [1])
        let long = [UInt8](repeating: 0x78, count: 300)
        tar.addPax("path", long)
        tar.add(Array("short".utf8))
        #expect(try Self.members(tar.closed).map(\.entry.path) == [[0x66, 0xFF, 0xFE], name, long])
    }

    @Test("are refused when a pax name is not UTF-8, not silently renamed")
    func badName() throws {
        var tar = TarBytes()
        tar.addPax("path", [0x61, 0xFF, 0x62])
        tar.add(Array("short".utf8))
        #expect(throws: FormatError.self) { _ = try Self.members(tar.closed) }
    }

    @Test("are refused when cut inside a member")
    func truncated() throws {
        let bytes = Self.sample
        // A tar may lack its two closing blocks; a cut inside a header or data is an error.
        for count in [1, 100, 511, 513, 800, 1023, 1024, 1026, 1030] {
            #expect(throws: FormatError.self, "cut to \(count) bytes") {
                _ = try Self.members(Array(bytes.prefix(count)))
            }
        }
    }

    @Test("are refused when a header's checksum is wrong")
    func checksum() throws {
        for index in [0, 100, 110, 124, 156, 257] {
            var bytes = Self.sample
            bytes[512 + index] ^= 1
            #expect(throws: FormatError.self, "byte \(index)") { _ = try Self.members(bytes) }
        }
    }

    @Test("stop at the limits on entries and on output")
    func bounded() throws {
        #expect(throws: FormatError.self) {
            _ = try Self.members(
                Self.sample, limits: ExpansionLimits(byteCount: 1 << 20, ratio: 1000, entryCount: 4))
        }
        #expect(throws: FormatError.self) {
            _ = try Self.members(Self.sample, limits: ExpansionLimits(byteCount: 4, ratio: 1000, entryCount: 10))
        }
        var tar = TarBytes()
        tar.add(Array("huge".utf8), sizeField: 0o77777777777)
        #expect(throws: FormatError.self) { _ = try Self.members(tar.closed) }
    }

    @Test(
        "are read through xz, gzip and zstd as foreign tools pack them",
        .enabled(if: ["xz", "gzip", "zstd"].allSatisfy(Outside.has), "xz, gzip or zstd is not installed"))
    func packed() throws {
        let plain = try Self.members(Self.sample).map(\.entry)
        for (program, compression) in [("xz", Compression.xz), ("gzip", .gzip), ("zstd", .zstd)] {
            let bytes = try foreign(program, ["-c"], Self.sample)
            #expect(try Self.members(bytes, compression: compression).map(\.entry) == plain)
            #expect(throws: FormatError.self) { _ = try Self.members(bytes) }
            #expect(throws: FormatError.self) {
                _ = try Self.members(Array(bytes.dropLast(bytes.count / 2)), compression: compression)
            }
        }
    }

    @Test("survive random damage")
    func garbage() throws {
        let seed: UInt64 = 0x7A12
        var random = SeededGenerator(seed: seed)
        for _ in 0..<300 {
            var bytes = Self.sample
            for _ in 0..<8 {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            _ = try? Self.members(bytes)
        }
    }
}
