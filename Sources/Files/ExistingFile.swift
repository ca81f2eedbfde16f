private import Bytes
private import CShims
private import Glibc

/// A file or block device that is changed where it is, for tools whose user names the device to write on.
///
/// Nothing here is atomic: artifacts are written with `OutputFile`.
public final class ExistingFile: Sendable {
    /// As the user named it.
    public let path: String
    private let descriptor: Int32

    /// Opens what is at `path` for writing; it is neither made nor cut short.
    public init(_ path: String) throws(FileError) {
        let descriptor = try checked("open for writing", path) { unsafe open(path, O_WRONLY | O_CLOEXEC) }
        self.path = path
        self.descriptor = descriptor
    }

    deinit { close(descriptor) }

    /// Writes at `offset`.
    public func write(_ bytes: [UInt8], at offset: Int) throws(FileError) {
        var done = 0
        while done < bytes.count {
            let wrote = try checked("write", path) {
                unsafe bytes.withUnsafeBytes {
                    unsafe pwrite(
                        descriptor, $0.baseAddress.map { unsafe $0 + done }, $0.count - done, off_t(offset + done))
                }
            }
            done += wrote
        }
    }

    /// Waits until everything is on the disk.
    public func synchronize() throws(FileError) {
        try checked("write", path) { fsync(descriptor) }
    }
}
