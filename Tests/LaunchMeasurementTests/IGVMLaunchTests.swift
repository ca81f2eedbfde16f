import Bytes
import Documents
import Firmware
import Hashing
import LaunchMeasurement
import TestSupport
import Testing
import Trace

@Suite("IGVM launch")
struct IGVMLaunchTests {
    private typealias Page = (type: PageType, gpa: UInt64, contents: [UInt8]?)

    private func launch(
        _ file: IGVMBytes, _ platform: IGVMPlatform.Kind = .snp, rules: IGVMRules = IGVMRules()
    ) throws -> IGVMLaunch {
        try IGVMLaunch(IGVMFile(file.bytes, name: "f.igvm"), platform: platform, rules: rules)
    }

    /// The chain over these pages, written out.
    private func chain(_ pages: [Page]) -> Digest {
        var digest = LaunchDigest()
        for page in pages {
            digest.add(page.type, gpa: page.gpa, contents: page.contents.map { .of($0, .sha384) })
        }
        return digest.value
    }

    private let zeros = [UInt8](repeating: 0, count: 4096)

    private func samplePages(zero: PageType = .normal) -> [Page] {
        let contents = zero == .normal ? zeros : nil
        return [
            (.normal, 0x10_0000, IGVMBytes.samplePage(1)), (.normal, 0x10_1000, IGVMBytes.samplePage(2)),
            (zero, 0x10_2000, contents), (zero, 0x10_3000, contents), (.unmeasured, 0x10_4000, nil),
            (.unmeasured, 0x11_0000, nil), (.unmeasured, 0x11_1000, nil), (.secrets, 0x12_0000, nil),
            (.cpuid, 0x12_1000, nil), (.cpuid, 0x12_2000, nil),
            (.vmsa, 0xFFFF_FFFF_F000, IGVMBytes.sampleSaveArea(features: 1)),
            (.normal, 0xFFFF_F000, IGVMBytes.samplePage(5)),
        ]
    }

