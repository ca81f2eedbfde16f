/// The variables of GRUB while it runs a configuration, as far as they follow from it.
struct GRUBEnvironment {
    private var values: [String: String]
    private var exported: Set<String> = ["root", "prefix", "grub_cpu", "grub_platform"]

    /// Variables that GRUB 2.12 for x86-64 EFI sets itself, to `y`.
    private static let features = [
        "chainloader_bpb", "ntldr", "platform_search_hint", "default_font_path", "all_video_module", "menuentry_id",
        "menuentry_options", "200_final", "nativedisk_cmd", "timeout_style",
    ].map { "feature_" + $0 }

    /// Variables that make GRUB read files, check signatures or ask for passwords.
    private static let refused: Set<String> = [
        "lang", "locale_dir", "secondary_locale_dir", "theme", "check_signatures", "superusers", "tpm_fail_fatal",
        "debug",
        "enable_progress_indicator",
    ]

    /// - Parameter device: GRUB's name of the partition that it started from, e.g. `hd0,gpt1`.
    init(device: String, prefix: String) {
        values = ["root": device, "prefix": "(\(device))\(prefix)", "grub_cpu": "x86_64", "grub_platform": "efi"]
        for name in Self.features { values[name] = "y" }
        exported.formUnion(Self.features)
    }

    /// A variable's value; nil if nothing here says what it is.
    subscript(name: String) -> String? { values[name] }

    /// Sets a variable. False: what follows from it is not known.
    mutating func set(_ name: String, _ value: String) -> Bool {
        guard !Self.refused.contains(name), !name.hasPrefix("net_"), !name.hasPrefix("pxe_"),
            !name.hasPrefix("feature_")
        else { return false }
        // GRUB takes the parentheses of a device away.
        if name == "root", value.hasPrefix("("), value.hasSuffix(")") {
            values[name] = String(value.dropFirst().dropLast())
        } else {
            values[name] = value
        }
        return true
    }

    /// A variable that is unset is empty, as the configuration knows.
    mutating func unset(_ name: String) { values[name] = "" }

    mutating func export(_ name: String) { exported.insert(name) }

    /// The menu takes the default away before an entry runs (seen with 2.12), and changes what it keeps of its own.
    mutating func enterEntry() {
        values["default"] = ""
        for name in ["timeout", "chosen", "fallback"] { values[name] = nil }
    }

    /// What `configfile` passes on: exported variables alone; nothing is known of the others.
    mutating func dropOwn() { values = values.filter { exported.contains($0.key) } }

    /// Words as GRUB passes them to a command: variables without quotes fall apart at blanks, and an empty one is no word.
    func expand(_ command: GRUBScript.Command, of script: GRUBScript) throws(GRUBNotComputed) -> [String] {
        var words: [String] = []
        for parts in command.words {
            var current: String?
            for part in parts {
                switch part {
                case .text(let text):
                    // A pattern stands for files that match it; the command of this name is none.
                    if text.contains(where: { "*?[".contains($0) }), !(text == "[" && parts.count == 1) {
                        throw script.stop("'\(text)' may stand for names of files", at: command.line)
                    }
                    current = (current ?? "") + text
                case .quoted(let text): current = (current ?? "") + text
                case .variable(let name, let isQuoted):
                    guard let value = values[name] else {
                        throw script.stop("the variable '\(name)' is not set by the configuration", at: command.line)
                    }
                    guard !isQuoted else {
                        current = (current ?? "") + value
                        continue
                    }
                    guard !value.isEmpty else { continue }
                    let pieces = value.split(omittingEmptySubsequences: true) { $0 == " " || $0 == "\t" || $0 == "\n" }
                    guard value.first?.isWhitespace == false, value.last?.isWhitespace == false,
                        !value.contains(where: { "*?[\\".contains($0) })
                    else { throw script.stop("the value of '\(name)' needs quotes", at: command.line) }
                    for (index, piece) in pieces.enumerated() {
                        if index > 0, let word = current {
                            words.append(word)
                            current = nil
                        }
                        current = (current ?? "") + piece
                    }
                }
            }
            if let current { words.append(current) }
        }
        return words
    }
}
