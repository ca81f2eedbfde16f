import Bytes
import Documents
import Evidence
import Hashing
import TestSupport
import Testing

@Suite("SNP attestation report")
struct SNPReportTests {
    private func report(_ change: (inout SNPReportBytes) -> Void = { _ in }) throws -> SNPReport {
        var bytes = SNPReportBytes()
        change(&bytes)
        return try SNPReport(bytes.bytes, source: "report")
    }

    @Test("every field is where the ABI puts it")
    func fields() throws {
        let report = try report { $0.keyInfo = 0b00111 }
        #expect(report.version == 3 && report.guestSVN == 7 && report.policy.rawValue == 0x30000 && report.vmpl == 1)
        #expect(report.policy.has(.smt) && !report.policy.has(.debug) && report.policy.minimumABI == (0, 0))
        #expect(report.familyID == [UInt8](repeating: 0xF1, count: 16) && report.imageID.first == 0x1A)
        #expect(report.signatureAlgorithm == 1 && report.isAuthorKeyUsed && report.isChipKeyMasked)
        #expect(report.signingKey == .vlek)
        #expect(report.platformInfo.has(.aliasCheckComplete) && !report.platformInfo.has(.tsmeEnabled))
        #expect(report.reportData == (0..<64).map { UInt8($0) })
        #expect(report.measurement.bytes.first == 0x4D && report.hostData.first == 0x4F)
        #expect(report.idKeyDigest.bytes.first == 0x1D && report.authorKeyDigest.bytes.first == 0xA0)
        #expect(report.reportID.first == 0x1E && report.migrationAgentReportID.first == 0xFF)
        #expect(report.currentTCB.description == "04000000000018db")
        #expect(report.reportedTCB.description == "04000000000018d9")
        #expect(report.committedTCB.description == "03000000000014d2")
        #expect(report.launchTCB.description == "02000000000013d1")
        #expect(report.processor?.family == 0x19 && report.processor?.model == 1 && report.processor?.stepping == 1)
        #expect(report.product == .milan)
        #expect(report.chipID == (1...64).map { UInt8($0) })
        #expect(report.currentFirmware.description == "1.55.29")
        #expect(report.committedFirmware.description == "1.54.28")
        #expect(report.launchMitigations == nil)
        let five = try self.report { $0.version = 5 }
        #expect(five.launchMitigations == 0x11 && five.currentMitigations == 0x13)
        #expect(five.facts.map(\.0).contains("currentMitigations"))
    }

    @Test("versions 2 to 5 are read and no other", arguments: 0...8)
    func versions(version: Int) throws {
        let bytes = SNPReportBytes.versioned(UInt32(version))
        if (2...5).contains(version) {
            #expect(try SNPReport(bytes, source: "report").version == UInt32(version))
        } else {
            let error = #expect(throws: FormatError.self) { try SNPReport(bytes, source: "report") }
            #expect(error?.description == "report+0x0: VERSION: found \(version), expected 2 to 5")
        }
    }

    /// Byte ranges that are reserved in a version.
    private func reserved(_ version: UInt32) -> [Range<Int>] {
        [0x4C..<0x50, 0x1EB..<0x1EC, 0x1EF..<0x1F0, 0x2D0..<0x2E8, 0x318..<0x4A0]
            + [version >= 3 ? 0x18B..<0x1A0 : 0x188..<0x1A0, version >= 5 ? 0x208..<0x2A0 : 0x1F8..<0x2A0]
    }

    @Test("every reserved byte must be zero, for the version that the report states", arguments: 2...5)
    func reservedBytes(version: Int) throws {
        let good = SNPReportBytes.versioned(UInt32(version))
        var refused = 0
        for offset in reserved(UInt32(version)).flatMap({ Array($0) }) {
            var bytes = good
            bytes[offset] = 0x80
            let error = #expect(throws: FormatError.self) { try SNPReport(bytes, source: "report") }
            #expect(error?.offset == offset)
            refused += 1
        }
        #expect(refused > 500)
    }

