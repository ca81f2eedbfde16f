internal import Documents

/// A kernel parameter and its value, as sysctl.d(5) writes them: `root.sysctl`.
public struct KernelParameter: Sendable, Hashable {
    public var name: String
    public var value: String

    private static let form = "a name such as kernel.sysrq or net/ipv4/conf/*/rp_filter"

    /// Every key of the object is a parameter.
    static func all(_ decoder: ObjectDecoder?) throws(DocumentError) -> [KernelParameter] {
        guard var decoder else { return [] }
        var result: [KernelParameter] = []
        for (key, node) in decoder.remainingMembers() {
            let path = decoder.pathOf(key)
            guard isName(key) else { throw DocumentError(node.location, path: path, "expected \(form)") }
            let value: String
            if case .integer(let number) = node.value {
                value = "\(number)"
            } else {
                value = try ObjectDecoder.string(node, path: path)
            }
            guard !value.isEmpty, value.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                throw DocumentError(node.location, path: path, "found '\(value)', expected printable ASCII")
            }
            result.append(KernelParameter(name: key, value: value))
        }
        return result.sorted { $0.name < $1.name }
    }

    private static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first else { return false }
        let isInner: (UInt8) -> Bool = { byte in
            (0x61...0x7A).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "_./*-".utf8.contains(byte)
        }
        return (0x61...0x7A).contains(first | 0x20) && text.utf8.allSatisfy(isInner)
    }

    static let schema = JSONSchema.map(
        .any([.text(pattern: "^[ -~]+$"), .integer(Int(Int32.min)...Int(UInt32.max))]),
        names: .text("A kernel parameter.", pattern: "^[A-Za-z][A-Za-z0-9_./*-]*$"))
}
