import Bytes
import Firmware
import TestSupport
import Testing

@Suite("IGVM file")
struct IGVMFileTests {
    private func read(_ bytes: [UInt8]) throws(FormatError) -> IGVMFile { try IGVMFile(bytes, name: "f.igvm") }

    @Test("both format versions are read, header by header", arguments: [UInt32(1), 2])
    func reads(version: UInt32) throws {
        var sample = IGVMBytes.sample
        sample.version = version
        let file = try read(sample.bytes)
        #expect(file.formatVersion == version && file.architecture == .x64)
        #expect(file.platforms.map(\.kind) == [.snp, .tdx, .sevES])
        #expect(file.platform(.tdx)?.sharedGPABoundary == 1 << 46 && file.platform(.sev) == nil)
        #expect(file.initializations.map(\.type) == [.guestPolicy])
        #expect(file.directives.count == sample.headers.count - 4)
        let snp = try #require(file.platform(.snp))
        #expect(file.guestPolicy(snp) == 0x30000)
        #expect(try file.guestPolicy(#require(file.platform(.tdx))) == nil)
        guard case .pageData(let page) = file.directives[4].content else { throw TestFailure("no page") }
        #expect(page.gpa == 0x10_0000 && file.contents(of: page).map { Array($0) } == IGVMBytes.samplePage(1))
        guard case .pageData(let zero) = file.directives[6].content else { throw TestFailure("no page") }
        #expect(file.contents(of: zero) == nil)
        #expect(file.byteCount(ofArea: 0) == 0x2000)
        #expect(file.directives[0].offset == sample.offset(of: 4))
    }

    @Test("every type of header of the definitions is read")
    func everyHeader() throws {
        var file = IGVMBytes(version: 2)
        file.platform(2, mask: 1)
        file.platform(1, mask: 2)
        file.policy(0x30000, mask: 1)
        func relocation(_ last: [UInt64]) -> [UInt8] {
            var writer = ByteWriter()
            for half in [UInt32(1), 0] { writer.append(half) }
            for field in last { writer.append(field) }
            return writer.bytes
        }
        file.headers.append(
            .init(0x102, relocation([0x20_0000, 0x40_0000, 0x1000, 0, 0x1_0000_0000_0000 & ~0x1F_FFFF])))
        file.headers.append(.init(0x103, relocation([0x1000, 0x4000, 0x2000])))
        for type: UInt32 in [0x104, 0x105] {
            var writer = ByteWriter()
            for field in [UInt32(1), 0, 5, 0] { writer.append(field) }
            file.headers.append(.init(type, writer.bytes, data: Array("CoRIM".utf8), dataOffset: 4))
        }
        file.parameterArea(7, bytes: 0x1000, data: IGVMBytes.samplePage(9))
        for type: UInt32 in [0x307, 0x308, 0x309, 0x30A, 0x30C, 0x30E, 0x30F, 0x310, 0x312, 0x313] {
            file.parameter(type, area: 7, offset: 8)
        }
        file.insert(0x9000, area: 7, mask: 3)
        file.range(0x305, 0, bytes: 0x2000)
        file.range(0x30D, 0x5000, bytes: 0x1000)
        file.idBlock(launchDigest: [UInt8](repeating: 7, count: 48), guestSVN: 3)
        file.headers.append(.init(0x311, [2] + [UInt8](repeating: 0, count: 863)))
        file.headers.append(.init(0x8000_0333, [1, 2, 3]))
        let read = try read(file.bytes)
        #expect(read.initializations.count == 5 && read.directives.count == file.headers.count - 7)
        let snp = try #require(read.platform(.snp))
        #expect(read.idBlock(snp)?.block.guestSVN == 3)
        guard case .skipped = read.directives.last?.content else {
            throw TestFailure("the optional header was not skipped")
        }
        #expect(read.directives.allSatisfy { !$0.type.description.hasPrefix("type") || $0.isOptional })
    }

    @Test("a file for Arm has Arm platforms")
    func arm() throws {
        var file = IGVMBytes(version: 2)
        file.architecture = 1
        file.platform(6, mask: 1)
        file.headers.append(.init(0x106, [1] + [UInt8](repeating: 0, count: 31)))
        #expect(try read(file.bytes).architecture == .aarch64)
        file.platform(2, mask: 2)
        #expect(throws: FormatError.self) { try read(file.bytes) }
    }

