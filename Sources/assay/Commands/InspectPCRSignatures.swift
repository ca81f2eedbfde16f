import Bytes
import DiskFormats
import Documents
import Files
import LaunchMeasurement

extension FileRecognizer {
    /// Signed PCR policies, as systemd keeps them beside an image or in it.
    static let pcrSignatures = FileRecognizer(
        kind: "signed PCR policies",
        matches: { $0.head.first == UInt8(ascii: "{") && Self.signatures($0) != nil },
        describe: { file in (Self.signatures(file)?.facts ?? []) })

    private static func signatures(_ file: InspectedFile) -> PCRSignatures? {
        guard let bytes = try? file.contents(limit: PCRSignatures.maximumByteCount) else { return nil }
        let signatures = try? PCRSignatures(bytes, source: file.name)
        return signatures.flatMap { $0.banks.isEmpty ? nil : $0 }
    }
}

extension PCRSignatures {
    /// Banks with their policies.
    var facts: [(String, Value)] {
        guard case .object(let members) = document else { return [] }
        return members.map { ($0.key, $0.node.value) }
    }

    /// Those in an image's section `.pcrsig`; nil if there is none that can be read.
    static func of(_ image: PEImage) -> PCRSignatures? {
        guard let section = image.section(".pcrsig"), let contents = try? image.contents(of: section),
            contents.count <= maximumByteCount,
            let bytes = try? contents.read(at: 0, count: contents.count, ".pcrsig")
        else { return nil }
        return try? PCRSignatures(Array(bytes.prefix { $0 != 0 }), source: ".pcrsig")
    }
}
