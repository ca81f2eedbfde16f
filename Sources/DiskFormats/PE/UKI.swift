private import Bytes
public import Files

/// A unified kernel image: systemd's boot stub with kernel, initrd and command line as PE sections behind it.
///
/// UAPI Group, Unified Kernel Image; systemd-stub(7). The bytes are those of `ukify build` of systemd 257 for the
/// same inputs: sections are appended to the stub in the order `.osrel .cmdline .uname .linux .initrd`, the merged
/// `.sbat` replaces the stub's own, and nothing in the image depends on time or host.
public enum UKI {
    /// Rises whenever `assemble` would give other bytes for the same inputs.
    public static let formatRevision = 1

    /// What goes into an image beside the stub.
    public struct Parts: Sendable {
        /// `.osrel`: os-release of the image.
        public var osRelease: [UInt8]
        /// `.cmdline`, without a line end.
        public var commandLine: [UInt8]
        /// `.uname`: what `uname -r` will say; see `kernelRelease(of:)`.
        public var kernelRelease: [UInt8]
        /// `.linux`: a kernel with an EFI stub.
        public var kernel: ByteSource
        /// `.initrd`.
        public var initrd: ByteSource?
        /// Component lines for `.sbat`, put behind the stub's and the kernel's.
        public var sbat: [String]

        public init(
            osRelease: [UInt8], commandLine: [UInt8], kernelRelease: [UInt8], kernel: ByteSource,
            initrd: ByteSource? = nil, sbat: [String] = [UKI.usualSBAT]
        ) {
            self.osRelease = osRelease
            self.commandLine = commandLine
            self.kernelRelease = kernelRelease
            self.kernel = kernel
            self.initrd = initrd
            self.sbat = sbat
        }
    }

    /// The component line that names the format itself.
    public static let usualSBAT = "uki,1,UKI,uki,1,https://uapi-group.org/specifications/specs/unified_kernel_image/"

    /// The kernel's release from its boot header: the first word of the version text (Linux, Documentation/arch/x86/
    /// boot.rst: `kernel_version` at 0x20e, counted from 0x200).
    public static func kernelRelease(of kernel: ByteSource) throws -> String {
        let offset = try kernel.withReader(at: 0x202, count: 14, "boot header") { (reader) throws in
            try reader.expect("header", bytes: Array("HdrS".utf8))
            try reader.seek(to: 12, "kernel_version")
            return 0x200 + Int(try reader.read("kernel_version", as: UInt16.self))
        }
        let room = max(0, min(128, kernel.count - offset))
        return try kernel.withReader(at: offset, count: room, "kernel_version") { (reader) throws in
            let text = try reader.bytes(reader.count, "kernel_version").prefix { $0 != 0 }
            let release = text.prefix { $0 != UInt8(ascii: " ") }
            guard !release.isEmpty, release.allSatisfy({ (0x21...0x7E).contains($0) }), text.count > release.count
            else {
                throw reader.error(
                    "kernel_version", found: String(decoding: text, as: UTF8.self),
                    expected: "a release, a blank and more", at: 0)
            }
            return String(decoding: release, as: UTF8.self)
        }
    }
}
