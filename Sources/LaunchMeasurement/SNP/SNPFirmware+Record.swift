private import Bytes
public import Documents
import Firmware
import Hashing

/// A firmware in one record: the digest of its pages bound to the metadata that a launch needs beside them, so that
/// launches can be measured without the file and no digest meets the metadata of another file.
extension SNPFirmware {
    /// What a record says it is.
    public static let recordFormat = "assay-snp-firmware/1"

    /// The record; the digest of the pages is computed if the file is here.
    public func record() throws(SNPMeasurementError) -> Value {
        let digest: Digest
        if let seed {
            digest = seed
        } else {
            digest = try LaunchPlan(runs: [LaunchPlan.Run(firmware: name, bytes: bytes)]).measure().digest.value
        }
        var members: [(String, Value)] = [
            ("format", .string(Self.recordFormat)), ("name", .string(name)), ("ovmfHash", .string(digest.hex)),
            ("resetAddress", .hex(resetAddress)),
        ]
        if let fileDigest { members.append(("sha256", .string(fileDigest.hex))) }
        if let area = hashTableArea {
            members.append(("hashTableArea", .object([("base", .hex(area.base)), ("size", .hex(area.size))])))
        }
        if let verifies = verifiesKernelHashes { members.append(("verifiesKernelHashes", .bool(verifies))) }
        let sections = metadata.sections.map { section in
            Value.object([
                ("gpa", .hex(section.gpa)), ("size", .hex(section.size)),
                ("type", .integer(Int64(section.kind.rawValue))),
            ])
        }
        members.append(("sections", .array(of: sections)))
        return .object(members)
    }

    /// Reads a record, or the metadata document that sev-snp-measure-go writes (`MetadataItems`, `ResetEIP`,
    /// `OVMFHash`), which knows no hash table area.
    public init(record node: Node, name fallback: String) throws {
        var decoder = try ObjectDecoder(node)
        if node.value["MetadataItems"] != nil {
            try self.init(foreign: &decoder, name: fallback)
            return
        }
        let format = try decoder.string("format")
        guard format == Self.recordFormat else {
            throw decoder.error("format", "found '\(format)', expected '\(Self.recordFormat)'")
        }
        let name = try decoder.string("name")
        let seed = try decoder.digest("ovmfHash", .sha384)
        let reset: UInt32 = try decoder.number("resetAddress")
        let file = node.value["sha256"] == nil ? nil : try decoder.digest("sha256", .sha256)
        var area: OVMFImage.MemoryArea?
        if var inner = try decoder.optionalObject("hashTableArea") {
            area = .init(base: try inner.number("base"), size: try inner.number("size"))
            try inner.finish()
        }
        let verifies = try decoder.optionalBool("verifiesKernelHashes")
        let sections = try Self.sections(&decoder, "sections", gpa: "gpa", size: "size", type: "type")
        try decoder.finish()
        try self.init(
            name: name, seed: seed, metadata: SEVMetadata(sections: sections), resetAddress: reset,
            hashTableArea: area, fileDigest: file, verifiesKernelHashes: verifies)
    }

    private init(foreign decoder: inout ObjectDecoder, name: String) throws {
        let sections = try Self.sections(
            &decoder, "MetadataItems", gpa: "GPA", size: "Size", type: "SectionTypeInt")
        let reset: UInt32 = try decoder.number("ResetEIP")
        let seed = try decoder.digest("OVMFHash", .sha384)
        try decoder.finish()
        try self.init(
            name: name, seed: seed, metadata: SEVMetadata(sections: sections), resetAddress: reset,
            hashTableArea: nil)
    }

    private static func sections(
        _ decoder: inout ObjectDecoder, _ key: String, gpa: String, size: String, type: String
    ) throws(DocumentError) -> [SEVMetadata.Section] {
        var sections: [SEVMetadata.Section] = []
        for (node, path) in try decoder.list(key) {
            var inner = try ObjectDecoder(node, path: path)
            sections.append(
                SEVMetadata.Section(
                    gpa: try inner.number(gpa), size: try inner.number(size),
                    kind: SEVMetadata.Kind(rawValue: try inner.number(type)), recordOffset: 0))
            try inner.finish()
        }
        return sections
    }
}
