private import Bytes
public import Firmware

/// The tables that a machine hands to its firmware, for another number of processors and other memory.
public enum MachineTables {
    private static let smbios = "etc/smbios/smbios-tables"

    /// The blobs of `capture`'s machine with another shape. ACPI and SMBIOS tables follow by rule, `etc/table-loader` and
    /// `etc/acpi/rsdp` from the tables; all other items depend on neither.
    ///
    /// - Parameters:
    ///   - blobs: what was captured, by item name: the loader script and root pointer too, which must follow by rule.
    ///   - mmio64: where the firmware places 64-bit BARs, if the machine has any (rule `machine.mmio64`).
    ///   - memoryDevice: most bytes of one memory device in SMBIOS.
    public static func derived(
        _ blobs: [String: [UInt8]], from source: ACPIMachineShape, to target: ACPIMachineShape, mmio64: UInt64?,
        memoryDevice: UInt64 = SMBIOSTable.oldMemoryDevice
    ) throws -> [String: [UInt8]] {
        var result = blobs
        if let bytes = blobs[ACPITables.itemName] {
            let captured = try ACPITables(bytes)
            for (name, expected) in try links(of: captured) {
                guard let item = blobs[name] else { continue }
                guard item == expected else {
                    throw ACPIDerivationError(name, "it does not follow from the captured tables by the known rule")
                }
            }
            let tables = try captured.derived(from: source, to: target, mmio64: mmio64)
            result[ACPITables.itemName] = tables.encoded
            result.merge(try links(of: tables)) { $1 }
        }
        if let bytes = blobs[smbios] {
            let table = try bytes.withReader(source: smbios) { reader throws(FormatError) in
                try SMBIOSTable(parsing: &reader)
            }
            result[smbios] = try table.derived(from: source, to: target, memoryDevice: memoryDevice).encoded
        }
        return result
    }

    /// Most bytes of one memory device on a machine of this QEMU. Type `q35` of QEMU 10 and later has one device for
    /// all memory up to 2 TiB; older ones and versioned types count as old.
    ///
    /// - Parameter version: a package's version, such as `1:11.1.3+ds-1`.
    public static func memoryDevice(version: String, arguments: [String]) -> UInt64 {
        let upstream = version.split(separator: ":").last ?? ""
        let options = zip(arguments, arguments.dropFirst()).filter { ["-machine", "-M"].contains($0.0) }
        let words = options.flatMap { $0.1.split(separator: ",") }
        guard let major = Int(upstream.prefix { $0.isASCII && $0.isNumber }), major >= 10,
            words.contains("q35") || words.contains("type=q35")
        else { return SMBIOSTable.oldMemoryDevice }
        return 2 << 40
    }

    private static func links(of tables: ACPITables) throws -> [String: [UInt8]] {
        [
            LinkerScript.itemName: try LinkerScript(linking: tables).encoded,
            ACPIRootPointer.itemName: try ACPIRootPointer.encoded(for: tables),
        ]
    }
}

extension ACPIMachineShape {
    /// What a machine's arguments say: `-smp N` and `-m SIZE`, each once and without more. Hyper-threading must be left
    /// to QEMU, which shows it for several processors only.
    public init(arguments: [String]) throws(ACPIDerivationError) {
        let count = try Self.value("-smp", arguments)
        let size = try Self.value("-m", arguments)
        guard let processors = Int(count), let memory = parseByteCount(size), processors > 0, memory > 0 else {
            throw ACPIDerivationError(
                "arguments", "found '-smp \(count)' and '-m \(size)', expected a number and a size such as 2G")
        }
        let features = zip(arguments, arguments.dropFirst()).filter { $0.0 == "-cpu" }
            .flatMap { $0.1.split(separator: ",").dropFirst() }
        if let feature = features.first(where: { ["ht", "+ht", "-ht"].contains($0) || $0.hasPrefix("ht=") }) {
            throw ACPIDerivationError(
                "arguments", "found the CPU feature '\(feature)', which SMBIOS tables show by no known rule")
        }
        self.init(processors: processors, memory: UInt64(memory))
    }

    private static func value(_ option: String, _ arguments: [String]) throws(ACPIDerivationError) -> String {
        let places = arguments.indices.filter { arguments[$0] == option }
        guard places.count == 1, let place = places.first, place + 1 < arguments.count else {
            throw ACPIDerivationError("arguments", "found \(option) \(places.count) times, expected once with a value")
        }
        return arguments[place + 1]
    }

    /// A machine's arguments with this number of processors and memory.
    public func arguments(like arguments: [String]) -> [String] {
        var result = arguments
        for index in arguments.indices.dropLast() {
            if arguments[index] == "-smp" { result[index + 1] = String(processors) }
            if arguments[index] == "-m" { result[index + 1] = "\(memory >> 20)M" }
        }
        return result
    }
}
