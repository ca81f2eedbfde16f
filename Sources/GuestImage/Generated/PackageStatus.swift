internal import Packages

/// /var/lib/dpkg/status as a root with these packages installed would have it: what scanners for known weaknesses read.
enum PackageStatus {
    /// A stanza a package, sorted by name.
    static func text(of packages: [ControlStanza]) -> String {
        packages.sorted { ($0["Package"] ?? "") < ($1["Package"] ?? "") }.map { stanza in
            var lines: [String] = []
            for field in stanza.fields {
                // Continuation lines start with a blank.
                lines.append("\(field.name): \(field.value)".split(separator: "\n").joined(separator: "\n "))
                if field.name.lowercased() == "package" { lines.append("Status: install ok installed") }
            }
            return lines.map { $0 + "\n" }.joined()
        }.joined(separator: "\n")
    }
}
