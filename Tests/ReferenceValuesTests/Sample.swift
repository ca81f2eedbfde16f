import Bytes
import Documents
import Files
import Hashing
import ReferenceValues
import Signing
import TestSupport
import YAMLDocuments

/// A small release made by rule: two platforms, three axes, and everything a bundle needs.
struct Sample {
    var image = ReferenceStatement.Image(name: "tiny", version: "1.0", variant: "release", channel: "stable")
    var snpProfile = Sample.profile("snp-test", "snp", conditions: Sample.snpConditions())
    var tdxProfile = Sample.profile(
        "tdx-test", "tdx",
        conditions: Platform.tdxConditionNames.map { name in
            .object([("name", .string(name)), ("value", .string(name == "TDATTRIBUTES" ? "0x10000000" : "00"))])
        })
    var definition = Array("name: tiny\n".utf8)
    var lock = Array(#"{"packages":[]}"#.utf8)
    var artifacts = Array(#"{"artifacts":[]}"#.utf8)
    var extraFiles: [(name: String, bytes: [UInt8])] = []

    static func snpConditions(policy: String = "0x30000") -> [Value] {
        ["POLICY", "VMPL", "ID_KEY_DIGEST", "AUTHOR_KEY_DIGEST", "HOST_DATA"].map { name in
            .object([("name", .string(name)), ("value", .string(name == "POLICY" ? policy : "0"))])
        } + [.object([("name", .string("REPORTED_TCB")), ("demand", .string("minimumTcb"))])]
    }

    static func profile(
        _ name: String, _ tee: String, binding: String = "proven", confidence: String = "several-programs",
        conditions: [Value]
    ) -> Value {
        .object([
            ("name", .string(name)), ("tee", .string(tee)), ("rootOfTrust", .string("the processor")),
            ("kernelBinding", .object([("state", .string(binding)), ("origin", .string("a test says so"))])),
            ("notCovered", .array(of: [.string("ACPI tables")])),
            (
                "rules",
                .array(of: [
                    .object([
                        ("name", .string("r")), ("value", .string("1")), ("origin", .string("o")),
                        ("confidence", .string(confidence)),
                    ])
                ])
            ),
            ("conditions", .array(of: conditions)), ("vmm", .object([("name", .string("QEMU"))])),
        ])
    }

    static func digest(_ text: String, _ algorithm: HashAlgorithm = .sha384) -> Digest {
        .of(Array(text.utf8), algorithm)
    }

    /// A trace that ends in the given values.
    static func trace(_ values: [String: Set<Digest>]) -> [UInt8] {
        let nodes = values.sorted { $0.key < $1.key }.flatMap { register, digests in
            digests.map(\.hex).sorted().map { #"{"digest":"\#($0)","register":"\#(register)"}"# }
        }
        return Array(#"{"children":[\#(nodes.joined(separator: ","))],"id":"t"}"#.utf8)
    }

    static func snpTrace(_ label: String) -> [UInt8] { trace(["LAUNCH_DIGEST": [digest("snp \(label)")]]) }

    /// One trace for all sets.
    static var tdxTrace: [UInt8] {
        trace([
            "MRTD": [digest("mrtd")], "RTMR0": [digest("rtmr0 1"), digest("rtmr0 2")],
            "RTMR1": [digest("rtmr1 first"), digest("rtmr1 retried")], "RTMR2": [digest("rtmr2")],
        ])
    }

    /// Model and vCPUs move the digest.
    var snpSets: [ValueSet] {
        ["Milan", "Genoa"].flatMap { model in
            ["1", "2"].map { count in
                ValueSet(
                    axes: [.init("vcpus", count), .init("model", model)],
                    registers: ["LAUNCH_DIGEST": Self.digest("snp \(model) \(count)")],
                    trace: .of(Self.snpTrace("\(model) \(count)"), .sha256))
            }
        }
    }

    /// vCPUs move RTMR0, the retry form moves RTMR1, the rest is constant.
    var tdxSets: [ValueSet] {
        ["1", "2"].flatMap { count in
            ["first", "retried"].map { form in
                ValueSet(
                    axes: [.init("vcpus", count), .init("exitBootServices", form)],
                    registers: [
                        "MRTD": Self.digest("mrtd"), "RTMR0": Self.digest("rtmr0 \(count)"),
                        "RTMR1": Self.digest("rtmr1 \(form)"), "RTMR2": Self.digest("rtmr2"),
                    ], trace: .of(Self.tdxTrace, .sha256))
            }
        }
    }

    func statement() throws -> ReferenceStatement {
        try ReferenceStatement(
            image: image,
            subjects: [
                .init(name: "vmlinuz", sha256: Self.digest("k", .sha256), sha384: Self.digest("k")),
                .init(name: "artifacts.json", sha256: .of(artifacts, .sha256), sha384: .of(artifacts, .sha384)),
            ],
            inputs: Inputs(
                source: nil,
                files: [
                    .init(name: "images/tiny/image.yaml", role: .definition, sha256: .of(definition, .sha256)),
                    .init(name: "images/tiny/image.lock.json", role: .lock, sha256: .of(lock, .sha256)),
                ]), formatRevisions: ["erofs": 1, "cpio": 1], archiveChain: .verified,
            platforms: [
                Platform(profile: snpProfile, valueSets: snpSets), Platform(profile: tdxProfile, valueSets: tdxSets),
            ])
    }

    func bundle(_ statement: ReferenceStatement? = nil) throws -> Bundle {
        var bundle = Bundle(statement: try statement ?? self.statement())
        bundle.add(artifact: "artifacts.json", artifacts)
        bundle.add(input: "images/tiny/image.yaml", definition)
        bundle.add(input: "images/tiny/image.lock.json", lock)
        for set in snpSets {
            let label = set.axes.map(\.value).joined(separator: "-")
            bundle.add(
                trace: "snp-test/\(label).json", Self.snpTrace("\(set.axes[1].value) \(set.axes[0].value)"))
        }
        bundle.add(trace: "tdx-test.json", Self.tdxTrace)
        for profile in [snpProfile, tdxProfile] {
            guard case .string(let name)? = profile["name"] else { continue }
            bundle.add(profile: name, try CanonicalJSON.encode(profile))
        }
        for file in extraFiles { bundle.add(artifact: file.name, file.bytes) }
        return bundle
    }

    /// Writes the bundle, signed, into a folder and gives its path.
    func write(into folder: TemporaryFolder, signedBy keys: [PrivateKey]) throws -> String {
        try bundle().write(into: folder.path, signedBy: keys)
    }
}

extension Platform {
    /// Conditions that a TDX platform must speak about.
    static let tdxConditionNames = [
        "TDATTRIBUTES", "XFAM", "SEAMATTR", "MRSIGNERSEAM", "MRCONFIGID", "MROWNER", "MROWNERCONFIG", "MRSERVICETD",
        "RTMR3",
    ]
}

/// A trust policy's text, part by part.
struct PolicyText {
    var expires = "2030-01-01T00:00:00Z"
    var roles: [(role: String, keys: [PublicKey], threshold: Int)] = []
    var images = "tiny"
    var channels: [String: String] = ["development": "development"]
    var predicates = ReferenceStatement.predicateType
    var demands = ["channel", "log", "witnesses", "maximumAge", "quorum", "acceptedProfiles"]
        .map { "\($0): {skip: not in this test}" }
    var rest = ""

    var text: String {
        var text = "version: 3\nexpires: \(expires)\nroles:\n"
        for (role, keys, threshold) in roles {
            text += "  \(role):\n    threshold: \(threshold)\n"
            if role != "root" {
                text += "    predicates: [\"\(predicates)\"]\n    images: [\(images)]\n"
                text += "    channels: [\(channels[role] ?? "stable")]\n"
            }
            text += "    keys:\n"
            for (index, key) in keys.enumerated() {
                let pem = key.pem.split(separator: "\n").map { "          \($0)\n" }.joined()
                text += "      - name: \(role)-\(index)\n        publicKey: |\n\(pem)"
                if role == "rebuilder" { text += "        operator: someone\n" }
            }
        }
        return text + demands.joined(separator: "\n") + "\n" + rest
    }

    func policy() throws -> TrustPolicy {
        try TrustPolicy(YAMLReader.parse(Array(text.utf8), source: "trust.yaml"))
    }

    func verifier(at time: String = "2026-09-01T00:00:00Z") throws -> BundleVerifier {
        guard let time = Timestamp(time) else { throw TestFailure("no time") }
        return BundleVerifier(policy: try policy(), policyDigest: .of(Array(text.utf8), .sha256), time: time)
    }
}

extension Verdict {
    /// The checks that failed, as `kind subject`.
    var failures: [String] {
        checks.filter { $0.answer == .failed }.map { "\($0.kind.rawValue) \($0.subject)" }
    }

    func answers(_ kind: Check.Kind) -> [Check.Answer] { checks.filter { $0.kind == kind }.map(\.answer) }
}