    /// Puts `bytes` at an offset of the sample, seals it again and gives the error.
    private func refusal(_ offset: Int, _ bytes: [UInt8]) throws -> FormatError {
        var file = IGVMBytes.sample.bytes
        file.replaceSubrange(offset..<offset + bytes.count, with: bytes)
        return try #require(throws: FormatError.self) { try read(IGVMBytes.sealed(file)) }
    }

    @Test(
        "a wrong field of the fixed header is named",
        arguments: [
            (0x00, [0x58], "magic"), (0x04, [3], "format version"), (0x08, [0x1C], "variable header offset"),
            (0x08, [0x08], "variable header offset"), (0x0B, [1], "variable header offset"),
            (0x0C, [0, 0], "variable header size"), (0x0F, [1], "variable header size"),
        ] as [(Int, [UInt8], String)])
    func fixedHeader(offset: Int, bytes: [UInt8], field: String) throws {
        let error = try refusal(offset, bytes)
        #expect(error.field == "IGVM header.\(field)", "\(error)")
    }

    @Test("size and checksum are the file's")
    func checks() throws {
        let whole = IGVMBytes.sample.bytes
        var size = whole
        size[0x10] ^= 1
        #expect(try #require(throws: FormatError.self) { try read(size) }.field == "IGVM header.total file size")
        var sum = whole
        sum[0x16] ^= 1
        let error = try #require(throws: FormatError.self) { try read(sum) }
        #expect(error.field == "IGVM header.checksum" && error.hint != nil)
        var two = IGVMBytes.sample
        two.version = 2
        two.pageSize = 0x10000
        #expect(try #require(throws: FormatError.self) { try read(two.bytes) }.field == "IGVM header.page size")
        two.architecture = 2
        #expect(try #require(throws: FormatError.self) { try read(two.bytes) }.field == "IGVM header.architecture")
    }

