private import DiskFormats
private import Packages

extension ScriptRule {
    /// Scripts of tools for administrators.
    static let tools: [ScriptRule] = [
        ScriptRule(
            "cpio", .postinst, "01c8c1d3e914af07df5b98d15432edd3701e7ab828adf3ee5b091a895f7a1879",
            reason: "chooses the program mt",
            alternatives: [Alternative(name: "mt", link: "usr/bin/mt", path: "usr/bin/mt-gnu")]),
        ScriptRule(
            "cryptsetup-bin", .postinst, "e7085a7353eed102ec87c5fca395d41db05f80d9a200ba525933e81a9bca5288",
            reason: "makes a directory in /run, which systemd-tmpfiles does at every start"),
        ScriptRule(
            "e2fsprogs", .preinst, "0ac4873d936cbf6ea2c958b686aa5097f82306e1bd50fa6eff1b95337664dac1",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "e2fsprogs", .postinst, "980c52ee018966b59059456ec76e83b7ff1a5a7f69af6c7b77a441884decee05",
            reason: "rebuilds a local initrd and enables timers for writable disks; 'units' says what an image starts"),
        ScriptRule(
            "gzip", .preinst, "09dbf6d394e92c0c694fd8c17cfcbc198af5072f605dc006205a172293fa977d",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "gzip", .postinst, "cddcb049fa57988f1be16035569af310a7f9cb6bc401dd9c732ee01d956f97d8",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "iproute2", .preinst, "496abfa0a6027dc0e0cda3f4bf6d3d9e5cc5bc43aea3e717626b3c88c3c84610",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "iproute2", .postinst, "2f3e1f7e73979c974a2cdf373b8f2ae345d8f1fa8cfc5d4623ed71887d2c8f53",
            reason: "gives /bin/ip capabilities if debconf says so, and by default it does not"),
        ScriptRule(
            "kmod", .preinst, "528320d2b6af85467c5fd72bd1cab8ea1154cab6ee7bba6575c459bd5126f927",
            reason: "tidies up after an older installed version, which no image has"),
        ScriptRule(
            "kmod", .postinst, "3993124dce901f2dcae630075c9bfae5639e83e20f82b0cbe36eb4d5b4067c53",
            reason: "writes /etc/modules with nothing but comments"),
        ScriptRule(
            "linux-base", .postinst, "e62e67f6bf13c764476911729492cd8147b41864f91cf8d43626a807bc1fe13f",
            reason: "loads questions into debconf's database, which no image has"),
        ScriptRule(
            "nftables", .postinst, "8d154d28b266b68454a603cbf25d0c5231853005a102a2ab753888a12955bb6a",
            reason: "enables a service; 'units' says what an image starts"),
        ScriptRule(
            "tar", .postinst, "4eed7466e8f44c6b480002d80becc0d998c462b759c0118e285170a93f4b3dca",
            reason: "chooses the program rmt",
            alternatives: [Alternative(name: "rmt", link: "usr/sbin/rmt", path: "usr/sbin/rmt-tar")]),
        ScriptRule(
            "xz-utils", .postinst, "a5f4a07edfb37614c3a643f8413ed15bc9bfe321681964fc94726a82391d5841",
            reason: "chooses the programs of the name lzma",
            alternatives: [
                Alternative(name: "lzma", link: "usr/bin/lzma", path: "usr/bin/xz"),
                Alternative(name: "unlzma", link: "usr/bin/unlzma", path: "usr/bin/unxz"),
                Alternative(name: "lzcat", link: "usr/bin/lzcat", path: "usr/bin/xzcat"),
                Alternative(name: "lzmore", link: "usr/bin/lzmore", path: "usr/bin/xzmore"),
                Alternative(name: "lzless", link: "usr/bin/lzless", path: "usr/bin/xzless"),
                Alternative(name: "lzdiff", link: "usr/bin/lzdiff", path: "usr/bin/xzdiff"),
                Alternative(name: "lzcmp", link: "usr/bin/lzcmp", path: "usr/bin/xzcmp"),
                Alternative(name: "lzgrep", link: "usr/bin/lzgrep", path: "usr/bin/xzgrep"),
                Alternative(name: "lzegrep", link: "usr/bin/lzegrep", path: "usr/bin/xzegrep"),
                Alternative(name: "lzfgrep", link: "usr/bin/lzfgrep", path: "usr/bin/xzfgrep"),
            ]),
    ]
}
