import Documents
import Files
import Hashing
import ReferenceValues
import Release
import TestSupport
import Testing

@Suite struct PublishedValuesTests {
    /// A statement with one platform; `chain` adds the archive's index to its inputs.
    private func statement(
        version: String = "1.0", variant: String = "release", initrd: String = "initrd", lock: String = "lock",
        digest: String = "launch", chain: Bool = true
    ) throws -> ReferenceStatement {
        var files: [Inputs.File] = [
            .init(name: "image/image.yaml", role: .definition, sha256: .of(Array("name: tiny".utf8), .sha256)),
            .init(name: "image/image.lock.json", role: .lock, sha256: .of(Array(lock.utf8), .sha256)),
        ]
        if chain {
            files.append(.init(name: "image/index/Packages.xz", role: .index, sha256: .of([1], .sha256)))
        }
        let conditions = Platform.requiredConditions(.snp).map { name -> Value in
            .object([("name", .string(name)), ("value", .string(name == "POLICY" ? "0x30000" : "0"))])
        }
        let profile = Value.object([
            ("name", .string("snp-test")), ("tee", .string("snp")), ("rootOfTrust", .string("the processor")),
            ("kernelBinding", .object([("state", .string("proven")), ("origin", .string("a test says so"))])),
            ("notCovered", .array(of: [])), ("rules", .array(of: [])),
            (
                "conditions",
                .array(
                    of: conditions + [
                        .object([("name", .string("REPORTED_TCB")), ("demand", .string("minimumTcb"))])
                    ])
            ),
            ("vmm", .object([("name", .string("QEMU"))])),
        ])
        return try ReferenceStatement(
            image: .init(name: "tiny", version: version, variant: variant, channel: "development"),
            subjects: [
                .init(
                    name: "initrd", sha256: .of(Array(initrd.utf8), .sha256), sha384: .of(Array(initrd.utf8), .sha384))
            ], inputs: Inputs(source: nil, files: files), formatRevisions: ["cpio": 1],
            archiveChain: chain ? .verified : .unverified,
            platforms: [
                Platform(
                    profile: profile,
                    valueSets: [
                        ValueSet(
                            axes: [.init("vcpus", "1")],
                            registers: ["LAUNCH_DIGEST": .of(Array(digest.utf8), .sha384)], trace: .of([], .sha256))
                    ])
            ])
    }

    /// A folder of published values that holds `published`.
    private func compare(_ mine: ReferenceStatement, with published: ReferenceStatement?) throws -> PublishedValues {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        if let published {
            let place = folder.path + "/tiny/\(published.image.version)"
            try FileSystem.makeDirectory(place)
            try OutputFile.write(published.encoded(), to: place + "/statement.json")
        }
        return try PublishedValues(mine, in: folder.path)
    }

    @Test("the same statement is reproduced")
    func isReproduced() throws {
        let values = try compare(statement(), with: statement())
        #expect(values == .reproduced)
        #expect(values.text == "reproduced")
    }

    @Test("indexes that the archive has dropped are no difference, and are said")
    func withoutChain() throws {
        let values = try compare(statement(chain: false), with: statement())
        #expect(values == .reproducedWithoutChain)
        #expect(values.text.hasPrefix("reproduced ("))
        #expect(try compare(statement(), with: statement(chain: false)) == .reproducedWithoutChain)
    }

    @Test("what differs is named")
    func differences() throws {
        #expect(
            try compare(statement(initrd: "other", lock: "other", digest: "other"), with: statement())
                == .differ(["artifact initrd", "input image/image.lock.json", "platform snp-test"]))
        #expect(
            try compare(statement(initrd: "other", chain: false), with: statement())
                == .differ(["artifact initrd", "input image/index/Packages.xz is missing", "archive chain"]))
    }

    @Test("a version or a variant without values is no error")
    func noneCommitted() throws {
        #expect(try compare(statement(), with: nil) == .noneCommitted("1.0"))
        #expect(try compare(statement(version: "1.1"), with: statement()) == .noneCommitted("1.1"))
        #expect(try compare(statement(variant: "debug"), with: statement()) == .noneCommitted("1.0"))
        #expect(PublishedValues.noneCommitted("1.0").text == "none committed for 1.0")
    }

    @Test("published values that are no statement are an error that names the file")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        defer { withExtendedLifetime(folder) {} }
        try FileSystem.makeDirectory(folder.path + "/tiny/1.0")
        try OutputFile.write(Array("{}".utf8), to: folder.path + "/tiny/1.0/statement.json")
        #expect {
            _ = try PublishedValues(statement(), in: folder.path)
        } throws: {
            String(describing: $0).contains("tiny/1.0/statement.json")
        }
    }
}
