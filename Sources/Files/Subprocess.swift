private import CShims
internal import Glibc

/// A host program run to its end: its words are an argument list, never a shell line.
public struct Subprocess: Sendable {
    /// What a program left behind.
    public struct Result: Sendable {
        /// Exit code; 128 + n when signal n ended it.
        public var status: Int32
        public var output: [UInt8]
        public var errors: [UInt8]

        /// Standard error as text.
        public var errorText: String { String(decoding: errors, as: UTF8.self) }
        /// Standard output as text.
        public var outputText: String { String(decoding: output, as: UTF8.self) }
    }

    public var program: String
    public var arguments: [String]
    /// The whole environment of the program; nil leaves it PATH and HOME.
    public var environment: [String: String]
    public var directory: String?

    public init(
        _ program: String, _ arguments: [String], environment: [String: String] = [:], directory: String? = nil
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.directory = directory
    }

    /// The full path of `program` on PATH, or where administrators' tools are, which is not on everybody's PATH; nil if it
    /// is not installed.
    public static func find(_ program: String) -> String? {
        if program.contains("/") { return unsafe access(program, X_OK) == 0 ? program : nil }
        let path = FileSystem.environment("PATH") ?? "/usr/bin:/bin"
        let folders: [String] = path.split(separator: ":").map { String($0) }
        for folder in folders + ["/usr/sbin", "/sbin"] {
            let candidate = "\(folder)/\(program)"
            if unsafe access(candidate, X_OK) == 0 { return candidate }
        }
        return nil
    }

    /// Runs the program with `input` on its standard input and gathers what it prints, up to `limit` bytes a stream.
    public func run(input: [UInt8] = [], limit: Int = 256 << 20) throws(FileError) -> Result {
        guard let path = Self.find(program) else {
            throw FileError.notInstalled(program)
        }
        // Output goes to unlinked temporary files: no pipe can fill up and stop us both.
        let stdin = try Self.scratch(input)
        let stdout = try Self.scratch([])
        let stderr = try Self.scratch([])
        defer {
            close(stdin)
            close(stdout)
            close(stderr)
        }
        let child = try spawn(path, stdin: stdin, stdout: stdout, stderr: stderr)
        var status: Int32 = 0
        try checked("wait for", program) { unsafe waitpid(child, &status, 0) }
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return Result(
            status: code, output: try Self.contents(stdout, limit, program),
            errors: try Self.contents(stderr, limit, program))
    }

    func spawn(_ path: String, stdin: Int32, stdout: Int32, stderr: Int32) throws(FileError) -> Int32 {
        var actions = unsafe posix_spawn_file_actions_t()
        unsafe posix_spawn_file_actions_init(&actions)
        defer { unsafe posix_spawn_file_actions_destroy(&actions) }
        for (from, to) in [(stdin, Int32(0)), (stdout, Int32(1)), (stderr, Int32(2))] {
            unsafe posix_spawn_file_actions_adddup2(&actions, from, to)
        }
        if let directory { unsafe _ = assay_spawn_in(&actions, directory) }
        var variables = environment
        for name in ["PATH", "HOME", "TMPDIR"] where variables[name] == nil {
            variables[name] = FileSystem.environment(name)
        }
        var pid: pid_t = 0
        let words = [program] + arguments
        let settings = variables.map { "\($0.key)=\($0.value)" }.sorted()
        let code = unsafe withCStrings(words) { argv in
            unsafe withCStrings(settings) { envp in
                unsafe posix_spawn(&pid, path, &actions, nil, argv, envp)
            }
        }
        guard code == 0 else { throw FileError("run", program, code: code) }
        return pid
    }

    static func scratch(_ contents: [UInt8]) throws(FileError) -> Int32 {
        let descriptor = try checked("create", "anonymous file") { assay_anonymous_file() }
        var done = 0
        while done < contents.count {
            done += try checked("write", "anonymous file") {
                unsafe contents.withUnsafeBytes {
                    unsafe pwrite(descriptor, $0.baseAddress.map { unsafe $0 + done }, $0.count - done, off_t(done))
                }
            }
        }
        return descriptor
    }

    static func contents(_ descriptor: Int32, _ limit: Int, _ program: String) throws(FileError) -> [UInt8] {
        var status = stat()
        try checked("examine", program) { unsafe fstat(descriptor, &status) }
        guard status.st_size <= limit else {
            throw FileError("run", program, reason: "printed more than \(limit) bytes")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var done = 0
        while done < bytes.count {
            let total = bytes.count
            let got = try checked("read", program) {
                unsafe bytes.withUnsafeMutableBytes {
                    unsafe pread(descriptor, $0.baseAddress.map { unsafe $0 + done }, total - done, off_t(done))
                }
            }
            if got == 0 { break }
            done += got
        }
        return bytes
    }
}

/// Gives `body` a NULL-terminated vector of C strings.
private func withCStrings<Result>(
    _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
    let pointers = unsafe strings.map { unsafe strdup($0) } + [nil]
    defer { unsafe pointers.forEach { unsafe free($0) } }
    var copy = unsafe pointers
    return unsafe copy.withUnsafeMutableBufferPointer { buffer in
        guard let base = buffer.baseAddress else { preconditionFailure("the vector holds its terminator") }
        return unsafe body(base)
    }
}
