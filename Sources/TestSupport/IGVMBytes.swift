import Bytes

/// An IGVM file written header by header from the definitions of microsoft/igvm, for tests.
public struct IGVMBytes {
    /// A variable header; `dataOffset` is where in `content` the file offset of `data` goes.
    public struct Header {
        public var type: UInt32
        public var content: [UInt8]
        public var data: [UInt8]?
        public var dataOffset = 0

        public init(_ type: UInt32, _ content: [UInt8], data: [UInt8]? = nil, dataOffset: Int = 0) {
            self.type = type
            self.content = content
            self.data = data
            self.dataOffset = dataOffset
        }
    }

    public var version: UInt32
    public var architecture: UInt32 = 0
    public var pageSize: UInt32 = 4096
    public var headers: [Header] = []

    public init(version: UInt32 = 1) { self.version = version }

    /// Bytes in front of the variable headers.
    public var fixedByteCount: Int { version == 1 ? 24 : 32 }
    private var headerByteCount: Int { headers.reduce(0) { $0 + 8 + $1.content.count.roundedUp(toMultipleOf: 8) } }

    /// Where a header's type field stands in the file.
    public func offset(of index: Int) -> Int {
        fixedByteCount + headers[..<index].reduce(0) { $0 + 8 + $1.content.count.roundedUp(toMultipleOf: 8) }
    }

    /// The whole file, its checksum right.
    public var bytes: [UInt8] {
        var writer = ByteWriter()
        var data = ByteWriter()
        let dataStart = fixedByteCount + headerByteCount
        writer.append(text: "IGVM")
        for field in [version, UInt32(fixedByteCount), UInt32(headerByteCount), 0, 0] { writer.append(field) }
        if version != 1 {
            writer.append(architecture)
            writer.append(pageSize)
        }
        for header in headers {
            var content = header.content
            if let bytes = header.data {
                let place = UInt32(dataStart + data.count)
                for index in 0..<4 {
                    content[header.dataOffset + index] = UInt8(truncatingIfNeeded: place >> (8 * index))
                }
                data.append(bytes)
            }
            writer.append(header.type)
            writer.append(UInt32(content.count))
            writer.append(content)
            writer.pad(toMultipleOf: 8)
        }
        writer.append(data.bytes)
        return Self.sealed(writer.bytes)
    }

    /// A file's bytes with the size and the checksum that they should have.
    public static func sealed(_ bytes: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(bytes)
        guard bytes.count >= 24 else { return bytes }
        writer.replace(at: 0x10, with: UInt32(bytes.count))
        writer.replace(at: 0x14, with: UInt32(0))
        func word(_ offset: Int) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[offset + $1]) << (8 * $1) } }
        let fixed = min(word(4) == 2 ? 32 : 24, bytes.count)
        let start = min(word(8), bytes.count)
        let end = min(start + word(0xC), bytes.count)
        let covered = writer.bytes[..<fixed] + writer.bytes[start..<end]
        writer.replace(at: 0x14, with: CRC32.ieee.checksum(covered))
        return writer.bytes
    }
}

extension IGVMBytes {
    private static func content(_ build: (inout ByteWriter) -> Void) -> [UInt8] {
        var writer = ByteWriter()
        build(&writer)
        return writer.bytes
    }

    /// SUPPORTED_PLATFORM: 0 native, 1 VSM, 2 SEV-SNP, 3 TDX, 4 SEV, 5 SEV-ES, 6 CCA.
    public mutating func platform(_ type: UInt8, mask: UInt32, vtl: UInt8 = 0, boundary: UInt64 = 0) {
        headers.append(
            Header(
                0x001,
                Self.content {
                    $0.append(mask)
                    $0.append([vtl, type])
                    $0.append(UInt16(1))
                    $0.append(boundary)
                }))
    }

    public mutating func policy(_ policy: UInt64, mask: UInt32) {
        headers.append(
            Header(
                0x101,
                Self.content {
                    $0.append(policy)
                    $0.append(mask)
                    $0.append(UInt32(0))
                }))
    }

    public mutating func page(
        _ gpa: UInt64, mask: UInt32 = 1, data: [UInt8]? = nil, flags: UInt32 = 0, kind: UInt16 = 0
    ) {
        headers.append(
            Header(
                0x302,
                Self.content {
                    $0.append(gpa)
                    $0.append(mask)
                    $0.append(UInt32(0))
                    $0.append(flags)
                    $0.append(kind)
                    $0.append(UInt16(0))
                }, data: data, dataOffset: 0xC))
    }

    public mutating func parameterArea(_ index: UInt32, bytes: UInt64, data: [UInt8]? = nil) {
        headers.append(
            Header(
                0x301,
                Self.content {
                    $0.append(bytes)
                    $0.append(index)
                    $0.append(UInt32(0))
                }, data: data, dataOffset: 0xC))
    }

