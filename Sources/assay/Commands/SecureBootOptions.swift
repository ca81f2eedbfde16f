import ArgumentParser
import Bytes
import Files
import Firmware
import Hashing
import LaunchMeasurement

extension SecureBootValue: ExpressibleByArgument {}

/// Secure boot as a machine has it enrolled.
struct SecureBootOptions: ParsableArguments {
    @Option(
        name: .customLong("secure-boot"),
        help: ArgumentHelp(
            "Without a firmware's file, what the variable SecureBoot holds: on, off, or absent where the firmware has no "
                + "secure boot. With one it follows from firmware and store.",
            valueName: "state"))
    var state: SecureBootValue?
    @Option(
        help: ArgumentHelp(
            "The platform key as it is enrolled: signature lists (.esl), a signed update (.auth) or a file of efivarfs. "
                + "Instead of the store's.",
            valueName: "file"))
    var pk: String?
    @Option(help: ArgumentHelp("The key exchange keys.", valueName: "file"))
    var kek: String?
    @Option(help: ArgumentHelp("The signatures that are allowed.", valueName: "file"))
    var db: String?
    @Option(help: ArgumentHelp("The signatures that are forbidden.", valueName: "file"))
    var dbx: String?

    private var files: [(name: String, vendor: GUID, path: String?)] {
        [
            ("PK", .efiGlobalVariable, pk), ("KEK", .efiGlobalVariable, kek), ("db", .imageSecurityDatabase, db),
            ("dbx", .imageSecurityDatabase, dbx),
        ]
    }

    /// A store with the variables that were given in place of its own.
    func enrolled(in store: VariableStore) throws -> VariableStore {
        var store = store
        for (name, vendor, path) in files {
            guard let path else { continue }
            let bytes = try InputFile.contents(of: path, limit: 1 << 20)
            let value = try SignatureDatabase.value(ofFile: bytes, source: path)
            store.variables.removeAll { $0.name == name && $0.vendor == vendor }
            guard !value.isEmpty else { continue }
            store.variables.append(.init(vendor: vendor, name: name, attributes: 0x27, data: value))
        }
        return store
    }

    func refuseWithProfile() throws {
        guard state == nil, files.allSatisfy({ $0.path == nil }) else {
            throw CommandFailure(
                "--secure-boot, --pk, --kek, --db and --dbx with --profile: the profile says what is enrolled",
                hint: "leave them out, or describe the machine without a profile")
        }
    }
}

extension MachineOptions {
    /// The boot of a disk by some UEFI whose file nobody has.
    func anyUEFI(_ secureBoot: SecureBootOptions, algorithms: [HashAlgorithm]) throws -> MachineBoot {
        let unused: [(String, Bool)] = [
            ("--kernel", kernel != nil), ("--initrd", initrd != nil), ("--acpi", acpi != nil),
            ("--vcpus", vcpus != nil),
            ("--memory", memory != nil), ("--layout", layout != nil), ("--option-rom", !optionROM.isEmpty),
            ("--cpu-signature", cpuSignature != nil),
        ]
        for (name, isGiven) in unused where isGiven {
            throw CommandFailure(
                "\(name) without a firmware: no register that can be computed depends on it",
                hint: "give --firmware, or leave it out")
        }
        var contents = EventContents(algorithms: algorithms)
        let start = try addFiles(to: &contents, layout: .anyUEFI, confidential: false)
        var boot = try MachineBoot.anyUEFI(
            start: start, secureBoot: secureBoot.state, variables: secureBoot.enrolled(in: store()), contents: contents)
        boot.stub = try stubRules()
        if let smbios {
            let bytes = try InputFile.contents(of: smbios, limit: 1 << 20)
            boot.smbios = try bytes.withReader(source: smbios) { reader throws in try SMBIOSTable(parsing: &reader) }
        }
        return boot
    }

    /// The variables of a machine without a firmware's file.
    private func store() throws -> VariableStore {
        if ["as-shipped", "empty"].contains(variables) { return VariableStore(variables: []) }
        return try InputFile.contents(of: variables, limit: 16 << 20).withReader(source: variables) { reader throws in
            try VariableStore(parsing: &reader)
        }
    }
}

extension HashAlgorithm {
    /// PCR banks by name, each once.
    static func banks(_ names: [String]) throws -> [HashAlgorithm] {
        var banks: [HashAlgorithm] = []
        for name in names {
            guard let algorithm = registers.first(where: { $0.rawValue == name }) else {
                throw CommandFailure("--bank \(name): no bank", hint: "give sha1, sha256, sha384 or sha512")
            }
            if !banks.contains(algorithm) { banks.append(algorithm) }
        }
        return banks
    }
}