    @Test("every byte of the report is seen: a changed one is refused or changes a field or the signed part")
    func everyByte() throws {
        let good = SNPReportBytes.versioned(5)
        let report = try SNPReport(good, source: "report")
        for offset in good.indices {
            var bytes = good
            bytes[offset] ^= 0x01
            guard let changed = try? SNPReport(bytes, source: "report") else { continue }
            #expect(changed.facts.map(\.1) != report.facts.map(\.1), "byte \(offset)")
        }
    }

    @Test("values that the ABI does not name are refused, with field and offset")
    func values() throws {
        func refused(_ text: String, _ change: (inout SNPReportBytes) -> Void) {
            let error = #expect(throws: FormatError.self) { try report(change) }
            #expect(error?.description.contains(text) == true, "\(error.map { "\($0)" } ?? text)")
        }
        refused("report+0x8: POLICY: found 0x10000, expected bit 17 set") { $0.policy = 0x10000 }
        refused("POLICY: found 0x4030000") { $0.policy = 0x403_0000 }
        refused("report+0x30: VMPL: found 4") { $0.vmpl = 4 }
        refused("report+0x34: SIGNATURE_ALGO: found 2") { $0.signatureAlgorithm = 2 }
        refused("SIGNATURE_ALGO: found 0") { $0.signatureAlgorithm = 0 }
        refused("report+0x40: PLATFORM_INFO: found 0x40") { $0.platformInfo = 0x40 }
        refused("PLATFORM_INFO: found 0x100") { $0.platformInfo = 0x100 }
        refused("report+0x48: SIGNING_KEY: found 2") { $0.keyInfo = 2 << 2 }
        refused("key information: found 0x20") { $0.keyInfo = 0x20 }
        refused("report+0x180: REPORTED_TCB") { $0.reportedTCB[3] = 1 }
        #expect(try report { $0.vmpl = .max }.vmpl == .max)
        #expect(try report { ($0.keyInfo, $0.signatureAlgorithm) = (7 << 2, 0) }.signingKey == .none)
    }

    @Test(
        "TCB versions are laid out by processor",
        arguments: [
            (0x19, 0x01, SNPProduct.milan), (0x19, 0x11, .genoa), (0x19, 0xA0, .genoa), (0x1A, 0x02, .turin),
            (0x1A, 0x11, .turin), (0x1A, 0x50, .venice), (0x1A, 0xC7, .venice), (0x1A, 0x20, nil), (0x17, 0x31, nil),
        ] as [(UInt8, UInt8, SNPProduct?)])
    func layouts(family: UInt8, model: UInt8, product: SNPProduct?) throws {
        let report = try report {
            $0.processor = [family, model, 0]
            let tcb: [UInt8] = product?.tcbLayout == .turin ? [1, 2, 3, 4, 0, 0, 0, 5] : [1, 2, 0, 0, 0, 0, 3, 4]
            ($0.currentTCB, $0.reportedTCB, $0.committedTCB, $0.launchTCB) = (tcb, tcb, tcb, tcb)
        }
        #expect(report.product == product && report.tcbLayout == product?.tcbLayout)
        switch product?.tcbLayout {
        case .milan: #expect(report.reportedTCB.text(.milan) == "bootLoader 1, tee 2, snp 3, microcode 4")
        case .turin: #expect(report.reportedTCB.text(.turin) == "fmc 1, bootLoader 2, tee 3, snp 4, microcode 5")
        case nil: #expect(report.facts.contains { $0.0 == "reportedTCB" && $0.1["snp"] == nil })
        }
    }

    @Test("a report of version 2 tells its layout by the chip identifier, if it shows one")
    func version2() throws {
        #expect(try report { $0.version = 2 }.tcbLayout == .milan)
        let turin: [UInt8] = [1, 2, 3, 4, 0, 0, 0, 5]
        let report = try report {
            $0.version = 2
            $0.chipID = [1, 2, 3, 4, 5, 6, 7, 8] + [UInt8](repeating: 0, count: 56)
            ($0.currentTCB, $0.reportedTCB, $0.committedTCB, $0.launchTCB) = (turin, turin, turin, turin)
        }
        #expect(report.tcbLayout == .turin && report.product == nil)
        let masked = try self.report { ($0.version, $0.chipID) = (2, [UInt8](repeating: 0, count: 64)) }
        #expect(masked.tcbLayout == nil && masked.isChipIDMasked)
    }