    public mutating func parameter(_ type: UInt32, area: UInt32, offset: UInt32 = 0) {
        headers.append(
            Header(
                type,
                Self.content {
                    $0.append(area)
                    $0.append(offset)
                }))
    }

    public mutating func insert(_ gpa: UInt64, area: UInt32, mask: UInt32 = 1) {
        headers.append(
            Header(
                0x303,
                Self.content {
                    $0.append(gpa)
                    $0.append(mask)
                    $0.append(area)
                }))
    }

    public mutating func processor(_ gpa: UInt64, mask: UInt32 = 1, data: [UInt8], index: UInt16 = 0) {
        headers.append(
            Header(
                0x304,
                Self.content {
                    $0.append(gpa)
                    $0.append(mask)
                    $0.append(UInt32(0))
                    $0.append(index)
                    $0.append(UInt16(0))
                }, data: data, dataOffset: 0xC))
    }

    /// REQUIRED_MEMORY (0x305, with flags) or ERROR_RANGE (0x30D).
    public mutating func range(_ type: UInt32, _ gpa: UInt64, mask: UInt32 = 1, bytes: UInt32) {
        headers.append(
            Header(
                type,
                Self.content {
                    $0.append(gpa)
                    $0.append(mask)
                    $0.append(bytes)
                    if type == 0x305 { $0.append(UInt64(0)) }
                }))
    }

    /// SNP_ID_BLOCK with these 72-byte little-endian numbers of signature and key; no author key.
    public mutating func idBlock(
        mask: UInt32 = 1, launchDigest: [UInt8], guestSVN: UInt32 = 0, r: [UInt8] = [], s: [UInt8] = [],
        x: [UInt8] = [], y: [UInt8] = []
    ) {
        headers.append(
            Header(
                0x30B,
                Self.content {
                    $0.append(mask)
                    $0.append(UInt32(0))
                    $0.append(launchDigest)
                    $0.append(repeating: 0, count: 32)
                    for field in [UInt32(1), guestSVN, 1, 0] { $0.append(field) }
                    for number in [r, s] { $0.append(Self.number(number)) }
                    $0.append(UInt32(2))
                    $0.append(UInt32(0))
                    for number in [x, y] { $0.append(Self.number(number)) }
                    $0.append(repeating: 0, count: 144 + 152)
                }))
    }

    private static func number(_ digits: [UInt8]) -> [UInt8] {
        digits + Array(repeating: 0, count: max(0, 72 - digits.count))
    }

    /// A page by rule: `salt + 7·i + (i >> 8)` mod 256 at offset i.
    public static func samplePage(_ salt: Int, count: Int = 4096) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: salt + 7 * $0 + ($0 >> 8)) }
    }

    /// A save area by rule: CR0 0x31, SEV_FEATURES as given, RIP 0xfff0.
    public static func sampleSaveArea(features: UInt64) -> [UInt8] {
        var page = ByteWriter()
        page.append(repeating: 0, count: 4096)
        page.replace(at: 0x158, with: UInt64(0x31))
        page.replace(at: 0x178, with: UInt64(0xFFF0))
        page.replace(at: 0x3B0, with: features)
        return page.bytes
    }

    /// One file for SEV-SNP (mask 1), TDX (2) and SEV-ES (4) with every directive that a launch has.
    public static var sample: IGVMBytes {
        var file = IGVMBytes()
        file.platform(2, mask: 1, vtl: 2)
        file.platform(3, mask: 2, boundary: 1 << 46)
        file.platform(5, mask: 4)
        file.policy(0x30000, mask: 1)
        file.parameterArea(0, bytes: 0x2000)
        file.parameter(0x307, area: 0)
        file.parameter(0x30C, area: 0, offset: 16)
        file.range(0x305, 0x80_0000, mask: 7, bytes: 0x10_0000)
        file.page(0x10_0000, mask: 7, data: samplePage(1))
        file.page(0x10_1000, mask: 7, data: samplePage(2))
        file.page(0x10_2000, mask: 7)
        file.page(0x10_3000, mask: 7)
        file.page(0x10_4000, mask: 7, data: samplePage(3), flags: 2)
        file.page(0x10_5000, mask: 7, data: samplePage(4), flags: 4)
        file.insert(0x11_0000, area: 0, mask: 7)
        file.page(0x12_0000, mask: 1, kind: 1)
        file.page(0x12_1000, mask: 1, kind: 2)
        file.page(0x12_2000, mask: 1, kind: 3)
        file.processor(0xFFFF_FFFF_F000, mask: 1, data: sampleSaveArea(features: 1))
        file.processor(0xFFFF_FFFF_F000, mask: 4, data: sampleSaveArea(features: 0))
        file.range(0x30D, 0x13_0000, mask: 7, bytes: 0x1000)
        file.page(0xFFFF_F000, mask: 7, data: samplePage(5))
        return file
    }
}
