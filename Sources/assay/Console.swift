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
        writeError("assay: error: " + escape(text))
        if let hint { writeError("assay: hint: " + escape(hint)) }
    }

    static func warning(_ text: String, hint: String? = nil) {
        writeError("assay: warning: " + escape(text))
        if let hint { writeError("assay: hint: " + escape(hint)) }
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
