import DiskFormats
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement

extension FileRecognizer {
    /// A PE image that carries a kernel in a section of its own.
    static let unifiedKernel = FileRecognizer(
        kind: "unified kernel image",
        matches: { file in
            guard file.begins(with: "MZ"), let image = try? PEImage(ByteSource(file.file)) else { return false }
            return image.section(".linux") != nil
        },
        describe: { file in
            let image = try PEImage(ByteSource(file.file))
            let signed = PCRSignatures.of(image).map { [("pcrSignatures", $0.document)] } ?? []
            return try PEFacts(image: image).all() + texts(of: image) + signed
        })

    /// Any other PE image; a Linux kernel says its release.
    static let peImage = FileRecognizer(
        kind: "PE image",
        matches: { $0.begins(with: "MZ") },
        describe: { file in
            let source = ByteSource(file.file)
            var facts = try PEFacts(image: PEImage(source)).all()
            if let release = try? UKI.kernelRelease(of: source) { facts.append(("kernelRelease", .string(release))) }
            return facts
        })

    /// What the text sections of a unified kernel image say, by line where they have lines.
    private static func texts(of image: PEImage) throws -> [(String, Value)] {
        var facts: [(String, Value)] = []
        for (name, key) in [
            (".cmdline", "commandLine"), (".uname", "kernelRelease"), (".osrel", "osRelease"), (".sbat", "sbat"),
        ] {
            guard let section = image.section(name) else { continue }
            let contents = try image.contents(of: section)
            let bytes = try contents.read(at: 0, count: min(contents.count, 1 << 16), name)
            let text = String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { Value.string(String($0)) }
            let ended = lines.last == .string("") ? Array(lines.dropLast()) : lines
            facts.append((key, [".osrel", ".sbat"].contains(name) ? .array(of: ended) : .string(text)))
        }
        return facts
    }
}

/// What `inspect` says about a PE image.
private struct PEFacts {
    let image: PEImage

    func all() throws -> [(String, Value)] {
        [
            ("size", .count(image.source.count)), ("sha256", .string(try image.source.digest(.sha256).hex)),
            ("authenticode", try authenticode()), ("machine", .hex(image.machine)),
            ("subsystem", .integer(Int64(image.subsystem))), ("imageBase", .hex(image.imageBase)),
            ("sizeOfImage", .hex(image.sizeOfImage)),
            ("nxCompatible", .bool(image.dllCharacteristics & PEImage.nxCompatible != 0)),
            ("certificateBytes", .count(image.certificateTable.count)),
            ("sections", .array(of: try image.sections.map(section))),
        ]
    }

    private func authenticode() throws -> Value {
        .object(
            try [HashAlgorithm.sha256, .sha384].map {
                ($0.rawValue, .string(try Authenticode.digest(image, algorithm: $0).hex))
            })
    }

    private func section(_ section: PEImage.Section) throws -> Value {
        let contents = try image.contents(of: section)
        return .object([
            ("name", .string(section.name)), ("address", .hex(section.virtualAddress)),
            ("size", .hex(section.virtualSize)), ("offset", .hex(section.rawOffset)),
            ("rawSize", .hex(section.rawSize)), ("sha256", .string(try contents.digest(.sha256).hex)),
        ])
    }
}
