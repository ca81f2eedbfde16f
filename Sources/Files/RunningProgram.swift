private import CShims
internal import Glibc

/// A host program that runs while we talk to it over its standard input and output; it ends with its owner.
public final class RunningProgram {
    /// The program as it was started.
    public let program: Subprocess
    private let process: pid_t
    /// Our end of the socket that is the program's standard input and output.
    private let channel: Int32
    private let errors: Int32
    private var unread: [UInt8] = []
    private var ended = false

    /// Starts `program`.
    public init(_ program: Subprocess) throws(FileError) {
        guard let path = Subprocess.find(program.program) else {
            throw FileError.notInstalled(program.program)
        }
        var ends: [Int32] = [-1, -1]
        // A socket and not two pipes: a program that is gone must not end us with SIGPIPE.
        try checked("make a channel to", program.program) {
            unsafe ends.withUnsafeMutableBufferPointer {
                unsafe socketpair(
                    AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, $0.baseAddress)
            }
        }
        let (ours, theirs) = (ends[0], ends[1])
        defer { close(theirs) }
        let errors: Int32
        do {
            errors = try Subprocess.scratch([])
        } catch {
            close(ours)
            throw error
        }
        do {
            process = try program.spawn(path, stdin: theirs, stdout: theirs, stderr: errors)
        } catch {
            close(ours)
            close(errors)
            throw error
        }
        self.program = program
        channel = ours
        self.errors = errors
    }

    deinit {
        stop()
        close(channel)
        close(errors)
    }

    /// Ends the program and waits until it is gone.
    public func stop() {
        guard !ended else { return }
        ended = true
        kill(process, SIGKILL)
        var status: Int32 = 0
        while unsafe waitpid(process, &status, 0) < 0, errno == EINTR {}
    }

    /// What the program has printed on its standard error so far.
    public var errorText: String {
        String(decoding: (try? Subprocess.contents(errors, 1 << 20, program.program)) ?? [], as: UTF8.self)
    }

    /// Sends bytes to the program.
    public func send(_ bytes: [UInt8]) throws(FileError) {
        var done = 0
        while done < bytes.count {
            done += try checked("write to", program.program) {
                unsafe bytes.withUnsafeBytes {
                    unsafe Glibc.send(
                        channel, $0.baseAddress.map { unsafe $0 + done }, $0.count - done, Int32(MSG_NOSIGNAL))
                }
            }
        }
    }

    /// The next line that the program prints, without its end; nil when the program closed its output.
    ///
    /// - Parameters:
    ///   - seconds: longest time without a new byte.
    ///   - limit: longest line in bytes.
    public func readLine(within seconds: Int = 60, limit: Int = 64 << 20) throws(FileError) -> [UInt8]? {
        while true {
            if let end = unread.firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(unread[..<end])
                unread.removeSubrange(...end)
                return line
            }
            guard unread.count <= limit else {
                throw FileError("read from", program.program, reason: "a line is longer than \(limit) bytes")
            }
            guard let more = try readSome(within: seconds) else { return nil }
            unread += more
        }
    }

    private func readSome(within seconds: Int) throws(FileError) -> [UInt8]? {
        var request = pollfd(fd: channel, events: Int16(POLLIN), revents: 0)
        let ready = try checked("wait for", program.program) {
            unsafe poll(&request, 1, Int32(clamping: seconds * 1000))
        }
        guard ready > 0 else {
            throw FileError("read from", program.program, reason: "it said nothing for \(seconds) s")
        }
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let got = try checked("read from", program.program) {
            unsafe buffer.withUnsafeMutableBytes { unsafe recv(channel, $0.baseAddress, $0.count, 0) }
        }
        return got == 0 ? nil : Array(buffer.prefix(got))
    }
}
