/// The "new ASCII" cpio format (newc, magic `070701`) as Linux unpacks it for an initial RAM file system.
///
/// An archive is a row of members; numbers are eight hex digits of ASCII.
///
/// ```
/// offset size  field          offset size  field
///      0    6  magic              62    8  devmajor
///      6    8  ino                70    8  devminor
///     14    8  mode               78    8  rdevmajor
///     22    8  uid                86    8  rdevminor
///     30    8  gid                94    8  namesize (with the NUL)
///     38    8  nlink             102    8  check (0 in newc)
///     46    8  mtime             110       name, NUL, zeros to a multiple of 4
///     54    8  filesize                    data, zeros to a multiple of 4
/// ```
///
/// The last member is called `TRAILER!!!`. Linux: Documentation/driver-api/early-userspace/buffer-format.rst.
public enum CPIOArchive {
    /// Rises whenever `write` would give other bytes for the same tree.
    public static let formatRevision = 1

    static let magic: [UInt8] = Array("070701".utf8)
    static let headerByteCount = 110
    static let trailerName: [UInt8] = Array("TRAILER!!!".utf8)
    /// Linux refuses longer names and symbolic link targets, the NUL included (PATH_MAX).
    static let longestName = 4096

    /// File type bits of `mode`.
    enum FileType {
        static let mask: UInt32 = 0o170000
        static let fifo: UInt32 = 0o010000
        static let characterDevice: UInt32 = 0o020000
        static let directory: UInt32 = 0o040000
        static let blockDevice: UInt32 = 0o060000
        static let file: UInt32 = 0o100000
        static let symlink: UInt32 = 0o120000
        static let socket: UInt32 = 0o140000
    }
}
