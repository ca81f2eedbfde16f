private import Bytes

/// QEMU's fw_cfg device, read by DMA (QEMU `docs/specs/fw_cfg.rst`).
struct FirmwareConfiguration {
    /// A named item.
    struct File {
        var name: String
        var selector: UInt16
        var size: Int
    }

    private let machine: QTestConnection
    private let program: String
    // Guest memory that nothing uses, as no processor runs: the DMA request, and room for 1 MiB of data before it.
    private static let dataAddress: UInt64 = 0x0600_0000
    private static let requestAddress: UInt64 = 0x0610_0000
    static let itemLimit = 1 << 20

    /// Memory that the machine must have, in bytes.
    static let memoryNeeded = 0x0620_0000

    init(_ machine: QTestConnection, program: String) throws {
        self.machine = machine
        self.program = program
        guard try read(selector: 0, count: 4) == Array("QEMU".utf8) else {
            throw QEMUError(
                program, "the machine has no fw_cfg device with DMA",
                hint: "the machine needs at least \(Self.memoryNeeded >> 20) MiB of memory")
        }
    }

    /// The first bytes of an item.
    func read(selector: UInt16, count: Int) throws -> [UInt8] {
        var request = ByteWriter()
        // Select and read.
        request.append(bigEndian: UInt32(selector) << 16 | 0x0A)
        request.append(bigEndian: UInt32(count))
        request.append(bigEndian: Self.dataAddress)
        try machine.writeMemory(Self.requestAddress, request.bytes)
        // The address register is big-endian; its low half starts the transfer.
        try machine.writePort(0x514, UInt32(Self.requestAddress >> 32).byteSwapped)
        try machine.writePort(0x518, UInt32(truncatingIfNeeded: Self.requestAddress).byteSwapped)
        let state = try machine.readMemory(Self.requestAddress, 4)
        guard state == [0, 0, 0, 0] else {
            throw QEMUError(program, "fw_cfg item \(hexadecimal(selector)) cannot be read: DMA state \(state.hex)")
        }
        return try machine.readMemory(Self.dataAddress, count)
    }

    /// All named items.
    func files() throws -> [File] {
        let head = try read(selector: 0x19, count: 4)
        let count = head.reduce(0) { $0 << 8 | Int($1) }
        guard count <= 1024 else { throw QEMUError(program, "its fw_cfg directory says \(count) files") }
        let bytes = try read(selector: 0x19, count: 4 + 64 * count)
        return try bytes.withReader(source: "fw_cfg directory") { reader in
            try reader.skip(4, "count")
            var files: [File] = []
            for _ in 0..<count {
                let size = try reader.read(bigEndian: "size", as: UInt32.self)
                let selector = try reader.read(bigEndian: "selector", as: UInt16.self)
                try reader.skip(2, "reserved")
                let name = try reader.bytes(56, "name").prefix { $0 != 0 }
                files.append(File(name: String(decoding: name, as: UTF8.self), selector: selector, size: Int(size)))
            }
            return files
        }
    }
}
