private import Archives
public import Bytes

extension OVMFImage {
    private static let verifierGUIDs = [
        KernelHashTable.commandLineEntry, KernelHashTable.initrdEntry, KernelHashTable.kernelEntry,
    ]

    /// Whether the firmware checks kernel, initrd and command line against the hash table.
    ///
    /// Only the AmdSev build of edk2 links the verifier; its three entry GUIDs stand in the unpacked DXE volume then,
    /// and in no other build. Nil if the image has no packed volume to look at (a cut image).
    public func verifiesKernelHashes() throws(FormatError) -> Bool? {
        // Unpacking stops as soon as all three were seen, which is early in a firmware that has them.
        for section in try FirmwareVolumes.packedSections(bytes, source: name) {
            var search = StreamSearch(Self.verifierGUIDs.map(\.bytes))
            try LZMAStream.forEachChunk(
                section.stream, source: name, base: section.offset, limit: FirmwareVolumes.unpackedLimit
            ) { chunk in
                search.add(chunk)
                return !search.foundAll
            }
            if search.foundAll { return true }
        }
        return Self.verifiesKernelHashes(try FirmwareVolumes.unpack(bytes, source: name))
    }

    /// The same from volumes that were unpacked before.
    public static func verifiesKernelHashes(_ volumes: [FirmwareVolume]) -> Bool? {
        let packed = volumes.filter {
            if case .packed = $0.origin { true } else { false }
        }
        guard !packed.isEmpty else { return nil }
        return verifierGUIDs.allSatisfy { guid in
            packed.contains { $0.bytes.firstOffset(of: guid.bytes) != nil }
        }
    }
}

/// Looks for byte patterns in a stream that comes in pieces.
private struct StreamSearch {
    private var missing: [[UInt8]]
    private var window: [UInt8] = []

    init(_ patterns: [[UInt8]]) { missing = patterns }

    var foundAll: Bool { missing.isEmpty }

    mutating func add(_ chunk: ArraySlice<UInt8>) {
        window.append(contentsOf: chunk)
        missing.removeAll { window.firstOffset(of: $0) != nil }
        // A pattern may begin in this piece and end in the next.
        window.removeFirst(max(0, window.count - (missing.map(\.count).max() ?? 0)))
    }
}
