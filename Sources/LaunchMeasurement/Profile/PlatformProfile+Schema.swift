public import Documents
import Hashing

extension PlatformProfile {
    /// The form of `profile.yaml`: a form for each TEE.
    public static let schema = JSONSchema.either(
        TEE.allCases.map(form),
        description: "What will load an image. Every rule of the TEE stands once, and names are unique in their list.")

    private static func form(of tee: TEE) -> JSONSchema {
        let firmware = JSONSchema.object([
            ("package", .text()), ("version", .text()), ("architecture", .text()), ("poolPath", .relativePath),
            ("packageSHA256", .hex(32)), ("packageSize", .integer(1...1 << 32)), ("path", .relativePath),
            ("sha256", .hex(32)), ("size", .integer(1...1 << 28)),
        ])
        let blob = JSONSchema.object([
            ("name", .text()), ("file", .relativePath), ("sha256", .hex(32)), ("size", .integer(0...1 << 26)),
            ("origin", .text()),
        ])
        let capture = JSONSchema.object([
            ("package", .text()), ("version", .text()), ("programSHA256", .hex(32)), ("arguments", .list(.text())),
        ])
        let binding = JSONSchema.object([("state", .choice(KernelBinding.State.self)), ("origin", .text())])
        return .object(
            [
                ("name", .text(pattern: "^(?!\\.)[a-z0-9.-]{1,64}$")), ("tee", .constant(tee.rawValue)),
                ("description", .text()), ("firmware", firmware),
                ("vmm", .object([("name", .text()), ("version", .text())])), ("rootOfTrust", .text()),
                ("kernelBinding", binding), ("bootPath", .choice(BootPath.self)), ("notCovered", .list(.text())),
                ("rules", .list(.any(RuleForm.all(of: tee).map(\.schema)), minimum: 1)), ("blobs", .list(blob)),
                ("capture", capture), ("conditions", .list(.condition)), (tee.rawValue, section(of: tee)),
            ], optional: ["blobs", "capture"])
    }

    private static func section(of tee: TEE) -> JSONSchema {
        switch tee {
        case .snp:
            return .either([snpSection(), compactSection(kernelHashes: true), compactSection(kernelHashes: false)])
        case .tdx:
            let processor = JSONSchema.object([("name", .text()), ("signature", .number()), ("features", .number())])
            let size = JSONSchema.any([
                .integer(1...(1 << 53) - 1),
                .text("Such as 2G.", pattern: "^(0x[0-9A-Fa-f]+|[1-9][0-9]*([KMGT](iB)?)?)$"),
            ])
            return .object(
                [("memory", size), ("maxRAMBelow4G", size), ("processors", .list(processor, minimum: 1))]
                    + .eventSection, optional: ["items", "maxRAMBelow4G"])
        case .vtpm:
            let banks = JSONSchema.choice(HashAlgorithm.registers.map(\.rawValue))
            return .object(
                [
                    ("banks", .list(banks, minimum: 1, unique: true)),
                    ("registers", .list(.integer(0...15), minimum: 1, unique: true, description: "In rising order.")),
                ] + .eventSection, optional: ["items"])
        }
    }

    private static func snpSection(
        kernelHashes: JSONSchema = .flag, model: [(String, JSONSchema)] = [], compact: [(String, JSONSchema)] = []
    ) -> JSONSchema {
        let count = JSONSchema.integer(1...4096)
        let model = JSONSchema.object([("name", .text()), ("signature", .number())] + model)
        return .object(
            [
                ("features", .number(1...(1 << 53) - 1)), ("kernelHashes", kernelHashes),
                ("allowUnverifiedKernel", .flag), ("vcpus", .object([("first", count), ("last", count)])),
                ("models", .list(model, minimum: 1)),
            ] + compact, optional: ["allowUnverifiedKernel"])
    }

    private static func compactSection(kernelHashes: Bool) -> JSONSchema {
        let digest = JSONSchema.hex(32)
        let boot: [(String, JSONSchema)] = [
            ("verifiesKernelHashes", .flag),
            ("artifacts", .object([("vmlinuz", digest), ("initrd", digest), ("cmdline", digest)])),
        ]
        let compact = JSONSchema.object(
            [("origin", .text("Where the digests come from.")), ("resetAddress", .number())]
                + (kernelHashes ? boot : []),
            description: "The launch by its digests of one vCPU, so that it is measured without the firmware file.")
        return snpSection(
            kernelHashes: .constant(kernelHashes), model: [("oneVCPUDigest", .hex(48))],
            compact: [("compact", compact)])
    }
}

extension [(String, JSONSchema)] {
    /// What the sections of TDX and vTPM share.
    fileprivate static var eventSection: Self {
        let strings = JSONSchema.object([("vendor", .text()), ("version", .text()), ("date", .text())])
        let number = JSONSchema.integer(0...0xFFFF)
        let guid = JSONSchema.text(pattern: "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$")
        func option(_ path: Self) -> JSONSchema {
            .object(
                [("number", number), ("attributes", .number()), ("description", .text())] + path
                    + [("optionalData", .text(pattern: "^([0-9A-Fa-f]{2})*$"))], optional: ["optionalData"])
        }
        let options = JSONSchema.either([
            option([("pci", .text("DEVICE.FUNCTION, quoted.", pattern: "^[0-9]+\\.[0-9]+$"))]),
            option([("volume", guid), ("file", guid)]),
        ])
        let item = JSONSchema.either([
            .object([("name", .text()), ("hex", .text(pattern: "^([0-9a-f]{2})*$"))]),
            .object([("name", .text()), ("zeros", .integer(1...1 << 20))]),
        ])
        return [
            ("firmwareStrings", strings),
            (
                "bootOptions",
                .object([("origin", .text()), ("order", .list(number)), ("options", .list(options))])
            ),
            ("items", .list(item)),
        ]
    }
}

extension JSONSchema {
    fileprivate static let relativePath = text(
        "A relative path.", pattern: #"^(?!\.{1,2}(/|$))[^/]+(/(?!\.{1,2}(/|$))[^/]+)*$"#)

    fileprivate static var condition: JSONSchema {
        let forms: [[(String, JSONSchema)]] = [
            [("value", scalar())], [("value", scalar()), ("mask", scalar())], [("rule", text())],
            [("demand", text("A key of the operator's file."))],
        ]
        return either(
            forms.map { object([("name", text())] + $0 + [("reason", text())], optional: ["reason"]) })
    }
}
