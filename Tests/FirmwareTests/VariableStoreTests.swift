import Bytes
import Firmware
import Hashing
import TestSupport
import Testing

@Suite("Variable store") struct VariableStoreTests {
    static func parse(_ bytes: [UInt8]) throws(FormatError) -> VariableStore {
        try bytes.withReader(source: "vars.fd") { reader throws(FormatError) in try VariableStore(parsing: &reader) }
    }

    /// A store with variables put in by hand at the start of its free space.
    static func store(_ variables: [(state: UInt8, name: String, data: [UInt8])]) -> [UInt8] {
        var bytes = VariableStore.empty()
        var writer = ByteWriter()
        for variable in variables {
            writer.append(UInt16(0x55AA))
            writer.append([variable.state, 0])
            writer.append(UInt32(0x27))
            writer.append(repeating: 0, count: 28)
            writer.append(UInt32(variable.name.utf16.count * 2 + 2))
            writer.append(UInt32(variable.data.count))
            writer.append(GUID.efiGlobalVariable.bytes)
            writer.append(utf16: variable.name)
            writer.append(UInt16(0))
            writer.append(variable.data)
            writer.pad(toMultipleOf: 4, with: 0xFF)
        }
        bytes.replaceSubrange(0x64..<0x64 + writer.count, with: writer.bytes)
        return bytes
    }

    @Test("the composed empty store is the one that OVMF's 4 MiB builds ship") func empty() throws {
        let bytes = VariableStore.empty()
        #expect(bytes.count == 0x84000)
        // SHA-384 of ovmf's OVMF_VARS_4M.fd, and of the CFV in most real event logs.
        #expect(
            Digest.of(bytes, .sha384).hex
                == "344bc51c980ba621aaa00da3ed7436f7d6e549197dfe699515dfa2c6583d95e6412af21c097d473155875ffd561d6790")
        #expect(try Self.parse(bytes).variables.isEmpty)
    }

    @Test("variables are read; deleted ones are not, and a newer one wins") func variables() throws {
        let bytes = Self.store([
            (0x3C, "PK", [9]), (0x3E, "KEK", [1]), (0x3F, "KEK", [2, 3]), (0x3E, "db", [4]), (0x3F, "Größe", []),
        ])
        let store = try Self.parse(bytes)
        #expect(store.variables.count == 3)
        #expect(store.value("PK", .efiGlobalVariable) == nil)
        #expect(store.value("KEK", .efiGlobalVariable) == [2, 3])
        #expect(store.value("db", .efiGlobalVariable) == [4])
        #expect(store.value("Größe", .efiGlobalVariable) == [])
        #expect(store.value("KEK", .imageSecurityDatabase) == nil)
    }

    @Test(
        "a corrupted header field is named",
        arguments: [
            (3, "EFI_FIRMWARE_VOLUME_HEADER.ZeroVector"), (0x12, "EFI_FIRMWARE_VOLUME_HEADER.FileSystemGuid"),
            (0x23, "EFI_FIRMWARE_VOLUME_HEADER"), (0x28, "EFI_FIRMWARE_VOLUME_HEADER.Signature"),
            (0x30, "EFI_FIRMWARE_VOLUME_HEADER"), (0x48, "VARIABLE_STORE_HEADER.Signature"),
            (0x5B, "VARIABLE_STORE_HEADER.Size"), (0x5C, "VARIABLE_STORE_HEADER.Format"),
            (0x5D, "VARIABLE_STORE_HEADER.State"), (0x64, "VARIABLE_HEADER.StartId"),
        ])
    func corruption(_ place: (offset: Int, field: String)) {
        var bytes = VariableStore.empty()
        bytes[place.offset] ^= 0x41
        let error = #expect(throws: FormatError.self) { try Self.parse(bytes) }
        #expect(error?.field == place.field)
    }

    @Test("sizes of a variable that leave the store are refused") func sizes() {
        for offset in [0x64 + 36, 0x64 + 39, 0x64 + 43] {
            var bytes = Self.store([(0x3F, "PK", [1])])
            bytes[offset] = 0xFF
            #expect(throws: FormatError.self, "byte \(offset)") { try Self.parse(bytes) }
        }
    }

    @Test("random bytes are refused without a crash") func garbage() {
        var generator = SeededGenerator(seed: 3)
        let base = Self.store([(0x3F, "PK", [1, 2, 3]), (0x3F, "db", [7])])
        for _ in 0..<300 {
            var bytes = base
            for _ in 0..<4 {
                bytes[Int.random(in: 0..<0x100, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            _ = try? Self.parse(bytes)
            _ = try? Self.parse(generator.bytes(300))
        }
    }
}
