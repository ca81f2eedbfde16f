/// Numbers of system users and groups that packages ask for without saying which.
///
/// A running system takes the next free one, so a package more shifts the others. Here each has a number for good; a
/// definition may give another. They lie where Debian leaves numbers to be taken at the installation (Debian Policy 4.7,
/// §9.2.2: 100 to 999), from the end as systemd-sysusers does.
enum AccountNumbers {
    static let table: [String: UInt32] = [
        "input": 995, "sgx": 994, "clock": 987, "kvm": 993, "render": 992, "messagebus": 991, "systemd-journal": 999,
        "systemd-network": 998, "systemd-resolve": 996, "systemd-timesync": 997, "systemd-coredump": 990,
        "systemd-oom": 989, "systemd-journal-remote": 988, "polkitd": 986, "sshd": 985, "_chrony": 984, "dnsmasq": 983,
    ]
}
