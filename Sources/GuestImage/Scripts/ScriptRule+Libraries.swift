private import DiskFormats
private import Packages

extension ScriptRule {
    /// Scripts of libraries.
    static let libraries: [ScriptRule] = [
        ScriptRule(
            "libc-bin", .postinst, "3daa7e3ffd429c1d77287f0fc840a490a607697906d2303452f70578647ce0d4",
            reason: "copies nsswitch.conf and writes the loader's cache",
            makes: ["etc/nsswitch.conf", "etc/ld.so.cache"],
            defaults: [Default(path: "etc/nsswitch.conf", source: .copy("usr/share/libc-bin/nsswitch.conf"))]),
        ScriptRule(
            "libc6", .preinst, "964a417b9c330f80213fe8aebb1f44eaea307203962aecb0de493742583bb454",
            reason: "checks the running kernel and asks about services of an older installation; the links into "
                + "usr are in every image"),
        ScriptRule(
            "libc6", .postinst, "ff2a3a7a0e74ceac331ca5ad22e7ef57c974a7b891a9b1e7f3def4377ec6f1b5",
            reason: "restarts services of an older installation"),
        ScriptRule(
            "libext2fs2t64", .preinst, "d4f15fdebd561ca78379311cbb12a4fbffcda2286c7b6da3e96652d927619061",
            reason: "minds files of a lib directory outside usr, which no image has"),
        ScriptRule(
            "libgcrypt20", .postinst, "b8ccd8524c389b644c072df2e66b376ec243c8c9159b9b6be66136f94be9a687",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "libgssapi-krb5-2", .postinst, "e4281cab5316aa28177447f8c8c5ee6e17cfdcad3edca77c81fc77670fe0a5f4",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "libpam-modules", .preinst, "87c5a9bcde481ad65bb699df2693b69756622e6d0a6592b2f2d5d881b97e0580",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "libpam-modules", .postinst, "ddf77f362eeeb9720f05fa59cc2583aeda90a25ec721dd6807e0eda568ce84d1",
            reason: "makes an empty list of old passwords"),
        ScriptRule(
            "libpam-modules-bin", .postinst, "d772cad158818805843cc24d0c7d2753886f774efc9e52f57e603dfcdca2ff9b",
            reason: "starts a service in a running machine; 'units' says what an image starts"),
        ScriptRule(
            "libpam-runtime", .postinst, "df5d1ba9ea9787e230eee0a0a8feaee02265cc30485b6bd9f6828bbedb4eb401",
            reason: "joins the profiles of PAM modules",
            makes: [
                "etc/pam.d/common-account", "etc/pam.d/common-auth", "etc/pam.d/common-password",
                "etc/pam.d/common-session", "etc/pam.d/common-session-noninteractive",
            ]),
        ScriptRule(
            "libpam-systemd", .postinst, "943223c64afa4b0047dbcf4b9f869da7ce4a852afa41407d3110cb4c3a6fcc46",
            reason: "joins the profiles of PAM modules; the definition has the files of /etc/pam.d that an image needs"),
        ScriptRule(
            "libpam0g", .postinst, "115eb8d446552fa63d3dff297ab1c69c065c44a50f7dd69c34284c8991b589c6",
            reason: "restarts services of an older installation"),
        ScriptRule(
            "libreadline8t64", .preinst, "3e80595cce09408210cd772572b7ebcfba3d04f21a882bd6863b9eac27eba75b",
            reason: "minds files of a lib directory outside usr, which no image has"),
        ScriptRule(
            "libselinux1", .postinst, "d12ce1c34fbc5460fd38659e871fb0018db5f6114d4a7ef4556b017c823c61b4",
            reason: "makes a directory in /run, which systemd-tmpfiles does at every start"),
        ScriptRule(
            "libtirpc3t64", .preinst, "0252da96594e343918cea054ce582e33a6db98c60ae15984ccfb25ec9d0c460f",
            reason: "minds files of a lib directory outside usr, which no image has"),
    ]
}
