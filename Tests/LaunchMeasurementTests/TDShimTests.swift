import Bytes
import EventLogs
import Files
import Firmware
import Hashing
import TestSupport
import Testing
import Trace

@testable import LaunchMeasurement

/// The values were computed by `ci/support/td_shim.py`, which makes the same images by the same rule.
@Suite("a TD with td-shim") struct TDShimTests {
    private typealias Form = SyntheticTDShim.Form
    private static let handoffBlocks =
        "f3f4702604e4e453b0386ede3b3caefc880177f6e91d9932c2210b3dad531efba5ae911563d61e4fc943d1a14b7af954"
    private static let separatorAlone =
        "518923b0f955d08da077c96aaba522b9decede61c599cea6c41889cfbea4ae4d50529d96fe4d1afdafb65e7f95bf23c4"

    private func image(_ form: Form) throws -> TDVFImage {
        try TDVFImage(SyntheticTDShim(form).bytes, name: "td-shim", dialect: .tdShim)
    }

    private func source(_ bytes: [UInt8]) -> ByteSource { ByteSource(bytes, name: "input") }

    private func predict(
        _ form: Form, layout: String = "td-shim", imageType: UInt32? = nil, handoff: Bool = true
    ) throws -> BootPrediction {
        let linux = [.linux, .linuxInMRTD].contains(form)
        let hasList = handoff && form != .permanentMemory
        let type = imageType ?? (linux ? 1 : nil)
        return try BootPrediction(
            TDShimBoot(
                image(form), layout: try #require(TDShimLayout(name: layout)),
                handoff: hasList ? source(SyntheticTDShim.handoff(imageType: type)) : nil,
                kernel: linux ? source(SyntheticTDShim.kernel) : nil,
                commandLine: linux ? source(SyntheticTDShim.commandLine) : nil))
    }

    private func values(_ prediction: BootPrediction) -> [String] { prediction.registers.map(\.digest.hex) }

    @Test(
        "RTMR0 and RTMR1 in every form of image; RTMR2 and RTMR3 are zero",
        arguments: [
            (
                .linux,
                "2cdd0ea397f2115581e6d1f6396eee404d161648db3c735e7d72b8c314146351b6a38b97a1d1c74ff287ae965199b22b",
                "24c2f125dc98df8980c351942e6bb67360f09826c9bbf6d512e4eccd73046876a8c15458a8cc458c9750b360b6a404f2"
            ),
            (
                .linuxInMRTD,
                "2cdd0ea397f2115581e6d1f6396eee404d161648db3c735e7d72b8c314146351b6a38b97a1d1c74ff287ae965199b22b",
                "388c83548f92cb3b55dd4504ce99a4263cb0115a12c6b7c3d770552852d7838520346c0585dab4af90394ac08f41e701"
            ),
            (.executable, handoffBlocks, separatorAlone),
            (
                .executableSection, handoffBlocks,
                "f9af239fabaf3784ba0fa2b2117ca4227cac79025ea21da181b4bee3cca00e9479fa3fa03f708fb14074a6b7d62f3f38"
            ),
            (
                .signed,
                "1f180de38f2a42126fc2c00fad9b2b3c36b3aa44cdd98267fc6c1845a34594fb590f2b7766ebc266e938d6f4364554b1",
                "cf93a3098a671cf0f543a549e8c6ff9588cf528353f81ebf89dab7a1015dc8fa55e4154aa50612593b33dade51b9ba49"
            ),
            (
                .permanentMemory, separatorAlone,
                "f9af239fabaf3784ba0fa2b2117ca4227cac79025ea21da181b4bee3cca00e9479fa3fa03f708fb14074a6b7d62f3f38"
            ),
        ] as [(SyntheticTDShim.Form, String, String)])
    func registers(_ form: SyntheticTDShim.Form, _ first: String, _ second: String) throws {
        let prediction = try predict(form)
        let zero = Digest.zero(.sha384).hex
        #expect(values(prediction) == [first, second, zero, zero])
        #expect(prediction.unknown.isEmpty && prediction.exit == nil && prediction.layout.name == "td-shim")
        let log = prediction.log
        #expect(try log.replay(.sha384)[1]?.hex == first && log.replay(.sha384)[2]?.hex == second)
        #expect(log.header.register == 0 && log.header.vendorInformation == Array("td-shim".utf8))
        // The data of every event but the payload's is what was hashed.
        for record in log.records where record.type != .platformFirmwareBlob2 {
            #expect(record.dataStanding == .measured)
        }
    }

