private import Bytes
private import EventLogs
private import Files
import Firmware
import Trace

/// The two volumes that OVMF measures into PCR 0: the PEI and DXE volumes inside its packed volume.
struct MeasuredVolumes {
    /// Pieces by name, PEI first.
    let pieces: [MeasuredEvent.Piece]

    /// Finds the volumes; what the packed section unpacks to becomes a source of its own.
    init(_ volumes: [FirmwareVolume], firmware: String, contents: inout EventContents) throws {
        var pieces: [MeasuredEvent.Piece] = []
        for volume in volumes {
            guard case .packed(let section, let offset) = volume.origin, volume.holdsFiles, pieces.count < 2 else {
                continue
            }
            let kind = pieces.isEmpty ? "PEI volume" : "DXE volume"
            // The packed section's output is named by where it stands in the firmware and where the volume starts.
            let name = "firmware/unpacked-\(hexadecimal(section))/\(hexadecimal(offset))"
            contents.add(name, ByteSource(volume.bytes, name: "\(firmware), \(kind)"))
            pieces.append(.init(kind, .range(artifact: name, offset: 0, count: volume.bytes.count)))
        }
        guard pieces.count == 2 else {
            throw MeasurementInputError(
                "\(firmware): \(pieces.count) packed volumes with files, expected a PEI and a DXE volume")
        }
        self.pieces = pieces
    }
}

extension BootEvents {
    /// The firmware's version and its two main volumes.
    mutating func firmwareVolumes(_ volumes: MeasuredVolumes, version: String) throws {
        try firmwareVersion(version)
        for volume in volumes.pieces { try firmwareVolume(volume) }
    }

    mutating func firmwareVersion(_ version: String) throws {
        var text = ByteWriter()
        text.append(utf16: version)
        text.append(UInt16(0))
        try append(
            "firmware version", pcr: 0, .crtmVersion, data: text.bytes, origin: "edk2: PcdFirmwareVersionString")
    }

    /// A volume of the packed section. The event data holds the address in memory, which no input gives.
    mutating func firmwareVolume(_ volume: MeasuredEvent.Piece) throws {
        try append(
            volume.name, pcr: 0, .platformFirmwareBlob, content: [volume], data: nil,
            origin: "edk2 Tcg2Pei: volumes of the packed section")
    }
}
