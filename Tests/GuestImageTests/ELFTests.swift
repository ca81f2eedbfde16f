import Bytes
import DiskFormats
import TestSupport
import Testing

@testable import GuestImage

/// Makes the smallest ELF files that the reader has a use for.
enum ELFSample {
    /// A program or library: one loaded segment over the whole file, its loader and its libraries.
    static func program(interpreter: String? = nil, needed: [String] = []) -> [UInt8] {
        var strings: [UInt8] = [0]
        var dynamic = ByteWriter()
        for library in needed {
            dynamic.append(UInt64(1))
            dynamic.append(UInt64(strings.count))
            strings += Array(library.utf8) + [0]
        }
        let loader: [UInt8] = interpreter.map { Array($0.utf8) + [0] } ?? []
        let segments = needed.isEmpty && interpreter == nil ? 1 : 3
        let stringsAt = 64 + 56 * segments
        let loaderAt = stringsAt + strings.count
        let dynamicAt = loaderAt + loader.count
        dynamic.append(UInt64(5))
        dynamic.append(UInt64(0x1000 + stringsAt))
        dynamic.append(UInt64(10))
        dynamic.append(UInt64(strings.count))
        dynamic.append(UInt64(0))
        dynamic.append(UInt64(0))
        let total = dynamicAt + dynamic.count
        var file = header(segments: segments)
        segment(&file, type: 1, offset: 0, address: 0x1000, size: total)
        if segments == 3 {
            segment(&file, type: interpreter == nil ? 4 : 3, offset: loaderAt, address: 0, size: loader.count)
            segment(&file, type: 2, offset: dynamicAt, address: 0, size: dynamic.count)
        }
        file.append(strings)
        file.append(loader)
        file.append(dynamic.bytes)
        return file.bytes
    }

    /// A kernel module with nothing but its facts.
    static func module(_ facts: [String]) -> [UInt8] {
        let info: [UInt8] = facts.flatMap { (fact: String) -> [UInt8] in Array(fact.utf8) + [0] }
        let names = Array("\0.modinfo\0.shstrtab\0".utf8)
        var file = header(sections: 3, sectionsAt: 64 + info.count + names.count)
        file.append(info)
        file.append(names)
        section(&file, name: 0, type: 0, offset: 0, size: 0)
        section(&file, name: 1, type: 1, offset: 64, size: info.count)
        section(&file, name: 10, type: 3, offset: 64 + info.count, size: names.count)
        return file.bytes
    }

    private static func header(segments: Int = 0, sections: Int = 0, sectionsAt: Int = 0) -> ByteWriter {
        var file = ByteWriter()
        file.append([0x7F, UInt8(ascii: "E"), UInt8(ascii: "L"), UInt8(ascii: "F"), 2, 1, 1])
        file.append(repeating: 0, count: 11)
        file.append(UInt16(62))
        file.append(repeating: 0, count: 12)
        file.append(UInt64(segments > 0 ? 64 : 0))
        file.append(UInt64(sectionsAt))
        file.append(repeating: 0, count: 6)
        file.append(UInt16(56))
        file.append(UInt16(segments))
        file.append(UInt16(64))
        file.append(UInt16(sections))
        file.append(UInt16(max(0, sections - 1)))
        return file
    }

    private static func segment(_ file: inout ByteWriter, type: UInt32, offset: Int, address: Int, size: Int) {
        file.append(type)
        file.append(UInt32(0))
        for value in [offset, address, address, size, size, 1] { file.append(UInt64(value)) }
    }

    private static func section(_ file: inout ByteWriter, name: UInt32, type: UInt32, offset: Int, size: Int) {
        file.append(name)
        file.append(type)
        for value in [0, 0, offset, size] { file.append(UInt64(value)) }
        file.append(repeating: 0, count: 24)
    }
}

private func read(_ bytes: [UInt8]) throws(FormatError) -> ELFImage {
    try bytes.withReader(source: "sample") { (reader) throws(FormatError) in try ELFImage(parsing: &reader) }
}

@Suite("ELF file")
struct ELFTests {
    @Test("gives the loader and the libraries of a program")
    func program() throws {
        let image = try read(ELFSample.program(interpreter: "/lib64/ld.so", needed: ["liba.so.1", "libc.so.6"]))
        #expect(image.interpreter == Array("/lib64/ld.so".utf8))
        #expect(image.needed == [Array("liba.so.1".utf8), Array("libc.so.6".utf8)])
        #expect(try read(ELFSample.program()).needed.isEmpty)
    }

    @Test("gives a section by name")
    func section() throws {
        let bytes = ELFSample.module(["license=GPL", "depends=a,b"])
        let range = try #require(try read(bytes).section(".modinfo"))
        #expect(bytes[range].starts(with: Array("license=GPL".utf8)))
        #expect(try read(bytes).section(".text") == nil)
    }

    @Test(
        "names the field that is wrong",
        arguments: [
            (0, 0, "EI_MAG"), (4, 1, "EI_CLASS"), (5, 2, "EI_DATA"), (18, 40, "e_machine"), (54, 1, "e_phentsize"),
            (56, 0xFF, "program headers"), (39, 0xFF, "program headers"),
        ])
    func corrupted(offset: Int, value: Int, field: String) throws {
        var bytes = ELFSample.program(interpreter: "/ld", needed: ["liba"])
        bytes[offset] = UInt8(value)
        let error = #expect(throws: FormatError.self) { try read(bytes) }
        #expect(error?.field == field)
        #expect(error?.source == "sample")
    }

