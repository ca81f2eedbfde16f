private import Bytes

/// PCI configuration space of the machine's first bus through ports 0xCF8 and 0xCFC.
struct PCIConfiguration {
    private let machine: QTestConnection

    init(_ machine: QTestConnection) { self.machine = machine }

    /// A function on bus 0.
    struct Function {
        var device: UInt8
        var function: UInt8
    }

    private func select(_ place: Function, _ register: UInt8) throws {
        let address = 0x8000_0000 | UInt32(place.device) << 11 | UInt32(place.function) << 8 | UInt32(register & 0xFC)
        try machine.writePort(0xCF8, address)
    }

    func read(_ place: Function, _ register: UInt8) throws -> UInt32 {
        try select(place, register)
        return try machine.readPort(0xCFC)
    }

    func write(_ place: Function, _ register: UInt8, _ value: UInt32) throws {
        try select(place, register)
        try machine.writePort(0xCFC, value)
    }

    func write(_ place: Function, _ register: UInt8, byte value: UInt8) throws {
        try select(place, register)
        try machine.writePort(0xCFC + UInt16(register & 3), byte: value)
    }

    /// Does what OVMF does on q35 before it reads the ACPI tables, which QEMU builds from these registers: MMCONFIG at
    /// `mmconfig`, the power management block at port 0x600, ACPI on.
    func configureQ35(mmconfig: UInt32) throws {
        let hostBridge = Function(device: 0, function: 0)
        let bridge = Function(device: 31, function: 0)
        try write(hostBridge, 0x64, 0)
        try write(hostBridge, 0x60, mmconfig | 1)
        try write(bridge, 0x40, 0x601)
        try write(bridge, 0x44, byte: 0x80)
    }

    /// Places prefetchable 64-bit BARs from `base` upwards, largest first, as edk2's PCI bus driver does; the tables'
    /// 64-bit window follows them. Gives the number of BARs.
    @discardableResult
    func place64BitBARs(from base: UInt64) throws -> Int {
        var found: [(place: Function, register: UInt8, size: UInt64)] = []
        for place in try functions() {
            var register: UInt8 = 0x10
            while register < 0x28 {
                let value = try read(place, register)
                let wide = value & 7 == 4
                if wide, value & 8 != 0 { found.append((place, register, try size(place, register))) }
                register += wide ? 8 : 4
            }
        }
        var next = base
        // Swift's sort keeps the order of equal sizes.
        for bar in found.sorted(by: { $0.size > $1.size }) {
            next = (next + bar.size - 1) & ~(bar.size - 1)
            try write(bar.place, bar.register, UInt32(truncatingIfNeeded: next))
            try write(bar.place, bar.register + 4, UInt32(truncatingIfNeeded: next >> 32))
            try write(bar.place, 0x04, 7)
            next += bar.size
        }
        return found.count
    }

    /// Size of the 64-bit BAR at `register`, by writing ones.
    private func size(_ place: Function, _ register: UInt8) throws -> UInt64 {
        try write(place, register, .max)
        try write(place, register + 4, .max)
        let low = try read(place, register) & ~0xF
        let high = try read(place, register + 4)
        let mask = UInt64(high) << 32 | UInt64(low)
        return ~mask &+ 1
    }

    /// Functions of ordinary devices (header type 0).
    private func functions() throws -> [Function] {
        var result: [Function] = []
        for device in UInt8(0)..<32 {
            for function in UInt8(0)..<8 {
                let place = Function(device: device, function: function)
                let identity = try read(place, 0)
                if identity == 0 || identity == .max {
                    if function == 0 { break }
                    continue
                }
                let header = UInt8(truncatingIfNeeded: try read(place, 0x0C) >> 16)
                if header & 0x7F == 0 { result.append(place) }
                if function == 0, header & 0x80 == 0 { break }
            }
        }
        return result
    }
}
