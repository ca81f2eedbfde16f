import Bytes
import Files
import Hashing
import QEMUHost
import Transport

/// Captures that were made before, by QEMU build and machine: the contents in the content store, and a list by the
/// hash of all that the capture depends on.
struct CaptureCache {
    let store: ContentStore

    /// The cache at its usual place; nil without a home.
    init?() throws {
        guard let path = ContentStore.defaultPath else { return nil }
        store = try ContentStore(path)
    }

    /// The items of `capture` on the QEMU whose program has the SHA-256 `build`.
    func items(_ capture: MachineCapture, build: Digest) throws -> [MachineCapture.Item] {
        let key = Self.key(capture, build)
        let list = "\(store.path)/captures/\(key.hex)"
        if let items = try read(list) { return items }
        let items = try capture.run()
        try FileSystem.makeDirectory(FileSystem.parent(of: list), mode: 0o700)
        var text = ""
        for item in items { text += "\(try store.insert(item.bytes).hex) \(item.name)\n" }
        try OutputFile.write(Array(text.utf8), to: list)
        return items
    }

    private func read(_ list: String) throws -> [MachineCapture.Item]? {
        guard FileSystem.exists(list) else { return nil }
        let text = String(decoding: try InputFile.contents(of: list, limit: 1 << 16), as: UTF8.self)
        var items: [MachineCapture.Item] = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1)
            guard words.count == 2, let digest = Digest(.sha256, hex: words[0]),
                let bytes = try store.bytes(digest, limit: 1 << 20)
            else { return nil }
            items.append(MachineCapture.Item(name: String(words[1]), bytes: bytes))
        }
        return items.isEmpty ? nil : items
    }

    private static func key(_ capture: MachineCapture, _ build: Digest) -> Digest {
        let facts = [
            "capture 1", build.hex, hexadecimal(capture.mmconfig), capture.mmio64.map { hexadecimal($0) } ?? "none",
            String(capture.firmwareSize),
        ]
        return .of(Array((facts + capture.arguments).joined(separator: "\0").utf8), .sha256)
    }
}