    @Test("a list that tells of a payload of td-shim's own makes it measure the separators twice") func twice() throws {
        let prediction = try predict(.executable, imageType: 0)
        #expect(
            values(prediction).prefix(2) == [
                "2dbee5c8998adffec5529074f190a82a142505eb89f658b64ad2214cfe6269e8a789f6fb10c1a67874385c8a908d4da4",
                "e6f241dba90f2fbe873ef247ddb813f0d7175836afe9b259abad649ea0bd4eef6c7e7cd0b980fdeb90206f48896c2c00",
            ])
    }

    @Test(
        "MRTD covers the kernel where its section says so",
        arguments: [
            (
                .linux,
                "624aa9f2e7c6871d5ca72aa6b54ddc1caa5195a097997d9ba70b8838360dededbb8b88f3daf9088592e9e283ec00f4fa"
            ),
            (
                .linuxInMRTD,
                "5878e3bf37b0e023d140134b776677d1039ec6773629e4ab6c2661bcb8e8569ea7e916c264bfef91d458db91a5acb708"
            ),
            (
                .executable,
                "166bba09074a99d1de9223a215caf4f3cc30f3a420ccfa4f7a3fc40b906b6839c0b2c43c18c91d615e142bbfb3b15eb4"
            ),
            (
                .permanentMemory,
                "c9125b9a127f82d03da709ec854abd2317bd28bfadc58bbf6aed459ccf0f84e5f88cd74e7cc73afad93d6a9a4f470620"
            ),
        ] as [(SyntheticTDShim.Form, String)])
    func initialMemory(_ form: SyntheticTDShim.Form, _ value: String) throws {
        let kernel = source(SyntheticTDShim.kernel)
        let result = try MRTD.measure(image(form), loader: .tdShim, payload: kernel, artifact: "firmware")
        #expect(result.digest.hex == value)
        guard form == .linuxInMRTD else { return }
        #expect(throws: MeasurementInputError.self) {
            try MRTD.measure(image(form), loader: .tdShim, artifact: "firmware")
        }
        #expect(throws: MeasurementInputError.self) {
            try MRTD.measure(
                image(form), loader: .tdShim, payload: source([UInt8](repeating: 0, count: 0x1_0001)),
                artifact: "firmware")
        }
    }

    @Test("what is not known without the hand-off blocks is left out and named, never assumed") func unknown() throws {
        let linux = try predict(.linux, handoff: false)
        #expect(linux.registers.map(\.name) == ["RTMR1", "RTMR2", "RTMR3"])
        #expect(linux.unknown.map(\.register) == ["RTMR0"] && linux.unknown[0].reason.contains("TD HOB"))
        #expect(try linux.registers[0].digest == #require(predict(.linux).registers.dropFirst().first).digest)
        let builtIn = try predict(.executable, handoff: false)
        #expect(builtIn.unknown.map(\.register) == ["RTMR0", "RTMR1"])
        // The list says that there is a kernel, which is not there.
        let missing = try BootPrediction(
            TDShimBoot(
                image(.linux), layout: .found, handoff: source(SyntheticTDShim.handoff(imageType: 1))))
        #expect(missing.unknown.map(\.register) == ["RTMR1"])
        #expect(missing.unknown[0].reason.contains("kernel"))
    }

    @Test("builds without hand-off blocks, and without events, are named; other names are none") func layouts() throws {
        #expect(try values(predict(.executable, layout: "td-shim-no-td-hob"))[0] == Self.separatorAlone)
        for form in [Form.linux, .signed] {
            let bare = try predict(form, layout: "td-shim-no-acpi-ccel")
            #expect(values(bare).prefix(2) == [Self.separatorAlone, Self.separatorAlone])
        }
        #expect(TDShimLayout(name: "edk2-202505") == nil && TDShimLayout.found.origin.contains("file"))
    }

    @Test("inputs that do not go together are refused") func refused() throws {
        let list = source(SyntheticTDShim.handoff(imageType: 1))
        let plain = source(SyntheticTDShim.handoff())
        let kernel = source(SyntheticTDShim.kernel)
        func refuse(
            _ form: Form, _ handoff: ByteSource?, _ kernel: ByteSource?, _ word: String, line: ByteSource? = nil
        ) {
            let error = #expect(throws: MeasurementInputError.self) {
                try BootPrediction(
                    TDShimBoot(image(form), layout: .found, handoff: handoff, kernel: kernel, commandLine: line))
            }
            #expect(error?.problem.contains(word) == true, "\(error.map(String.init(describing:)) ?? "none")")
        }
        refuse(.linux, plain, kernel, "does not tell")
        refuse(.linux, source(SyntheticTDShim.handoff(imageType: 0)), kernel, "does not tell")
        refuse(.linux, source(SyntheticTDShim.handoff(imageType: 2)), kernel, "unpacked")
        refuse(.linux, list, source([UInt8](repeating: 0, count: 0x1_0001)), "65537 bytes")
        refuse(.linux, list, source([UInt8](repeating: 0, count: 0x1000)), "no Linux kernel")
        refuse(.linux, list, kernel, "4097 bytes", line: source([UInt8](repeating: 0x61, count: 4097)))
        refuse(.linux, plain, nil, "no payload of its own")
        refuse(.linux, nil, nil, "without a kernel", line: source([0x61]))
        refuse(.executable, list, kernel, "no PAYLOAD section")
        refuse(.executableSection, list, kernel, "no PAYLOAD section")
        refuse(.executable, list, nil, "there is no PAYLOAD")
        refuse(.permanentMemory, nil, kernel, "without a TD_HOB")
        refuse(.permanentMemory, plain, nil, "no TD_HOB section")
    }
}

