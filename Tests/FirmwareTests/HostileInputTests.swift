import Bytes
import DiskFormats
import Files
import Firmware
import Hashing
import TestSupport
import Testing

/// A parser with input that it reads.
struct ParsedFormat: Sendable, CustomTestStringConvertible {
    let name: String
    let valid: @Sendable () throws -> [UInt8]
    /// Offsets that random changes keep to: where the format is, in a large file.
    var places: @Sendable ([UInt8]) -> Range<Int> = { $0.indices }
    let parse: @Sendable ([UInt8]) throws -> Void
    var testDescription: String { name }

    /// Runs the parser on changed input: it reads it or says what is wrong with it, and where.
    func take(_ label: String, _ bytes: [UInt8]) {
        do {
            try parse(bytes)
        } catch {
            #expect(error is any ExplainedError, "\(name), \(label): \(error)")
            #expect("\(error)".utf8.count < 4096, "\(name), \(label): an error of \("\(error)".utf8.count) bytes")
        }
    }
}

@Suite("Hostile firmware input", .timeLimit(.minutes(5)))
struct HostileInputTests {
    static let formats: [ParsedFormat] = [
        ParsedFormat(name: "SignatureDatabase", valid: { SampleSignatures.database }) { bytes in
            _ = try bytes.withReader(source: "db") { reader throws(FormatError) in
                try SignatureDatabase(parsing: &reader)
            }
        },
        ParsedFormat(
            name: "ImageSigners", valid: { SampleSignatures.image },
            places: { SampleSignatures.certificateOffset..<$0.count }
        ) { bytes in
            let image = try PEImage(bytes, name: "image.efi")
            let database = try SampleSignatures.database.withReader(source: "db") { reader throws(FormatError) in
                try SignatureDatabase(parsing: &reader)
            }
            _ = try ImageSigners(image).authority(in: database, digest: [UInt8](repeating: 7, count: 32))
        },
        ParsedFormat(name: "FirmwareVolumes", valid: { SyntheticFirmware().bytes }, places: { _ in 0..<0x1000 }) {
            _ = try FirmwareVolumes.unpack($0, source: "OVMF.fd")
        },
        ParsedFormat(name: "FirmwareTraits", valid: { SyntheticFirmware().bytes }, places: { _ in 0..<0x1000 }) {
            _ = try FirmwareTraits(image: $0, source: "OVMF.fd")
        },
        ParsedFormat(name: "OVMFImage", valid: { SyntheticFirmware().bytes }, places: { $0.count - 0x900..<$0.count }) {
            let image = try OVMFImage($0, name: "OVMF.fd")
            _ = try image.tdvfMetadata()
        },
        ParsedFormat(
            name: "TDVFMetadata", valid: { SyntheticFirmware().bytes },
            places: { _ in SyntheticFirmware().tdvfOffset..<SyntheticFirmware().tdvfOffset + 0x90 }
        ) { bytes in
            for dialect in [TDVFMetadata.Dialect.qemu, .tdShim] {
                let image = try TDVFImage(bytes, name: "OVMF.fd", dialect: dialect)
                for section in image.metadata.sections where section.rawSize > 0 { _ = bytes[section.range] }
            }
        },
        ParsedFormat(name: "VariableStore", valid: { HostileInputTests.variables }, places: { _ in 0..<0x200 }) {
            _ = try VariableStoreTests.parse($0)
        },
        ParsedFormat(name: "LinuxBootHeader", valid: { LinuxBootHeaderTests.header() }, places: { _ in 0x1F0..<0x268 })
        {
            let header = try LinuxBootHeaderTests.parse($0)
            for memory in [UInt64(0), 1 << 20, 512 << 20, 1 << 62] {
                for size in [UInt32(0), 4096, .max] {
                    _ = header.patch(
                        commandLine: Array("vga=0x1 x".utf8), initrdSize: size, machine: .init(memory: memory))
                }
            }
        },
        ParsedFormat(name: "SMBIOSTable", valid: { SMBIOSTableTests.small }) { bytes in
            let table = try SMBIOSTableTests.parse(bytes)
            _ = table.measuredBytes
            _ = table.withProcessorIdentity(signature: 1, features: 2).encoded
        },
        ParsedFormat(
            name: "ACPITables", valid: { SyntheticACPI.machine(processors: 2, low: 1 << 30).unpadded }
        ) { bytes in
            let tables = try ACPITables(bytes)
            let other = SyntheticACPI.machine(processors: 2, low: 1 << 30)
            _ = ACPIDifference.describe(pinned: other, found: tables)
            _ = try tables.derived(
                from: .init(processors: 2, memory: 1 << 30), to: .init(processors: 1, memory: 2 << 30), mmio64: nil)
        },
        ParsedFormat(
            name: "AMLTable", valid: { SyntheticACPI.machine(processors: 2, low: 1 << 30)["DSDT"]?.bytes ?? [] }
        ) { bytes in
            let table = try AMLTable(ACPITable(signature: "DSDT", bytes: bytes))
            for object in table.all { _ = try table.resources(of: object) }
        },
        ParsedFormat(
            name: "LinkerScript",
            valid: { try LinkerScript(linking: SyntheticACPI.machine(processors: 2, low: 1 << 30)).encoded },
            places: { _ in 0..<0x800 }
        ) { bytes in
            _ = try bytes.withReader(source: "loader") { reader throws(FormatError) in
                try LinkerScript(parsing: &reader)
            }.encoded
        },
        ParsedFormat(name: "SEAMSignature", valid: { HostileInputTests.signature }, places: { _ in 0..<0x240 }) {
            _ = try SEAMSignature($0, source: "sigstruct")
        },
        ParsedFormat(name: "IGVMFile", valid: { IGVMBytes.sample.bytes }, places: { _ in 0..<0x400 }) { bytes in
            // The checksum would stop nearly every change at the door.
            let file = try IGVMFile(IGVMBytes.sealed(bytes), name: "f.igvm")
            for directive in file.directives {
                if case .pageData(let page) = directive.content { _ = file.contents(of: page) }
            }
        },
    ]