    @Test("never crashes on damaged or random bytes")
    func garbage() throws {
        let seed: UInt64 = 0xE1F
        var random = SeededGenerator(seed: seed)
        let samples = [
            ELFSample.program(interpreter: "/ld", needed: ["liba", "libb"]), ELFSample.module(["depends="]),
        ]
        for round in 0..<4000 {
            var bytes = samples[round % samples.count]
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if round % 5 == 0 { bytes = Array(bytes.prefix(Int.random(in: 0...bytes.count, using: &random))) }
            do { _ = try read(bytes) } catch { #expect(error.source == "sample", "seed \(seed)") }
        }
    }

    @Test(
        "reads the shell of this machine as readelf does",
        .enabled(if: Outside.has("readelf"), "readelf is not installed"))
    func peer() throws {
        try comparedWithReadelf("/bin/sh")
    }
}

@Suite("library closure")
struct LibraryClosureTests {
    private func packages() throws -> FileTree {
        let library = FileTree.Entry(.file(.bytes(ELFSample.program(needed: ["libc.so.6"]))), mode: 0o644)
        return try PackageMerge.tree(
            of: [
                package(
                    "tool",
                    [
                        (
                            "usr/bin/tool",
                            FileTree.Entry(
                                .file(.bytes(ELFSample.program(interpreter: "/lib64/ld.so", needed: ["liba.so.1"]))),
                                mode: 0o755)
                        ), ("usr/lib/x86_64-linux-gnu/liba.so.1", link("liba.so.1.2")),
                        ("usr/lib/x86_64-linux-gnu/liba.so.1.2", library), ("usr/lib/unused.so", library),
                    ]),
                package(
                    "libc",
                    [
                        ("lib64/ld.so", link("../lib/x86_64-linux-gnu/ld.so")),
                        (
                            "lib/x86_64-linux-gnu/ld.so",
                            FileTree.Entry(.file(.bytes(ELFSample.program())), mode: 0o755)
                        ),
                        (
                            "usr/lib/x86_64-linux-gnu/libc.so.6",
                            FileTree.Entry(.file(.bytes(ELFSample.program(interpreter: nil))), mode: 0o755)
                        ),
                    ]),
            ], epoch: 1)
    }

    @Test("brings the loader, libraries of libraries and the links that lead to them, and nothing else")
    func closure() throws {
        var closure = LibraryClosure(from: try packages(), into: FileTree())
        try closure.add("usr/bin/tool")
        #expect(
            closure.tree.sorted.map(\.path.description) == [
                "/", "/usr/bin/tool", "/usr/lib/x86_64-linux-gnu/ld.so", "/usr/lib/x86_64-linux-gnu/liba.so.1",
                "/usr/lib/x86_64-linux-gnu/liba.so.1.2", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib64/ld.so",
            ])
    }

    @Test("names the library that nobody has and who needs it")
    func missing() throws {
        var tree = try packages()
        tree["usr/lib/x86_64-linux-gnu/libc.so.6"] = nil
        var closure = LibraryClosure(from: tree, into: FileTree())
        let error = #expect(throws: ImageError.self) { try closure.add("usr/bin/tool") }
        #expect(error?.description.contains("liba.so.1.2: needs the library libc.so.6") == true)
    }
}

@Suite("kernel modules")
struct KernelModulesTests {
    private func tree(_ modules: [(String, String)]) throws -> FileTree {
        let folder = "usr/lib/modules/6.1-test"
        let entries = modules.map { path, depends in
            (
                "\(folder)/\(path).ko",
                FileTree.Entry(.file(.bytes(ELFSample.module(["depends=\(depends)"]))), mode: 0o644)
            )
        }
        return try PackageMerge.tree(
            of: [package("kernel", entries + [("\(folder)/modules.builtin", file("kernel/virtio_pci.ko\n"))])], epoch: 1
        )
    }

    @Test("load in an order in which each finds what it depends on")
    func order() throws {
        let modules = try KernelModules(
            tree([("kernel/dm-verity", "dm-mod,dm-bufio"), ("kernel/dm-bufio", "dm-mod"), ("kernel/dm-mod", "")]),
            package: "kernel")
        #expect(modules.release == "6.1-test")
        let list = try modules.closure(of: ["virtio_pci", "dm-verity"])
        #expect(list.map(\.name) == ["dm_mod", "dm_bufio", "dm_verity"])
        #expect(list.first?.path == "usr/lib/modules/6.1-test/kernel/dm-mod.ko")
        #expect(try modules.closure(of: ["dm_bufio"], excluding: ["dm_mod"]).map(\.name) == ["dm_bufio"])
    }

    @Test("a module that is not there is named with the one that needs it")
    func missing() throws {
        let modules = try KernelModules(tree([("a", "b")]), package: "kernel")
        let error = #expect(throws: ImageError.self) { try modules.closure(of: ["a"]) }
        #expect(error?.description.contains("module b: is needed by a and is neither") == true)
    }

    @Test("a circle of dependencies is an error")
    func circle() throws {
        let modules = try KernelModules(tree([("a", "b"), ("b", "a")]), package: "kernel")
        #expect(throws: ImageError.self) { try modules.closure(of: ["a"]) }
    }
}
