private import DiskFormats
private import Packages

extension ScriptRule {
    /// Scripts of systemd, its services and those that run beside it.
    static let systemd: [ScriptRule] = [
        ScriptRule(
            "dbus", .preinst, "c7a21cc2607a25487fb415afd463312db7b7a7e914fb7433132b7e4b2453b117",
            reason: "minds an init script of an older installation"),
        ScriptRule(
            "dbus", .postinst, "aac45049fab890376b74a0bf8c4f630738885146741d6f53f76dd5d35d1f1520",
            reason: "lets the bus start services as root through a setuid program, of no use where systemd starts them"),
        ScriptRule(
            "dbus-daemon", .postinst, "b0841c31c2612f798d08d67d1836e2beb77e4be269c11386a39474b788a4663e",
            reason: "makes a random machine identifier, which the machine does for itself, and directories that "
                + "systemd-tmpfiles makes at every start"),
        ScriptRule(
            "dbus-system-bus-common", .postinst, "c30ab546878ab542cd2e7087412f3ee7b99a051933439e659ab829ff776f55ca",
            reason: "adds the user messagebus by its list for systemd-sysusers"),
        ScriptRule(
            "systemd", .preinst, "bcf12d1b4fa4b7a22e9ab7db0fd273839c35036576946158a996887da96b080e",
            reason: "checks that bin, lib and sbin are links into usr, as they are in every image"),
        ScriptRule(
            "systemd", .postinst, "7a95419baad7f5e6cfa7a422ae8965e67a5b25f9c74fa6cb6596090c1c236793",
            reason: "enables three units, makes a machine identifier, adds users by its lists for "
                + "systemd-sysusers, builds the message catalogue and makes directories that systemd-tmpfiles "
                + "makes at every start; 'units' says what an image starts, and the catalogue is left out",
            makes: ["etc/machine-id"],
            defaults: [Default(path: "etc/machine-id", source: .text(""), mode: 0o444)]),
        ScriptRule(
            "systemd-resolved", .postinst, "c0f321bb918f882f25988086e7cfec249e7404c30403cf7aa7d853b75d6a9189",
            reason: "points /etc/resolv.conf at the resolver, adds its user by its list for systemd-sysusers and "
                + "enables the service; 'units' says what an image starts",
            makes: ["etc/resolv.conf"],
            defaults: [Default(path: "etc/resolv.conf", source: .link("../run/systemd/resolve/stub-resolv.conf"))]),
        ScriptRule(
            "systemd-sysv", .postinst, "062974408bce7a95f468fa523bcf7f3d6360fff31ed3b581125bdc4d0f648d4a",
            reason: "restores links that the package ships, and tells a boot loader that no image has"),
        ScriptRule(
            "udev", .preinst, "33156ebba3feb7eb48501cf402a6a147ac1c988bf03de0bed80f0b1d13010309",
            reason: "checks that bin, lib and sbin are links into usr, as they are in every image"),
        ScriptRule(
            "udev", .postinst, "a5d6ce477b89eb9a79a3c1230b24bf6723c66a9820ec4b2d174a12660ee29efd",
            reason: "builds the hardware database, which is left out, adds groups by its list for "
                + "systemd-sysusers and sets modes that systemd-tmpfiles sets at every start"),
        ScriptRule(
            "util-linux", .postinst, "d781477cac1b221378593aaacc180228b91cc8e17196a6f898e141b48dbd3109",
            reason:
                "chooses the program pager and enables a timer for writable disks; 'units' says what an image starts",
            alternatives: [Alternative(name: "pager", link: "usr/bin/pager", path: "usr/bin/more")]),
    ]
}
