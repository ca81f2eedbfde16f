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
    public static func derived(
        _ blobs: [String: [UInt8]], from source: ACPIMachineShape, to target: ACPIMachineShape, mmio64: UInt64?
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
            result[smbios] = try table.derived(from: source, to: target).encoded
        }
        return result
    }

    private static func links(of tables: ACPITables) throws -> [String: [UInt8]] {
        [
            LinkerScript.itemName: try LinkerScript(linking: tables).encoded,
            ACPIRootPointer.itemName: try ACPIRootPointer.encoded(for: tables),
        ]
    }
}

extension ACPIMachineShape {
    /// What a machine's arguments say: `-smp N` and `-m SIZE`, each once and without more.
    public init(arguments: [String]) throws(ACPIDerivationError) {
        let count = try Self.value("-smp", arguments)
        let size = try Self.value("-m", arguments)
        guard let processors = Int(count), let memory = parseByteCount(size), processors > 0, memory > 0 else {
            throw ACPIDerivationError(
                "arguments", "found '-smp \(count)' and '-m \(size)', expected a number and a size such as 2G")
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