@Suite("What a TD's firmware measures of its machine") struct TDMachineTests {
    @Test("fw_cfg items count with the size that edk2 expects alone, in its order") func items() throws {
        func names(_ items: [String: [UInt8]]) throws -> [String] {
            var contents = EventContents(algorithms: [.sha384])
            contents.add(blobs: items)
            var boot = BootEvents(contents: contents)
            try boot.firmwareConfiguration(items)
            return boot.events.map(\.name)
        }
        let all: [String: [UInt8]] = [
            "bootorder": [0x61, 0], "BootMenu": [0, 0], "etc/extra-pci-roots": [UInt8](repeating: 0, count: 8),
            "etc/other": [1],
        ]
        #expect(try names(all) == ["fw_cfg etc/extra-pci-roots", "fw_cfg BootMenu", "fw_cfg bootorder"])
        #expect(
            try names(["bootorder": [], "BootMenu": [0], "etc/extra-pci-roots": [1], "etc/boot-menu-wait": []]) == [])
    }

    @Test("option ROMs are refused: a TD starts none") func optionROMs() throws {
        var boot = MachineBoot(
            platform: .td, layout: EventLayout(release: 202508), traits: nil, variables: VariableStore(variables: []),
            start: .disk, items: [:], contents: EventContents(algorithms: [.sha384]))
        boot.optionROMs = ["option-rom-0"]
        let error = #expect(throws: MeasurementInputError.self) { try boot.events(exit: .first) }
        #expect(error?.problem.contains("option ROMs in a TD") == true)
    }
}

@Suite("td-shim against a published log", .enabled(if: Outside.vectors != nil, "ASSAY_VECTORS is not set"))
struct TDShimVectorTests {
    /// The log of a TD under Cloud Hypervisor (trustee's test data). The kernel is not at hand: its digest is taken from
    /// the log, all else is predicted.
    @Test("trustee_CCEL_data: hand-off blocks, separators and command line are predicted, byte by byte") func log()
        throws
    {
        let path = try #require(Outside.vectors) + "/tdx/public/ccel/trustee_CCEL_data"
        let bytes = try InputFile.contents(of: path)
        let published = try bytes.withReader(source: path) { reader throws in
            try EventLog(parsing: &reader, registers: .tdx)
        }
        let list = try #require(published.records.first).data.dropFirst(20)
        var shim = SyntheticTDShim(.linux)
        shim.sections[3] = .init(0, 0, 0x80_0000, 0x2_0000, 2, 0)
        shim.sections[4] = .init(0, 0, 0x90_1000, 0x1000_0000, 5, 0)
        let boot = try TDShimBoot(
            TDVFImage(shim.bytes, name: "td-shim", dialect: .tdShim), layout: .found,
            handoff: ByteSource(Array(list), name: "td-hob"),
            kernel: ByteSource(SyntheticTDShim.kernel, name: "kernel"),
            commandLine: ByteSource(SyntheticTDShim.commandLine, name: "command line"))
        var predicted = try BootPrediction(boot).log
        #expect(predicted.records.count == 5)
        let own = predicted.records[3]
        #expect(own.type == .platformFirmwareBlob2 && own.data == published.records[3].data)
        predicted.records[3].digests = published.records[3].digests
        let encoded = predicted.encoded
        #expect(encoded.count > 9000 && bytes.starts(with: encoded))
    }
}