    private static let variables = VariableStoreTests.store([
        (0x3F, "db", SampleSignatures.database), (0x3F, "Boot0000", [1, 2, 3]),
    ])

    /// A SIGSTRUCT of a TDX module whose fixed fields are right.
    private static let signature: [UInt8] = {
        var writer = ByteWriter()
        for word in [6, 0xE1, 0x1_0000, 0, 0x8086, 0x2026_0101, 0x200, 0x60, 0x60, 1] as [UInt32] {
            writer.append(word)
        }
        writer.append(repeating: 0, count: 88 + 384)
        writer.append(UInt32(0x1_0001))
        writer.append(repeating: 0, count: 2048 - writer.count)
        return writer.bytes
    }()

    @Test("the input that changes start from is read", arguments: formats.filter { $0.name != "FirmwareTraits" })
    func valid(_ format: ParsedFormat) throws {
        try format.parse(format.valid())
    }

    @Test("every byte changed is read or refused with what and where", arguments: formats)
    func everyByte(_ format: ParsedFormat) throws {
        let valid = try format.valid()
        let places = format.places(valid)
        // The unpacking of volumes is the one that takes its time.
        let end = format.name.hasPrefix("FirmwareV") || format.name.hasPrefix("FirmwareT") ? 0x100 : 0x900
        HostileInput.everyByte(of: valid, at: places.lowerBound..<min(places.upperBound, places.lowerBound + end)) {
            format.take($0, $1)
        }
    }

    @Test("every length is read or refused", arguments: formats)
    func everyLength(_ format: ParsedFormat) throws {
        let valid = try format.valid()
        let isLarge = valid.count > 1 << 18
        HostileInput.everyLength(of: isLarge ? Array(valid.prefix(1 << 12)) : valid) { format.take($0, $1) }
    }

    @Test("random changes and random bytes are read or refused", arguments: formats)
    func random(_ format: ParsedFormat) throws {
        let valid = try format.valid()
        HostileInput.random(valid, at: format.places(valid), seed: 0xF1_7A4E, rounds: valid.count > 1 << 18 ? 60 : 600)
        {
            format.take($0, $1)
        }
    }
}

@Suite("Signature databases and image signatures") struct SignatureFieldTests {
    private func read(_ bytes: [UInt8]) throws(FormatError) -> SignatureDatabase {
        try bytes.withReader(source: "db") { reader throws(FormatError) in try SignatureDatabase(parsing: &reader) }
    }

