import TestSupport

/// A .deb put together by hand (deb(5)).
struct DebBytes {
    var members: [(name: String, bytes: [UInt8])] = []

    /// A package with these data members; `scripts` go beside `control`.
    init(
        _ name: String = "demo", version: String = "1.0-1", control: [UInt8]? = nil,
        scripts: [(name: String, text: String)] = [], data: (inout TarBytes) -> Void
    ) {
        var controlTar = TarBytes()
        let text = "Package: \(name)\nVersion: \(version)\nArchitecture: all\nDescription: demo\n more\n"
        controlTar.add(Array("./control".utf8), contents: control ?? Array(text.utf8))
        for script in scripts { controlTar.add(Array(script.name.utf8), contents: Array(script.text.utf8)) }
        var dataTar = TarBytes()
        data(&dataTar)
        members = [
            ("debian-binary", Array("2.0\n".utf8)), ("control.tar", controlTar.closed), ("data.tar", dataTar.closed),
        ]
    }

    var bytes: [UInt8] {
        var result = Array("!<arch>\n".utf8)
        for (name, bytes) in members {
            result += Self.header(name, bytes.count) + bytes
            if !bytes.count.isMultiple(of: 2) { result.append(0x0A) }
        }
        return result
    }

    static func header(_ name: String, _ count: Int) -> [UInt8] {
        func field(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.utf8.count))
        }
        return Array(
            (field(name, 16) + field("0", 12) + field("0", 6) + field("0", 6) + field("100644", 8)
                + field(String(count), 10) + "`\n").utf8)
    }
}
