private import DiskFormats
private import Packages

extension ScriptRule {
    /// Scripts of packages that make up the base of a Debian system.
    static let base: [ScriptRule] = [
        ScriptRule(
            "base-files", .preinst, "e593a5b0e3be354a3c0c0c0b5905de242da960e50bc0bb6d8f128247f125088a",
            reason: "checks that bin, lib and sbin are links into usr, as they are in every image"),
        ScriptRule(
            "base-files", .postinst, "c3afcbe1aa12e56b62955e75bbf432f21446c4901e66f19468f68351791b08be",
            reason: "makes empty directories, empty logs and dot files of a login shell; what of them an image "
                + "wants is in its definition"),
        ScriptRule(
            "base-passwd", .preinst, "47f6f8ee55faa32f7ff23337772c05bfcc7c01aa0804e1ffeffd71ebff0e21b9",
            reason: "writes accounts that the package's own lists repeat"),
        ScriptRule(
            "base-passwd", .postinst, "1cff0ea9b8dd12bcb4f6da505bdbd225c905df423f89f4a1be871667ab40c7c6",
            reason: "copies the accounts of the package's lists",
            makes: ["etc/passwd", "etc/group"]),
        ScriptRule(
            "bash", .postinst, "6d1b5aafa381703582cefe6ba5e4b7b0cfa7f10b0b0a9b299361c4afd5172a21",
            reason: "links a manual page, and sh where nothing else is sh"),
        ScriptRule(
            "ca-certificates", .postinst, "bbad2df5d3c5e3d787789275830bc5b597fe6e9218a99516947a079dcae9e262",
            reason: "collects the certificates into one file and links each by its name's hash",
            makes: ["etc/ssl/certs/ca-certificates.crt"]),
        ScriptRule(
            "dash", .preinst, "07dfa54d9a3f59a86e1e04705ceaa2596a05fc00a08bb964792dc8e8dc517108",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "dash", .postinst, "7f90d7fdae7590c8ccbe36e8cca03909441afcf95c3e966b67a8097981b23c52",
            reason: "minds diversions of /bin/sh, of which a fresh tree has none; the package ships sh itself"),
        ScriptRule(
            "debconf", .postinst, "5a2e9dd3174db7116b8baca7479df372bc898a04cf9136ebefca3c98de959f3c",
            reason: "loads answers into debconf's database, which no image has"),
        ScriptRule(
            "debian-archive-keyring", .preinst, "50a32cd821b7355a098bc93b7c336f1d6ecc58453e7c8a7b83a7fe0782c4f257",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "debian-archive-keyring", .postinst, "cc68ada3c2373196f47756341237d59b7dc6929627adeaeaf4ac5ba39349cc37",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "debianutils", .postinst, "d15926d4a2130c02b368e2a609fbeb563455355e717007937e36893f88668eff",
            reason: "lists the login shells and chooses the program 'which'",
            makes: ["etc/shells"],
            alternatives: [Alternative(name: "which", link: "usr/bin/which", path: "usr/bin/which.debianutils")],
            defaults: [Default(path: "etc/shells", source: .copy("usr/share/debianutils/shells"))]),
        ScriptRule(
            "dpkg", .postinst, "46dccfe29646a5cd280aefcb889c78fe64246dd7a9cc8f0303d4c317a95c585b",
            reason: "starts the package manager's database; nothing is installed in a running image"),
        ScriptRule(
            "init-system-helpers", .postinst, "22b1db010859db57c9bbc2ff275774375204043884a79f9b55368b21a7d46006",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "login", .preinst, "d5ffa198cd5179281833da9ac72160c45c979644c111e90f9062ed7b4aa9fdd3",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "login", .postinst, "d5ffa198cd5179281833da9ac72160c45c979644c111e90f9062ed7b4aa9fdd3",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "login.defs", .postinst, "b6a6ee46fff116770120ec86c39a1c2bdf3485699d4213c47596327d57a65d0a",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "mawk", .postinst, "216a91194494d22d4f72f5fd96e5b8c0649dee5c81dbaea342c7bb24f365a766",
            reason: "chooses the programs awk and nawk",
            alternatives: [
                Alternative(name: "awk", link: "usr/bin/awk", path: "usr/bin/mawk"),
                Alternative(name: "nawk", link: "usr/bin/nawk", path: "usr/bin/mawk"),
            ]),
        ScriptRule(
            "netbase", .postinst, "f1f034ca93a9e934b934239acb18d12904d1a20c5b5dd74730af30dbd480585c",
            reason: "writes the names of the local machine",
            makes: ["etc/hosts", "etc/networks"],
            defaults: [
                Default(path: "etc/hosts", source: .text(hosts)),
                Default(path: "etc/networks", source: .text(networks)),
            ]),
        ScriptRule(
            "openssl", .postinst, "625ae8f649ec61f00e1ab53568a84f85f964f10fdbd9f25b800cc229205d1714",
            reason: "links /usr/lib/ssl, which the package ships as a directory"),
        ScriptRule(
            "passwd", .preinst, "dbca5850b8a06014e88ecf7b5c6441c0065d5383350c92fcaf6bb6842dadffdb",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "passwd", .postinst, "01d0ce8ac3b7cd30e42d588bddf13c3cede1c6c696550295bc83922a32938630",
            reason: "moves passwords out of /etc/passwd, which never holds one here",
            makes: ["etc/shadow", "etc/gshadow"]),
        ScriptRule(
            "procps", .preinst, "3d69d7fd74d7664abb374aafc016a06e433c1931e7b0813db95361c9926b954d",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "procps", .postinst, "0f97b851e74c3ddff77d5f22698bafc46ba773ab38ee873b3c978b35a97b637a",
            reason: "sets kernel parameters of the running machine"),
        ScriptRule(
            "readline-common", .postinst, "94506bc8b626670c34c3f328df3615033b8520e4b686e3a9e74814bf0219aee1",
            reason: "copies key bindings of an interactive shell"),
        ScriptRule(
            "tzdata", .postinst, "555ed6cfc95b70d0e209ffcbfbcef31670cf50bea5e9ff686f6f9c456acb0f46",
            reason: "sets the time zone",
            makes: ["etc/localtime"],
            defaults: [Default(path: "etc/localtime", source: .link("/usr/share/zoneinfo/Etc/UTC"))]),
        ScriptRule(
            "usr-is-merged", .preinst, "b327a839b8b0b674b51caf9bfa53261ced58af420439dc94120330f5e2a6994a",
            reason: "checks that bin, lib and sbin are links into usr, as they are in every image"),
        ScriptRule(
            "usr-is-merged", .postinst, "da90a5ff269ea58f1aa8f06a92ac37ab7f42d28787e4a7017992f67fcf48518b",
            reason: "tidies up after an older installed version, which no image has"),
    ]

    private static let hosts = """
        127.0.0.1\tlocalhost
        ::1\t\tlocalhost ip6-localhost ip6-loopback
        ff02::1\t\tip6-allnodes
        ff02::2\t\tip6-allrouters

        """

    private static let networks = """
        default\t\t0.0.0.0
        loopback\t127.0.0.0
        link-local\t169.254.0.0

        """
}
