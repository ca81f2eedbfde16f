internal import Bytes
internal import Files

/// Asks `gpgv` or `sqv` whose signatures on a message are good.
enum ArchiveSignature {
    /// What a program said.
    struct Verdict {
        /// Fingerprints of the certificates with a good signature, sorted.
        var signers: [String]
        /// Some of them only by keys that have expired since they signed.
        var hasExpired: Bool
    }

    /// The certificates of `keyring` that signed `message`; the array is empty if none did.
    static func signers(of message: ClearSignedText, keyring: [UInt8], source: String) throws -> Verdict {
        let folder = try FileSystem.temporaryDirectory(
            beside: (FileSystem.environment("TMPDIR") ?? "/tmp") + "/assay-signature")
        defer { try? FileSystem.remove(folder) }
        try OutputFile.write(keyring, to: folder + "/keyring")
        try OutputFile.write(message.text, to: folder + "/message")
        try OutputFile.write(message.signature, to: folder + "/signature")
        if Subprocess.find("gpgv") != nil { return try gpgv(folder) }
        guard Subprocess.find("sqv") != nil else {
            throw PackageError(
                source, "its signature cannot be checked: neither gpgv nor sqv is installed", outcome: .environment,
                hint: "install one of them; both come with Debian")
        }
        return try sqv(folder)
    }

    /// gpgv's status lines (GnuPG, doc/DETAILS): after NEWSIG one of GOODSIG and EXPKEYSIG says that the signature is
    /// good, and VALIDSIG names the certificate last. The exit code also counts signatures by keys that we left out.
    private static func gpgv(_ folder: String) throws -> Verdict {
        let result = try Subprocess(
            "gpgv",
            [
                "--homedir", folder, "--status-fd", "1", "--keyring", folder + "/keyring", folder + "/signature",
                folder + "/message",
            ], environment: ["LC_ALL": "C"]
        ).run()
        var good: Set<String> = []
        var expired: Set<String> = []
        var state = ""
        for line in result.outputText.split(separator: "\n") {
            let words = line.split(separator: " ").dropFirst().map { String($0) }
            guard let keyword = words.first else { continue }
            switch keyword {
            case "NEWSIG": state = ""
            case "GOODSIG", "EXPKEYSIG": state = keyword
            case "BADSIG":
                throw PackageError(
                    "InRelease", "has a bad signature by a pinned key (\(words.dropFirst().joined(separator: " ")))",
                    outcome: .no)
            case "VALIDSIG":
                guard let certificate = words.last else { continue }
                if state == "GOODSIG" { good.insert(certificate) }
                if state == "EXPKEYSIG" { expired.insert(certificate) }
            default: continue
            }
        }
        return Verdict(signers: good.union(expired).sorted(), hasExpired: !expired.isSubset(of: good))
    }

    /// sqv prints the certificates with a good signature, one a line, and fails without any.
    private static func sqv(_ folder: String) throws -> Verdict {
        let result = try Subprocess(
            "sqv", ["--keyring", folder + "/keyring", folder + "/signature", folder + "/message"],
            environment: ["LC_ALL": "C"]
        ).run()
        guard result.status == 0 else { return Verdict(signers: [], hasExpired: false) }
        return Verdict(
            signers: result.outputText.split(separator: "\n").map { String($0).uppercased() }.sorted(),
            hasExpired: false)
    }
}
