private import Bytes
private import CShims
private import Glibc

extension Subprocess {
    /// Runs the program and gives `body` its standard output as it comes, so that its size may be unknown.
    ///
    /// When `body` throws, the program is ended and the error passed on: whoever counts or hashes the bytes decides
    /// how far a program may go. The result holds the exit code and standard error.
    ///
    /// - Parameter input: what the program reads from standard input.
    public func stream(input: [UInt8] = [], limit: Int = 1 << 20, _ body: (RawSpan) throws -> Void) throws -> Result {
        guard let path = Self.find(program) else {
            throw FileError.notInstalled(program)
        }
        let stdin = try Self.scratch(input)
        defer { close(stdin) }
        let stderr = try Self.scratch([])
        defer { close(stderr) }
        var ends: [Int32] = [-1, -1]
        try checked("open a pipe to", program) {
            unsafe ends.withUnsafeMutableBufferPointer { unsafe assay_pipe($0.baseAddress) }
        }
        defer { close(ends[0]) }
        let child: Int32
        do {
            defer { close(ends[1]) }
            child = try spawn(path, stdin: stdin, stdout: ends[1], stderr: stderr)
        }
        do {
            try Self.forEachPiece(of: ends[0], program, body)
        } catch {
            kill(child, SIGKILL)
            var status: Int32 = 0
            _ = try? checked("wait for", program) { unsafe waitpid(child, &status, 0) }
            throw error
        }
        var status: Int32 = 0
        try checked("wait for", program) { unsafe waitpid(child, &status, 0) }
        let code = status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
        return Result(status: code, output: [], errors: try Self.contents(stderr, limit, program))
    }

    private static func forEachPiece(
        of descriptor: Int32, _ program: String, _ body: (RawSpan) throws -> Void
    ) throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let got = try checked("read from", program) {
                unsafe buffer.withUnsafeMutableBytes { unsafe read(descriptor, $0.baseAddress, $0.count) }
            }
            if got == 0 { return }
            try body(buffer.raw.extracting(0..<got))
        }
    }
}
