internal import Documents

/// A user that a definition wants, or the numbers of one that a package asks for: `root.users`.
public struct UserRequest: Sendable, Hashable {
    public var name: String
    public var uid: UInt32
    /// The number of its group; the user's own number, for a group of its own name, if there is none.
    public var gid: UInt32?
    public var comment: String?
    public var home: String?
    public var shell: String?
}

/// A group that a definition wants, the number of one that a package asks for, or further members: `root.groups`.
public struct GroupRequest: Sendable, Hashable {
    public var name: String
    public var gid: UInt32?
    public var members: [String]
}

/// Numbers of accounts; the highest means "none" to system calls.
private let numbers = 0...Int(UInt32.max) - 1

extension UserRequest {
    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        name = try decoder.accountName("name")
        uid = UInt32(try decoder.integer("uid", in: numbers))
        gid = try decoder.optionalInteger("gid", in: numbers).map { UInt32($0) }
        comment = try decoder.accountField("comment")
        home = try decoder.accountField("home")
        shell = try decoder.accountField("shell")
        try decoder.finish()
    }

    var document: Value {
        var members: [(String, Value)] = [("name", .string(name)), ("uid", .count(Int(uid)))]
        if let gid { members.append(("gid", .count(Int(gid)))) }
        for (key, value) in [("comment", comment), ("home", home), ("shell", shell)] {
            if let value { members.append((key, .string(value))) }
        }
        return .object(members)
    }

    static let schema = JSONSchema.object(
        [
            ("name", .accountName), ("uid", .integer(numbers)),
            ("gid", .integer(numbers, description: "A group of the user's name and number if not given.")),
            ("comment", .accountField), ("home", .accountField), ("shell", .accountField),
        ], optional: ["gid", "comment", "home", "shell"])
}

extension GroupRequest {
    init(_ decoder: ObjectDecoder) throws(DocumentError) {
        var decoder = decoder
        name = try decoder.accountName("name")
        gid = try decoder.optionalInteger("gid", in: numbers).map { UInt32($0) }
        members = []
        for (node, path) in try decoder.optionalList("members") {
            let member = try ObjectDecoder.string(node, path: path)
            guard isAccountName(member) else {
                throw DocumentError(node.location, path: path, "found '\(member)', expected \(accountNameForm)")
            }
            members.append(member)
        }
        try decoder.finish()
    }

    var document: Value {
        .object(
            [("name", .string(name))] + (gid.map { [("gid", .count(Int($0)))] } ?? [])
                + (members.isEmpty ? [] : [("members", .strings(members))]))
    }

    static let schema = JSONSchema.object(
        [("name", .accountName), ("gid", .integer(numbers)), ("members", .list(.accountName))],
        optional: ["gid", "members"])
}

private let accountNameForm = "a name of at most 31 lower-case letters, digits, '_' and '-'"

private func isAccountName(_ text: String) -> Bool {
    guard let first = text.utf8.first, text.utf8.count <= 31 else { return false }
    let isLetter: (UInt8) -> Bool = { (0x61...0x7A).contains($0) || $0 == UInt8(ascii: "_") }
    return isLetter(first)
        && text.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
}

extension ObjectDecoder {
    fileprivate mutating func accountName(_ key: String) throws(DocumentError) -> String {
        let text = try string(key)
        guard isAccountName(text) else { throw error(key, "found '\(text)', expected \(accountNameForm)") }
        return text
    }

    /// A field of /etc/passwd: no colon, no control characters.
    fileprivate mutating func accountField(_ key: String) throws(DocumentError) -> String? {
        guard let text = try optionalString(key) else { return nil }
        guard text.utf8.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: ":") }) else {
            throw error(key, "found '\(text)', expected printable ASCII without ':'")
        }
        return text
    }
}

extension JSONSchema {
    fileprivate static let accountName = text(pattern: "^[a-z_][a-z0-9_-]{0,30}$")
    fileprivate static let accountField = text(pattern: "^[ -9;-~]*$")
}
