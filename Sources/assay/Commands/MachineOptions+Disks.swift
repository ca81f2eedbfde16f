import Bytes
import LaunchMeasurement

extension MachineOptions {
    /// The disks that --disk-device describes.
    func diskOptions() throws -> [FirmwareBootOptions.Disk] {
        try diskDevice.isEmpty ? [.init()] : diskDevice.map(disk)
    }

    private func disk(_ text: String) throws -> FirmwareBootOptions.Disk {
        let failure = CommandFailure(
            "--disk-device \(text): no device",
            hint: "give KIND:SLOT, e.g. virtio-blk:1, nvme:2:SERIAL, nvme:2:SERIAL:0x0102030405060708 or "
                + "virtio-scsi:3,bootindex=0")
        let words = text.split(separator: ",", omittingEmptySubsequences: false)
        let parts = words[0].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 2, let kind = FirmwareBootOptions.Disk.Kind(rawValue: String(parts[0])),
            kind == .nvme ? (3...4).contains(parts.count) : parts.count == 2, let slot = parseInteger(String(parts[1])),
            (1...31).contains(slot)
        else { throw failure }
        var disk = FirmwareBootOptions.Disk(kind: kind, slot: UInt8(slot))
        if kind == .nvme { disk.serial = String(parts[2]) }
        if parts.count == 4 {
            guard let identifier = parseInteger(String(parts[3])) else { throw failure }
            disk.identifier = identifier
        }
        for word in words.dropFirst() {
            guard word.hasPrefix("bootindex="), let index = UInt16(word.dropFirst(10)), disk.bootIndex == nil else {
                throw failure
            }
            disk.bootIndex = Int(index)
        }
        return disk
    }
}
