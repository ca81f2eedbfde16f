internal import DiskFormats

/// Makes /etc/passwd, /etc/group, /etc/shadow and /etc/gshadow: base-passwd's lists, what packages ask for in
/// sysusers.d, and what the definition adds.
struct AccountFiles {
    let setup: RootSetup
    let epoch: UInt32

    private static let folders: [FileTree.Path] = ["etc/sysusers.d", "usr/lib/sysusers.d"]

    /// Adds the files to `tree`; base-passwd's lists are read from `packages`, where nothing is left out.
    func add(to tree: inout FileTree, packages: FileTree) throws {
        var accounts = Accounts(epoch: epoch)
        try accounts.addMaster(
            passwd: packages.text("usr/share/base-passwd/passwd.master"),
            group: packages.text("usr/share/base-passwd/group.master"))
        // Definitions count first: what they number is there when a package asks for it.
        for group in setup.groups where accounts.group(group.name) == nil {
            guard let gid = group.gid else {
                throw ImageError("group \(group.name)", "is no group yet and has no number", hint: "give it a 'gid'")
            }
            try accounts.addGroup(group.name, gid: gid)
        }
        let lines = try Self.lines(of: tree)
        for line in lines { try add(line, to: &accounts) }
        for user in setup.users where accounts.user(user.name) == nil { try add(user, to: &accounts) }
        for case .member(let user, let group) in lines { try accounts.addMember(user, of: group) }
        for group in setup.groups {
            for member in group.members { try accounts.addMember(member, of: group.name) }
        }
        try check(accounts)
        let shadowGroup = accounts.group("shadow")?.gid ?? 0
        for (name, text, mode, gid) in [
            ("passwd", accounts.passwd, 0o644, 0), ("group", accounts.group, 0o644, 0),
            ("shadow", accounts.shadow, 0o640, shadowGroup), ("gshadow", accounts.gshadow, 0o640, shadowGroup),
        ] as [(String, String, UInt16, UInt32)] {
            tree.addDefault(FileTree.Path("etc/\(name)"), text, mode: mode, gid: gid, epoch: epoch)
        }
    }

    /// Requires that what the definition says of accounts came true.
    private func check(_ accounts: Accounts) throws(ImageError) {
        for user in setup.users {
            guard let made = accounts.user(user.name), made.uid == user.uid, user.gid ?? made.gid == made.gid else {
                throw ImageError(
                    "user \(user.name)", "is in every Debian system with other numbers",
                    hint: "leave it out of 'users', or choose another name")
            }
        }
        for group in setup.groups {
            guard group.gid ?? accounts.group(group.name)?.gid == accounts.group(group.name)?.gid else {
                throw ImageError(
                    "group \(group.name)", "is in every Debian system with another number",
                    hint: "leave its 'gid' out, or choose another name")
            }
        }
    }

    /// All lines of the tree's files: of two of one name that in /etc counts, and an empty one says nothing.
    private static func lines(of tree: FileTree) throws -> [SystemUsersFile.Line] {
        var files: [[UInt8]: FileTree.Path] = [:]
        for (path, entry) in tree.sorted where folders.contains(path.parent) && path.hasSuffix(".conf") {
            if entry.kind == .directory || path.parent == folders[1] && files[path.name] != nil { continue }
            files[path.name] = path
        }
        var result: [SystemUsersFile.Line] = []
        for (_, path) in files.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
            if case .symlink(let target)? = tree[path]?.kind, target == Array("/dev/null".utf8) { continue }
            result += try SystemUsersFile(tree.text(path), source: path.description).lines
        }
        return result
    }

    private func add(_ line: SystemUsersFile.Line, to accounts: inout Accounts) throws(ImageError) {
        switch line {
        case .member: break
        case .group(let name, let number):
            if accounts.group(name) == nil {
                try accounts.addGroup(name, gid: try self.number(of: "group", name, number, pinned: nil))
            }
        case .user(let wanted):
            guard accounts.user(wanted.name) == nil else { return }
            let own = setup.users.first { $0.name == wanted.name }
            let uid = try number(of: "user", wanted.name, wanted.number, pinned: own?.uid)
            let gid = try group(of: wanted, uid: uid, own, &accounts)
            try accounts.addUser(
                wanted.name, uid: uid, gid: gid, comment: own?.comment ?? wanted.comment,
                home: own?.home ?? wanted.home,
                shell: own?.shell ?? wanted.shell, isLocked: wanted.isLocked)
        }
    }

    private func add(_ user: UserRequest, to accounts: inout Accounts) throws(ImageError) {
        let gid = user.gid ?? accounts.group(user.name)?.gid ?? user.uid
        if user.gid == nil { try accounts.addGroup(user.name, gid: gid) }
        try accounts.addUser(
            user.name, uid: user.uid, gid: gid, comment: user.comment ?? "", home: user.home ?? "/",
            shell: user.shell ?? "/usr/sbin/nologin", isLocked: true)
    }

    private func group(
        of user: SystemUsersFile.User, uid: UInt32, _ own: UserRequest?, _ accounts: inout Accounts
    ) throws(ImageError) -> UInt32 {
        if let gid = own?.gid { return gid }
        if case .pair(_, let group) = user.number {
            guard let gid = UInt32(group) ?? accounts.group(group)?.gid else {
                throw ImageError("user \(user.name)", "is to be in group \(group), which is none")
            }
            return gid
        }
        if let present = accounts.group(user.name) { return present.gid }
        try accounts.addGroup(user.name, gid: uid)
        return uid
    }

    private func number(
        of kind: String, _ name: String, _ wanted: SystemUsersFile.Number, pinned: UInt32?
    ) throws(ImageError) -> UInt32 {
        switch wanted {
        case .same(let number), .pair(let number, _): return number
        case .unset, .path:
            guard let number = pinned ?? AccountNumbers.table[name] else {
                throw ImageError(
                    "\(kind) \(name)", "is asked for by a package without a number, and would get the next free one",
                    hint: "pin it: 'root: \(kind)s: [{name: \(name), \(kind.prefix(1))id: …}]'")
            }
            return number
        }
    }
}