    @Test("lists are read entry by entry") func reads() throws {
        let database = try read(SampleSignatures.database)
        #expect(
            database.entries.map(\.type) == [
                SignatureDatabase.x509, SignatureDatabase.sha256, SignatureDatabase.sha256,
            ])
        #expect(database.entries[1].data == [UInt8](repeating: 7, count: 32))
        #expect(try read([]).entries.isEmpty)
    }

    @Test(
        "sizes that do not fit are refused with the list's place and all three",
        arguments: [
            (16, 0), (16, 27), (16, 0xFFFF_FFFF), (20, 1), (20, 0xFFFF_FFFF), (24, 0), (24, 16), (24, 17),
            (24, 0xFFFF_FFFF),
        ] as [(Int, UInt32)])
    func sizes(_ offset: Int, _ value: UInt32) throws {
        var writer = ByteWriter()
        writer.append(SampleSignatures.database)
        writer.replace(at: SampleSignatures.secondList + offset, with: value)
        let error = #expect(throws: FormatError.self) { try read(writer.bytes) }
        #expect(error?.field.hasPrefix("EFI_SIGNATURE_LIST") == true && error?.source == "db")
        #expect((error?.offset ?? 0) >= SampleSignatures.secondList)
    }

    @Test("an image's certificate finds the entry of its issuer, and an image without one that of its digest")
    func authority() throws {
        let database = try read(SampleSignatures.database)
        let signed = try ImageSigners(PEImage(SampleSignatures.image, name: "image.efi"))
        #expect(signed.authority(in: database, digest: [])?.type == SignatureDatabase.x509)
        let plain = try ImageSigners(PEImage(PEFile.stub.bytes, name: "image.efi"))
        #expect(plain.authority(in: database, digest: []) == nil)
        #expect(plain.authority(in: database, digest: [UInt8](repeating: 8, count: 32))?.data.first == 8)
    }

    @Test("every field of a signature is refused by its name, with its place") func fields() throws {
        var fields: Set<String> = []
        let bytes = SampleSignatures.image
        HostileInput.everyByte(of: bytes, at: SampleSignatures.certificateOffset..<bytes.count) { label, changed in
            do {
                _ = try ImageSigners(PEImage(changed, name: "image.efi"))
            } catch {
                guard let error = error as? FormatError else {
                    Issue.record("\(label): \(error)")
                    return
                }
                #expect(error.offset != nil, "\(label)")
                fields.insert(error.field)
            }
        }
        let expected: Set = [
            "WIN_CERTIFICATE.dwLength", "ContentInfo", "contentType", "content", "SignedData", "version",
            "digestAlgorithms", "contentInfo", "certificates", "Certificate", "TBSCertificate", "serialNumber",
            "signature", "issuer", "validity", "subject",
        ]
        #expect(fields.isSuperset(of: expected), "\(expected.subtracting(fields))")
    }
}

/// Signatures made by rule: nobody signed them.
enum SampleSignatures {
    private static let certificate = CertificateRecipe(
        subject: "leaf", issuer: "authority", key: TestDER.sequence(), algorithm: TestDER.ecdsaSHA256
    ).signed { _ in [1] }
    private static let authority = CertificateRecipe(
        subject: "authority", issuer: "authority", key: TestDER.sequence(), algorithm: TestDER.ecdsaSHA256
    ).signed { _ in [1] }

    private static func list(_ type: GUID, _ entries: [[UInt8]]) -> [UInt8] {
        let each = 16 + (entries.first?.count ?? 0)
        var writer = ByteWriter()
        writer.append(type.bytes)
        for size in [28 + each * entries.count, 0, each] { writer.append(UInt32(size)) }
        for entry in entries { writer.append([UInt8](repeating: 9, count: 16) + entry) }
        return writer.bytes
    }

    static let secondList = list(SignatureDatabase.x509, [authority]).count
    /// A certificate's list, then one of two digests.
    static let database =
        list(SignatureDatabase.x509, [authority])
        + list(SignatureDatabase.sha256, [UInt8(7), 8].map { [UInt8](repeating: $0, count: 32) })

    static let certificateOffset = PEFile.stub.bytes.count
    /// A PE image with one PKCS#7 signature that holds one certificate.
    static let image: [UInt8] = {
        let signedData = TestDER.sequence(
            TestDER.integer(1), TestDER.element(0x31, []),
            TestDER.sequence(TestDER.identifier([1, 2, 840, 113549, 1, 7, 1])),
            TestDER.element(0xA0, certificate))
        let content = TestDER.sequence(
            TestDER.identifier([1, 2, 840, 113549, 1, 7, 2]), TestDER.element(0xA0, signedData))
        var entry = ByteWriter()
        entry.append(UInt32(8 + content.count))
        entry.append([0, 2, 2, 0])
        entry.append(content)
        entry.pad(toMultipleOf: 8)
        var file = PEFile.stub
        file.certificates = entry.bytes
        return file.bytes
    }()
}
