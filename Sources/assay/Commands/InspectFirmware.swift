import Bytes
import Documents
import Files
import Firmware
import Hashing

extension FileRecognizer {
    /// An OVMF image: tables, sections, volumes, reset state, and whether it verifies kernel hashes.
    static let ovmf = FileRecognizer(
        kind: "OVMF firmware",
        matches: { $0.endsTable(with: [OVMFGuid.footer, OVMFGuid.sevESResetBlock]) },
        describe: { try FirmwareFacts($0).all() })

    /// A Coconut SVSM binary, which ends with the same kind of table.
    static let svsm = FileRecognizer(
        kind: "SVSM binary",
        matches: { file in
            file.endsTable(with: [OVMFGuid.footer]) && file.tail.firstOffset(of: OVMFGuid.svsmInfo.bytes) != nil
        },
        describe: { try FirmwareFacts($0).all() })
}

extension InspectedFile {
    /// Whether one of these GUIDs stands where the table of GUIDed structures ends.
    fileprivate func endsTable(with guids: [GUID]) -> Bool {
        let place = tail.count - 0x30
        return place >= 0 && guids.contains { Array(tail[place..<place + GUID.byteCount]) == $0.bytes }
    }
}

/// What `inspect` says about a firmware; a broken part is said to be broken and does not hide the rest.
private struct FirmwareFacts {
    let image: OVMFImage

    init(_ file: InspectedFile) throws {
        image = try OVMFImage(file.contents(limit: OVMFImage.maximumByteCount), name: file.name)
    }

    func all() throws -> [(String, Value)] {
        var facts: [(String, Value)] = [
            ("size", .count(image.bytes.count)), ("sha256", .string(Digest.of(image.bytes, .sha256).hex)),
            ("table", table),
            ("resetState", attempt { try resetState() }),
            ("secretArea", attempt { area(try image.sevSecretArea()) }),
            ("hashTableArea", attempt { area(try image.sevHashTableArea()) }),
            ("sevMetadata", attempt { try sevMetadata() }), ("tdxMetadata", attempt { try tdxMetadata() }),
        ]
        if image.table[OVMFGuid.svsmInfo] != nil { return facts }
        facts.insert(("baseGPA", .hex(image.baseGPA)), at: 2)
        facts.append(("resetVector", .string(image.bytes.suffix(16).hex)))
        do {
            let volumes = try FirmwareVolumes.unpack(image.bytes, source: image.name)
            facts.append(("volumes", .array(of: volumes.map(volume))))
            let verifies = OVMFImage.verifiesKernelHashes(volumes)
            facts.append(("verifiesKernelHashes", verifies.map { .bool($0) } ?? .null))
        } catch {
            facts.append(("volumes", .object([("error", .string("\(error)"))])))
        }
        return facts
    }

    private func attempt(_ body: () throws -> Value) -> Value {
        do { return try body() } catch { return .object([("error", .string("\(error)"))]) }
    }

    private var table: Value {
        .array(
            of: image.table.entries.map { entry in
                .object([
                    ("guid", .string(entry.guid.description)),
                    ("name", .string(OVMFGuid.name(of: entry.guid) ?? "unknown")), ("offset", .hex(entry.offset)),
                    ("data", .string(entry.data.hex)),
                ])
            })
    }

    private func area(_ area: OVMFImage.MemoryArea?) -> Value {
        guard let area else { return .null }
        return .object([("base", .hex(area.base)), ("size", .hex(area.size))])
    }

    /// CS base and IP of the boot processor and, for SEV-ES and SEV-SNP, of every other one.
    private func resetState() throws -> Value {
        if let offset = try image.svsmLaunchOffset() {
            // Where it lies depends on the firmware and variable store above it.
            return .object([("svsmLaunchOffset", .hex(offset)), ("mode", .string("32-bit protected, flat segments"))])
        }
        var members: [(String, Value)] = [("bootProcessor", start(0xFFFF_FFF0))]
        if image.table[OVMFGuid.sevESResetBlock] != nil {
            members.append(("otherProcessors", start(try image.sevESResetAddress())))
        }
        return .object(members)
    }

    private func start(_ address: UInt32) -> Value {
        .object([
            ("address", .hex(address)), ("csBase", .hex(address & 0xFFFF_0000)), ("ip", .hex(address & 0xFFFF)),
        ])
    }

    private func sevMetadata() throws -> Value {
        guard let metadata = try image.optionalSEVMetadata() else { return .null }
        return .array(
            of: metadata.sections.map {
                .object([
                    ("gpa", .hex($0.gpa)), ("size", .hex($0.size)), ("kind", .string($0.kind.description)),
                    ("type", .integer(Int64($0.kind.rawValue))),
                ])
            })
    }

    private func tdxMetadata() throws -> Value {
        guard let metadata = try image.optionalTDVFMetadata() else { return .null }
        return .array(
            of: metadata.sections.map {
                .object([
                    ("kind", .string($0.kind.description)), ("address", .hex($0.address)),
                    ("memorySize", .hex($0.memorySize)), ("dataOffset", .hex($0.dataOffset)),
                    ("rawSize", .hex($0.rawSize)), ("attributes", .hex($0.attributes)),
                ])
            })
    }

    private func volume(_ volume: FirmwareVolume) -> Value {
        var members: [(String, Value)] = [
            ("name", .string(volume.name?.description ?? "none")),
            ("fileSystem", .string(volume.fileSystem.description)), ("size", .hex(volume.bytes.count)),
            ("files", .count(volume.files.count)),
        ]
        switch volume.origin {
        case .image(let offset): members.append(("offset", .hex(offset)))
        case .packed(let section, let stream):
            members += [("packedSection", .hex(section)), ("unpackedOffset", .hex(stream))]
        }
        return .object(members)
    }
}