    // The literals were computed from the same rules by a Python program that shares no code with Assay.
    @Test("SEV-SNP: one record a page in the file's order, shared pages left out")
    func snp() throws {
        let result = try launch(.sample).measure()
        #expect(result.digest == chain(samplePages()))
        #expect(
            result.digest.hex
                == "ce7fae0b220a857eddad0f18ea41e9b81de57851f5d6fe199e0c28a52287f5b5bb76eafa8a50708d4f489e6b50e62dc3")
        #expect(result.trace.digest == result.digest && result.trace.register == "LAUNCH_DIGEST")
    }

    @Test("SEV-SNP: zero pages have a type of their own under the other rule")
    func nativeZeroPages() throws {
        let digest = try launch(.sample, rules: IGVMRules(zeroPages: .native)).measure().digest
        #expect(digest == chain(samplePages(zero: .zero)))
        #expect(
            digest.hex
                == "d5c1dd905eae796bfb1d95c8ce515820ead21e7014f82bfec84d8ddc94cad851b5c267043326fbec82cc1a3cfa38ad27")
    }

    @Test("SEV-SNP: KVM measures the save area last and at its own address")
    func placement() throws {
        var file = IGVMBytes()
        file.platform(2, mask: 1)
        file.processor(0x80_3000, data: IGVMBytes.sampleSaveArea(features: 1))
        file.page(0x1000, data: IGVMBytes.samplePage(1))
        let area: Page = (.vmsa, 0x80_3000, IGVMBytes.sampleSaveArea(features: 1))
        let page: Page = (.normal, 0x1000, IGVMBytes.samplePage(1))
        #expect(try launch(file).measure().digest == chain([area, page]))
        let kvm = IGVMRules(placement: .kvm)
        let launch = try launch(file, rules: kvm)
        #expect(launch.measure().digest == chain([page, (.vmsa, 0xFFFF_FFFF_F000, area.contents)]))
        #expect(launch.warnings == ["no SNP guest policy header for this platform"])
        file.processor(0x80_4000, data: IGVMBytes.sampleSaveArea(features: 1), index: 1)
        let error = try #require(throws: IGVMError.self) { try self.launch(file, rules: kvm) }
        #expect(error == .severalSaveAreas(file: "f.igvm", offset: file.offset(of: 3)))
        #expect(try self.launch(file).plan.runs.map(\.gpa) == [0x80_3000, 0x1000, 0x80_4000])
    }

    @Test("a save area in a page of the file is refused, but where KVM has its own place for it")
    func overlap() throws {
        var file = IGVMBytes()
        file.platform(2, mask: 1)
        file.processor(0x2000, data: IGVMBytes.sampleSaveArea(features: 1))
        file.page(0x1000)
        #expect(try launch(file).plan.runs.count == 2)
        file.page(0x3000)
        file.page(0x2000)
        let error = try #require(throws: IGVMError.self) { try launch(file) }
        #expect(error == .saveAreaOverlap(file: "f.igvm", offset: file.offset(of: 1), gpa: 0x2000))
        #expect(try launch(file, rules: IGVMRules(placement: .kvm)).plan.runs.last?.gpa == 0xFFFF_FFFF_F000)
        var area = IGVMBytes()
        area.platform(2, mask: 1)
        area.parameterArea(0, bytes: 0x3000)
        area.insert(0x1000, area: 0)
        area.processor(0x3000, data: IGVMBytes.sampleSaveArea(features: 1))
        #expect(throws: IGVMError.saveAreaOverlap(file: "f.igvm", offset: area.offset(of: 3), gpa: 0x3000)) {
            try launch(area)
        }
    }

    @Test("KVM's demands on a save area are warned of")
    func warnings() throws {
        var file = IGVMBytes()
        file.platform(2, mask: 1)
        file.policy(0x30000, mask: 1)
        let kvm = IGVMRules(placement: .kvm)
        file.page(0x1000)
        #expect(try launch(file, rules: kvm).warnings.count == 1)
        file.processor(0, data: [UInt8](repeating: 0, count: 4096))
        #expect(try launch(file, rules: kvm).warnings.count == 2)
        #expect(try launch(file).warnings == [])
        file.headers.append(.init(0x8000_0314, [UInt8](repeating: 0, count: 8)))
        #expect(try launch(file).warnings.count == 1)
    }

    @Test("QEMU launches a parameter area before the run of pages in front of it")
    func parameterOrder() throws {
        var file = IGVMBytes()
        file.platform(2, mask: 1)
        file.parameterArea(0, bytes: 0x1000)
        file.parameterArea(1, bytes: 0x1000)
        file.page(0x1000)
        file.page(0x5000)
        file.page(0x6000)
        file.insert(0xA000, area: 0)
        file.insert(0xB000, area: 1)
        file.page(0x7000)
        let plan = { (order: IGVMRules.ParameterOrder) in
            try launch(file, rules: IGVMRules(parameters: order)).plan.runs.map { ($0.gpa, $0.count) }.map { "\($0)" }
        }
        #expect(try plan(.file) == ["(4096, 1)", "(20480, 2)", "(40960, 1)", "(45056, 1)", "(28672, 1)"])
        #expect(try plan(.qemu) == ["(4096, 1)", "(40960, 1)", "(45056, 1)", "(20480, 2)", "(28672, 1)"])
    }

    @Test("a page of 2 MiB is 512 records, with data or without")
    func largePages() throws {
        let data = IGVMBytes.samplePage(6, count: 2 << 20)
        var file = IGVMBytes()
        file.platform(2, mask: 1)
        file.page(0x20_0000, data: data, flags: 1)
        file.page(0x40_0000, flags: 1)
        var pages: [Page] = stride(from: 0, to: 2 << 20, by: 4096).map {
            (.normal, 0x20_0000 + UInt64($0), Array(data[$0..<$0 + 4096]))
        }
        pages += stride(from: 0, to: 2 << 20, by: 4096).map { (.normal, 0x40_0000 + UInt64($0), zeros) }
        let launch = try launch(file)
        #expect(launch.plan.runs.map(\.count) == [512, 512])
        #expect(launch.measure().digest == chain(pages))
    }

    private func record(_ name: String, _ address: UInt64) -> [UInt8] {
        var writer = ByteWriter()
        writer.append(text: name)
        writer.append(repeating: 0, count: 16 - writer.count)
        writer.append(address)
        writer.append(repeating: 0, count: 104)
        return writer.bytes
    }

    @Test("TDX: every private page is added, measured ones are extended at once; the processor is not measured")
    func tdx() throws {
        var stream: [UInt8] = []
        for page in samplePages() where ![.secrets, .cpuid, .vmsa].contains(page.type) {
            stream += record("MEM.PAGE.ADD", page.gpa)
            guard let contents = page.contents else { continue }
            for offset in stride(from: 0, to: 4096, by: 256) {
                stream += record("MR.EXTEND", page.gpa + UInt64(offset)) + contents[offset..<offset + 256]
            }
        }
        let result = try launch(.sample, .tdx).measure()
        #expect(result.digest == .of(stream, .sha384))
        #expect(
            result.digest.hex
                == "b63032e48e0917355a6b6a6ab76ae0ac7edbdb810a46204341c12addc725e8215b967cf8e345da23046ee4d5c5e2d752")
        #expect(result.trace.register == "MRTD")
        #expect(result.trace.children.last?.digest == result.digest)
    }

    @Test("SEV-ES: SHA-256 of data and save areas; SEV: without the save area")
    func sev() throws {
        let data = samplePages().filter { $0.type == .normal }.compactMap(\.contents)
        let area = IGVMBytes.sampleSaveArea(features: 0)
        let digest = try launch(.sample, .sevES).measure().digest
        #expect(digest == .of(Array((data[..<4] + [area, data[4]]).joined()), .sha256))
        #expect(digest.hex == "48983c6b31c75f8a6e618b530d7ed4352d276cef9ad4ac2e90b19cd784d63494")
        let kvm = try launch(.sample, .sevES, rules: IGVMRules(placement: .kvm)).measure().digest
        #expect(kvm == .of(Array((data + [area]).joined()), .sha256))
        var file = IGVMBytes(version: 2)
        file.platform(4, mask: 16)
        file.page(0x1000, mask: 16, data: IGVMBytes.samplePage(1))
        file.page(0x2000, mask: 16)
        file.processor(0, mask: 16, data: zeros)
        #expect(try launch(file, .sev).measure().digest == .of(IGVMBytes.samplePage(1) + zeros, .sha256))
    }

    @Test("the trace has a node a directive; equal pages are one, what is not measured is named")
    func trace() throws {
        let trace = try launch(.sample).measure().trace
        let ids = trace.children.map(\.id)
        #expect(
            ids == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14, 16, 17].map { "directive-\($0)" }, "\(ids)")
        let zero = try #require(trace.children.first { $0.id == "directive-6" })
        #expect(zero.count == 2 && zero.gpa == 0x10_2000 && zero.name == "PAGE_DATA, zero page")
        #expect(zero.details.contains { $0.name == "directives" && $0.value == .count(2) })
        #expect(zero.origin.contains("QEMU"))
        let shared = try #require(trace.children.first { $0.id == "directive-9" })
        #expect(shared.digest == nil && shared.name.contains("shared"))
        let data = try #require(trace.children.first { $0.id == "directive-4" })
        #expect(data.digest == chain([samplePages()[0]]))
        guard case .range("f.igvm", _, 4096) = data.source else { throw TestFailure("no source") }
    }

    @Test("pages are parts of the file, so that many that name one place cost no memory")
    func sharedPages() throws {
        var file = IGVMBytes()
        file.platform(2, mask: 1)
        for index in 0..<8 { file.page(0x1000 * UInt64(index), data: IGVMBytes.samplePage(index)) }
        let runs = try launch(file).plan.runs
        #expect(runs.count == 8)
        for run in runs {
            guard case .file(_, let offset, let bytes) = run.content else { throw TestFailure("no bytes") }
            #expect(bytes.startIndex == offset && bytes.count == 4096)
        }
    }

    @Test("an ID block is held against the digest")
    func idBlock() throws {
        let digest = try launch(.sample).measure().digest
        #expect(try launch(.sample).idBlockMatches(digest) == nil)
        var file = IGVMBytes.sample
        file.idBlock(launchDigest: digest.bytes, guestSVN: 2)
        let signed = try launch(file)
        #expect(signed.measure().digest == digest && signed.idBlockMatches(digest) == true)
        #expect(signed.idBlockMatches(.zero(.sha384)) == false)
        let bytes = try #require(signed.idBlock?.block(policy: 0x30000)).bytes
        #expect(bytes.count == 96 && bytes.starts(with: digest.bytes))
        #expect(bytes[0x50...].elementsEqual([1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]))
    }

    @Test("other processors under KVM start from reset, after the boot processor's save area")
    func otherProcessors() throws {
        let milan = VCPUSignature(rawValue: 0x00A0_0F11)
        let launch = try launch(.sample, rules: IGVMRules(placement: .kvm))
        let points = try launch.points(milan, vcpus: 1...3)
        #expect(points.map(\.vcpus) == [1, 2, 3] && points[0].digest == launch.measure().digest)
        var digest = LaunchDigest(seed: points[0].digest)
        let reset = VMSA.boot(.qemu, signature: milan, features: 1).bytes
        for point in points.dropFirst() {
            digest.add(.vmsa, gpa: 0xFFFF_FFFF_F000, contents: .of(reset, .sha384))
            #expect(point.digest == digest.value && point.trace.digest == digest.value)
        }
        #expect(points[2].trace.children.last?.count == 2)
        #expect(throws: IGVMError.otherProcessors(file: "f.igvm")) {
            try self.launch(.sample).points(milan, vcpus: 1...2)
        }
        #expect(throws: IGVMError.vcpuCount(0)) { try launch.points(milan, vcpus: 0...2) }
        let es = try self.launch(.sample, .sevES, rules: IGVMRules(placement: .kvm))
        let data = samplePages().filter { $0.type == .normal }.compactMap(\.contents)
        let area = VMSA.boot(.qemu, signature: milan, features: 0).bytes
        let pages = data + [IGVMBytes.sampleSaveArea(features: 0), area, area]
        #expect(try es.points(milan, vcpus: 3...3)[0].digest == .of(Array(pages.joined()), .sha256))
    }

    @Test("an OVMF image put into an IGVM file page by page has the digest of the image itself")
    func wrappedFirmware() throws {
        let image = try OVMFImage(SyntheticFirmware().bytes, name: "syn.fd")
        let milan = VCPUSignature(rawValue: 0x00A0_0F11)
        let direct = try SNPLaunch(firmware: SNPFirmware(image, lookForVerifier: false)).points(milan, vcpus: 1...1)[0]
        var file = IGVMBytes()
        file.platform(2, mask: 1)
        for start in stride(from: 0, to: image.bytes.count, by: 4096) {
            file.page(image.baseGPA + UInt64(start), data: Array(image.bytes[start..<start + 4096]))
        }
        for section in try image.sevMetadata().sections {
            let kind: UInt16 = section.kind == .secrets ? 1 : section.kind == .cpuid ? 2 : 0
            for page in stride(from: 0, to: section.size, by: 4096) {
                file.page(UInt64(section.gpa + page), kind: kind)
            }
        }
        file.processor(0xFFFF_FFFF_F000, data: VMSA.boot(.qemu, signature: milan, features: 1).bytes)
        let launch = try launch(file, rules: IGVMRules(zeroPages: .native))
        #expect(launch.measure().digest == direct.digest)
        #expect(try IGVMFile(file.bytes, name: "f").firmware(launch.platform) == image.bytes)
    }

    @Test("known loaders have names of their own, rules and an origin")
    func loaders() {
        #expect(Set(KnownIGVMLoader.all.map { $0.name.lowercased() }).count == KnownIGVMLoader.all.count)
        #expect(KnownIGVMLoader.all.allSatisfy { !$0.origin.isEmpty && !$0.validity.isEmpty })
        #expect(KnownIGVMLoader.named("qemu")?.rules == IGVMRules(placement: .kvm, parameters: .qemu))
        #expect(KnownIGVMLoader.named("other") == nil)
    }

    @Test("what cannot be measured is refused with a reason")
    func refuses() throws {
        #expect(
            try #require(throws: IGVMError.self) { try launch(.sample, .sev) }
                == .platformMissing(file: "f.igvm", wanted: .sev, found: [.snp, .tdx, .sevES]))
        var native = IGVMBytes()
        native.platform(0, mask: 1)
        #expect(throws: IGVMError.platformNotMeasured(file: "f.igvm", .native)) { try launch(native, .native) }
        #expect(throws: IGVMError.zeroPagesNotNative(.tdx)) {
            try launch(.sample, .tdx, rules: IGVMRules(zeroPages: .native))
        }
        var secrets = IGVMBytes()
        secrets.platform(3, mask: 1)
        secrets.page(0, kind: 1)
        #expect(throws: IGVMError.pageKind(file: "f.igvm", offset: 0x30, kind: .secrets, platform: .tdx)) {
            try launch(secrets, .tdx)
        }
        var huge = IGVMBytes()
        huge.platform(2, mask: 1)
        huge.parameterArea(0, bytes: 1 << 40)
        huge.insert(0, area: 0)
        #expect(throws: IGVMError.tooManyPages(file: "f.igvm")) { try launch(huge) }
    }

    @Test("files from random changes are measured or refused, never more")
    func garbage() throws {
        let seed: UInt64 = 0x51_AB_07
        var generator = SeededGenerator(seed: seed)
        let sample = IGVMBytes.sample
        let whole = sample.bytes
        for _ in 0..<400 {
            var bytes = whole
            let place = Int.random(in: sample.offset(of: 3)..<sample.offset(of: 22), using: &generator)
            bytes[place] = UInt8.random(in: 0...255, using: &generator)
            guard let file = try? IGVMFile(IGVMBytes.sealed(bytes), name: "f.igvm") else { continue }
            for kind in IGVMPlatform.Kind.allCases {
                let rules = IGVMRules(placement: .kvm, parameters: .qemu)
                guard let launch = try? IGVMLaunch(file, platform: kind, rules: rules) else { continue }
                guard launch.plan.runs.reduce(0, { $0 + $1.count }) < 2000 else { continue }
                #expect(launch.measure().trace.digest == launch.measure().digest, "seed \(seed)")
            }
        }
    }
}