    @Test("a change of any byte of the headers is noticed, and so is any cut")
    func everyBit() throws {
        let whole = IGVMBytes.sample.bytes
        let end = IGVMBytes.sample.offset(of: IGVMBytes.sample.headers.count)
        for bit in stride(from: 0, to: end * 8, by: 3) {
            var file = whole
            file[bit / 8] ^= 1 << (bit % 8)
            #expect(throws: FormatError.self, "bit \(bit)") { try read(file) }
        }
        for count in [0, 1, 3, 23, 24, 31, 32, end - 1, end, whole.count - 1] {
            #expect(throws: FormatError.self, "\(count) bytes") { try read(Array(whole.prefix(count))) }
            #expect(throws: FormatError.self, "\(count) bytes") {
                try read(IGVMBytes.sealed(Array(whole.prefix(count))))
            }
        }
    }

    /// Header number, offset in it (8: its content), bytes, and what the error names.
    @Test(
        "a wrong field of a variable header is named",
        arguments: [
            (0, 0, [0xFE], "IGVM variable header.type"), (0, 4, [15], "SUPPORTED_PLATFORM.length"),
            (0, 8, [3], "SUPPORTED_PLATFORM.compatibility mask"), (0, 8, [0], "SUPPORTED_PLATFORM.compatibility mask"),
            (0, 12, [1], "SUPPORTED_PLATFORM.highest VTL"), (0, 13, [7], "SUPPORTED_PLATFORM.platform type"),
            (0, 14, [2], "SUPPORTED_PLATFORM.platform version"), (1, 13, [0], "SUPPORTED_PLATFORM.shared GPA boundary"),
            (1, 8, [1], "SUPPORTED_PLATFORM"), (1, 13, [2], "SUPPORTED_PLATFORM"),
            (3, 16, [8], "GUEST_POLICY.compatibility mask"), (3, 20, [1], "GUEST_POLICY.reserved"),
            (4, 8, [1], "PARAMETER_AREA.number of bytes"), (4, 23, [1], "PARAMETER_AREA.file offset"),
            (5, 0, [6], "IGVM variable header.type"), (5, 8, [1], "VP_COUNT_PARAMETER.area index"),
            (5, 13, [0x20], "VP_COUNT_PARAMETER.byte offset"),
            (7, 8, [1], "REQUIRED_MEMORY.GPA"), (7, 20, [1], "REQUIRED_MEMORY.number of bytes"),
            (7, 24, [2], "REQUIRED_MEMORY.flags"), (7, 28, [1], "REQUIRED_MEMORY.reserved"),
            (8, 8, [1], "PAGE_DATA.GPA"), (8, 15, [0x10], "PAGE_DATA"), (8, 16, [0], "PAGE_DATA.compatibility mask"),
            (8, 20, [0x20, 0], "PAGE_DATA.file offset"), (8, 23, [0x7F], "PAGE_DATA.file offset"),
            (8, 24, [8], "PAGE_DATA.flags"), (9, 24, [1], "PAGE_DATA.GPA"), (8, 28, [4], "PAGE_DATA.data type"),
            (8, 30, [1], "PAGE_DATA.reserved"), (9, 9, [0], "PAGE_DATA.GPA"), (16, 28, [1], "PAGE_DATA.data type"),
            (14, 8, [1], "PARAMETER_INSERT.GPA"), (14, 20, [1], "PARAMETER_INSERT.area index"),
            (14, 10, [0x10], "PAGE_DATA.GPA"), (14, 15, [0x10], "PARAMETER_INSERT.GPA"),
            (18, 8, [1], "VP_CONTEXT.GPA"), (18, 20, [0, 0, 0, 0], "VP_CONTEXT.file offset"),
            (18, 26, [1], "VP_CONTEXT.reserved"),
            (20, 8, [1], "ERROR_RANGE.GPA"), (20, 20, [1], "ERROR_RANGE.size"),
        ] as [(Int, Int, [UInt8], String)])
    func variableHeader(header: Int, offset: Int, bytes: [UInt8], field: String) throws {
        let sample = IGVMBytes.sample
        let error = try refusal(sample.offset(of: header) + offset, bytes)
        // Memory that overlaps is found at the later page, whatever header was changed.
        #expect(error.field == field || (field == "PAGE_DATA.GPA" && error.field.hasSuffix(".GPA")), "\(error)")
        #expect(error.source == "f.igvm" && !error.expected.isEmpty)
    }

    @Test("parameter areas are declared before they are used and inserted once; parts keep their order")
    func areas() throws {
        var twice = IGVMBytes.sample
        twice.insert(0x20_0000, area: 0, mask: 4)
        #expect(try #require(throws: FormatError.self) { try read(twice.bytes) }.field == "PARAMETER_INSERT.area index")
        var late = IGVMBytes.sample
        late.parameter(0x30E, area: 0)
        #expect(try #require(throws: FormatError.self) { try read(late.bytes) }.field == "COMMAND_LINE.area index")
        var again = IGVMBytes.sample
        again.parameterArea(0, bytes: 0x1000)
        #expect(try #require(throws: FormatError.self) { try read(again.bytes) }.field == "PARAMETER_AREA.index")
        var order = IGVMBytes.sample
        order.policy(0x30000, mask: 1)
        #expect(try #require(throws: FormatError.self) { try read(order.bytes) }.field == "GUEST_POLICY")
        var huge = IGVMBytes.sample
        huge.parameterArea(1, bytes: .max & ~0xFFF)
        huge.insert(0x4000_0000, area: 1)
        #expect(try #require(throws: FormatError.self) { try read(huge.bytes) }.field == "PARAMETER_INSERT.GPA")
    }

    @Test("padding that is not zero, as igvm-tooling writes it, is read and remembered")
    func padding() throws {
        let sample = IGVMBytes.sample
        #expect(try read(sample.bytes).directives.allSatisfy(\.hasZeroPadding))
        var bytes = sample.bytes
        bytes[sample.offset(of: 18) + 28] = 0x30
        #expect(try read(IGVMBytes.sealed(bytes)).directives.filter { !$0.hasZeroPadding }.map(\.type) == [.vpContext])
    }

    @Test("random bytes, and random changes that are sealed again, never crash")
    func garbage() throws {
        let seed: UInt64 = 0x1A6B_2026
        var generator = SeededGenerator(seed: seed)
        let whole = IGVMBytes.sample.bytes
        let end = IGVMBytes.sample.offset(of: IGVMBytes.sample.headers.count)
        var accepted = 0
        for _ in 0..<2000 {
            var file = whole
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let place = Int.random(in: 4..<end, using: &generator)
                file[place] = UInt8.random(in: 0...255, using: &generator)
            }
            if (try? read(IGVMBytes.sealed(file))) != nil { accepted += 1 }
            let noise = Array("IGVM".utf8) + [1, 0, 0, 0, 24, 0, 0, 0] + generator.bytes(400)
            _ = try? read(IGVMBytes.sealed(noise))
            _ = try? read(generator.bytes(64))
        }
        #expect(accepted < 2000, "seed \(seed)")
    }
}
