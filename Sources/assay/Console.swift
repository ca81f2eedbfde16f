import Files
import Glibc

/// What people see: data on standard output, everything else on standard error.
enum Console {
    /// Text from input made safe for a terminal: control characters and invisible format characters become `\u{…}`.
    static func escape(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control where scalar != "\n" && scalar != "\t", .format, .surrogate, .lineSeparator,
                .paragraphSeparator:
                result += "\\u{\(String(scalar.value, radix: 16))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    static func error(_ text: String, hint: String? = nil) {
        writeError("assay: error: " + message(text))
        if let hint { writeError("assay: hint: " + message(hint)) }
    }

    static func warning(_ text: String, hint: String? = nil) {
        writeError("assay: warning: " + message(text))
        if let hint { writeError("assay: hint: " + message(hint)) }
    }

    /// A message's text: safe, no line too long to read, and further lines indented, so that a name with a line end in it
    /// cannot begin a message of its own.
    static func message(_ text: String) -> String {
        let lines = escape(text).split(separator: "\n", omittingEmptySubsequences: false).map { shortened(String($0)) }
        return lines.enumerated().map { $0.offset == 0 || $0.element.hasPrefix("  ") ? $0.element : "  " + $0.element }
            .joined(separator: "\n")
    }

    /// The line without its middle if it is very long; the end, which says what was expected, stays.
    private static func shortened(_ line: String) -> String {
        let most = 1200
        guard line.count > most else { return line }
        return "\(line.prefix(most / 2)) … \(line.count - most) more characters … \(line.suffix(most / 2))"
    }

    /// Opens standard descriptors that our caller has closed, so that no file that we open takes their number and gets what
    /// is meant for the terminal. Data that has no place to go stays an error: that one cannot be written to.
    static func fillStandardDescriptors() {
        for (descriptor, mode) in [
            (STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_WRONLY),
        ] where fcntl(descriptor, F_GETFD) == -1 {
            // The lowest free number is taken, and all below this one are in use.
            unsafe _ = open("/dev/null", mode)
        }
    }

    /// Writes out what was printed; false if it did not arrive, as on a full disk.
    static func flush() -> Bool {
        let failed = fflush(nil) != 0
        let code = errno
        guard failed else { return true }
        error(
            "standard output: cannot write: \(unsafe String(cString: strerror(code)))", hint: "the output is not whole")
        return false
    }

    static func writeError(_ text: String) {
        let bytes = Array((text + "\n").utf8)
        unsafe _ = bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    /// Progress lines on standard error, when it is a terminal.
    static var progress: ProgressSink {
        guard isatty(STDERR_FILENO) == 1 else { return { _ in } }
        return { writeError("assay: " + escape($0)) }
    }
}