    @Test("any other length is refused")
    func lengths() {
        let good = SNPReportBytes().bytes
        for count in [0, 1, 3, 4, 671, 1183] {
            #expect(throws: FormatError.self) { try SNPReport(Array(good.prefix(count)), source: "report") }
        }
        #expect(throws: FormatError.self) { try SNPReport(good + [0], source: "report") }
    }

    @Test("random bytes never do more than throw (seed 3)")
    func garbage() {
        var random = SeededGenerator(seed: 3)
        for round in 0..<2000 {
            var bytes = random.bytes(1184)
            if round.isMultiple(of: 2) { bytes.replaceSubrange(0..<4, with: [3, 0, 0, 0]) }
            #expect(throws: FormatError.self) { try SNPReport(bytes, source: "report") }
        }
    }
}

extension SNPReportBytes {
    static func versioned(_ version: UInt32) -> [UInt8] {
        var report = SNPReportBytes()
        report.version = version
        return report.bytes
    }
}

@Suite("SNP certificate table")
struct SNPCertificateTableTests {
    static let vcek = "63da758d-e664-4564-adc5-f4b93be8accd"
    static let ark = "c0b406a4-a803-4952-9743-3fb6014cd0ae"

    /// A table of (identifier, offset, length) and a tail.
    static func bytes(_ entries: [(String, Int, Int)], _ tail: [UInt8]) -> [UInt8] {
        var writer = ByteWriter()
        for (identifier, offset, length) in entries {
            writer.append(GUID(identifier)?.bytes ?? [])
            writer.append(UInt32(offset))
            writer.append(UInt32(length))
        }
        writer.append(repeating: 0, count: 24)
        return writer.bytes + tail
    }

    @Test("entries are read by identifier, unknown ones too")
    func entries() throws {
        let other = "9f4116cd-c503-4f5a-8f6f-fb68882f4ce2"
        let table = try SNPCertificateTable(
            Self.bytes([(Self.vcek, 98, 2), (other, 96, 2), (Self.ark, 0, 0)], [1, 2, 3, 4]), source: "table")
        #expect(table.entries.map(\.kind) == [.vcek, .other, .ark])
        #expect(table.entries.map(\.contents) == [[3, 4], [1, 2], []])
    }

    @Test("overlap, doubles, offsets outside or into the entries, and a missing end are refused")
    func malformed() {
        let tail: [UInt8] = [1, 2, 3, 4]
        for entries in [
            [(Self.vcek, 72, 3), (Self.ark, 74, 2)], [(Self.vcek, 72, 2), (Self.vcek, 74, 2)],
            [(Self.vcek, 0, 2)], [(Self.vcek, 48, 5)], [(Self.vcek, 49, 4)], [(Self.vcek, 0xFFFF_FFFF, 0xFFFF_FFFF)],
        ] {
            #expect(throws: FormatError.self, "\(entries)") {
                try SNPCertificateTable(Self.bytes(entries, tail), source: "table")
            }
        }
        let good = Self.bytes([(Self.vcek, 48, 4)], tail)
        for count in 0..<48 {
            #expect(throws: FormatError.self) { try SNPCertificateTable(Array(good.prefix(count)), source: "table") }
        }
        var random = SeededGenerator(seed: 9)
        for _ in 0..<500 { _ = try? SNPCertificateTable(good.prefix(16) + random.bytes(200), source: "table") }
    }

    @Test("an error in a table behind a report counts from the file's start")
    func offsets() throws {
        let table = Self.bytes([(Self.vcek, 48, 1), (Self.vcek, 49, 1)], [1, 2])
        let error = #expect(throws: FormatError.self) {
            try SNPExtendedReport(SNPReportBytes().bytes + table, source: "file")
        }
        #expect(error?.offset == 1184 + 24)
        #expect(try SNPExtendedReport(SNPReportBytes().bytes, source: "file").table == nil)
    }
}
