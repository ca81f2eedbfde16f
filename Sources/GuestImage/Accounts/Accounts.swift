/// The users and groups of an image, and the four files that hold them (passwd(5), group(5), shadow(5), gshadow(5)).
struct Accounts {
    struct User: Hashable {
        var name: String
        var uid: UInt32
        var gid: UInt32
        var comment: String
        var home: String
        var shell: String
        /// What follows the name in /etc/shadow.
        var shadow: String
    }

    struct Group: Hashable {
        var name: String
        var gid: UInt32
        var members: [String] = []
        /// What stands for a password in /etc/gshadow.
        var shadow: String
    }

    private(set) var users: [User] = []
    private(set) var groups: [Group] = []
    /// Days since 1970 at which passwords count as set.
    private let day: Int

    init(epoch: UInt32) { day = Int(epoch) / 86400 }

    /// Takes the accounts that every Debian system starts with, from base-passwd's lists.
    mutating func addMaster(passwd: String, group: String) throws(ImageError) {
        for fields in Self.records(group) {
            guard fields.count == 4, let gid = UInt32(fields[2]) else {
                throw ImageError("group.master", "has the line '\(fields.joined(separator: ":"))', which is no group")
            }
            try add(Group(name: fields[0], gid: gid, shadow: "*"))
        }
        for fields in Self.records(passwd) {
            guard fields.count == 7, let uid = UInt32(fields[2]), let gid = UInt32(fields[3]) else {
                throw ImageError("passwd.master", "has the line '\(fields.joined(separator: ":"))', which is no user")
            }
            try add(
                User(
                    name: fields[0], uid: uid, gid: gid, comment: fields[4], home: fields[5], shell: fields[6],
                    shadow: "*:\(day):0:99999:7:::"))
        }
    }

    private static func records(_ text: String) -> [[String]] {
        text.split(separator: "\n").map { line in
            line.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
        }
    }

    /// Adds a group; one of the name that is there must have the number.
    mutating func addGroup(_ name: String, gid: UInt32) throws(ImageError) {
        if let present = group(name) {
            guard present.gid == gid else {
                throw ImageError("group \(name)", "is to have the number \(gid), and already has \(present.gid)")
            }
            return
        }
        try add(Group(name: name, gid: gid, shadow: "!*"))
    }

    /// Adds a user without a password; a locked account has expired, too.
    mutating func addUser(
        _ name: String, uid: UInt32, gid: UInt32, comment: String, home: String, shell: String, isLocked: Bool
    ) throws(ImageError) {
        try add(
            User(
                name: name, uid: uid, gid: gid, comment: comment, home: home, shell: shell,
                shadow: "!*:\(day):::::\(isLocked ? "1" : ""):"))
    }

    mutating func addMember(_ user: String, of group: String) throws(ImageError) {
        guard self.user(user) != nil else {
            throw ImageError("user \(user)", "is to be in group \(group), but is no user")
        }
        guard let index = groups.firstIndex(where: { $0.name == group }) else {
            throw ImageError("group \(group)", "is to have the member \(user), but is no group")
        }
        if !groups[index].members.contains(user) { groups[index].members.append(user) }
    }

    func user(_ name: String) -> User? { users.first { $0.name == name } }

    func group(_ name: String) -> Group? { groups.first { $0.name == name } }

    private mutating func add(_ group: Group) throws(ImageError) {
        if let other = groups.first(where: { $0.name == group.name || $0.gid == group.gid }) {
            throw ImageError(
                "group \(group.name)", "has the number \(group.gid), as has \(other.name)",
                hint: "give each group a number of its own in 'groups'")
        }
        groups.append(group)
    }

    private mutating func add(_ user: User) throws(ImageError) {
        if let other = users.first(where: { $0.name == user.name || $0.uid == user.uid }) {
            throw ImageError(
                "user \(user.name)", "has the number \(user.uid), as has \(other.name)",
                hint: "give each user a number of its own in 'users'")
        }
        guard groups.contains(where: { $0.gid == user.gid }) else {
            throw ImageError("user \(user.name)", "is in the group with the number \(user.gid), which is none")
        }
        users.append(user)
    }

    // MARK: files

    var passwd: String {
        Self.text(users) { "\($0.name):x:\($0.uid):\($0.gid):\($0.comment):\($0.home):\($0.shell)" }
    }

    var group: String { Self.text(groups) { "\($0.name):x:\($0.gid):\($0.members.joined(separator: ","))" } }

    var shadow: String { Self.text(users) { "\($0.name):\($0.shadow)" } }

    var gshadow: String {
        Self.text(groups) { "\($0.name):\($0.shadow)::\($0.members.joined(separator: ","))" }
    }

    private static func text<Item>(_ items: [Item], _ line: (Item) -> String) -> String {
        items.map { line($0) + "\n" }.joined()
    }
}
