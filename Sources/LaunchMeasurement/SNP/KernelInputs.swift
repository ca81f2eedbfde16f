private import Bytes
import Documents
private import Files
public import Firmware
public import Hashing
import Trace

/// The kernel, initrd and command line of a direct boot, by their hashes.
public struct KernelInputs: Sendable, Hashable {
    /// A file that was hashed.
    public struct File: Sendable, Hashable {
        /// Name of the artifact, for the trace.
        public var artifact: String
        /// Size in bytes.
        public var size: Int
        public var sha256: Digest

        /// Hashes the file at `path` as it is read.
        public init(artifact: String, path: String) throws {
            let file = try InputFile(path)
            var hash = Hash(.sha256)
            try file.forEachChunk { (chunk) throws(FileError) in hash.update(chunk) }
            self.init(artifact: artifact, size: file.size, sha256: hash.finish())
        }

        /// A file that was hashed elsewhere.
        public init(artifact: String, size: Int, sha256: Digest) {
            self.artifact = artifact
            self.size = size
            self.sha256 = sha256
        }
    }

    public var kernel: File
    /// Nil counts as a file without bytes.
    public var initrd: File?
    /// The command line as the VMM gets it, byte for byte, without a terminator.
    public var commandLine: [UInt8]
    /// Artifact that the command line is the whole content of; nil if it was given as text.
    public var commandLineArtifact: String?

    public init(kernel: File, initrd: File?, commandLine: [UInt8], commandLineArtifact: String? = nil) {
        self.kernel = kernel
        self.initrd = initrd
        self.commandLine = commandLine
        self.commandLineArtifact = commandLineArtifact
    }

    /// Hashes the artifacts `vmlinuz`, `initrd` and `cmdline` of a build.
    public init(_ artifacts: BootArtifacts) throws {
        guard let kernel = artifacts.paths["vmlinuz"] else {
            throw SNPMeasurementError.missingArtifact(name: "vmlinuz")
        }
        guard let line = artifacts.paths["cmdline"] else { throw SNPMeasurementError.missingArtifact(name: "cmdline") }
        let bytes = try InputFile.contents(of: line, limit: 1 << 16)
        if let offset = bytes.firstIndex(where: { $0 == 0 || $0 == 0x0A || $0 == 0x0D }) {
            throw SNPMeasurementError.commandLineByte(artifact: "cmdline", offset: offset, byte: bytes[offset])
        }
        self.init(
            kernel: try File(artifact: "vmlinuz", path: kernel),
            initrd: try artifacts.paths["initrd"].map { try File(artifact: "initrd", path: $0) },
            commandLine: bytes, commandLineArtifact: "cmdline")
    }
}

extension KernelInputs {
    private static let empty = Digest.of([], .sha256)

    /// SHA-256 of command line (with one NUL), initrd and kernel, as QEMU hashes them.
    var digests: (commandLine: Digest, initrd: Digest, kernel: Digest) {
        (KernelHashTable.digest(commandLine: commandLine), initrd?.sha256 ?? Self.empty, kernel.sha256)
    }

    /// The table that QEMU gives to the guest; nil if a file was not hashed with SHA-256.
    public var table: KernelHashTable? {
        KernelHashTable(commandLine: digests.commandLine, initrd: digests.initrd, kernel: digests.kernel)
    }

    /// The three hashes as trace nodes, in the table's order.
    var nodes: [TraceNode] {
        let origin = "QEMU kernel-hashes=on, SHA-256"
        let digests = digests
        let text: TraceNode.Source =
            if let artifact = commandLineArtifact {
                .range(artifact: artifact, offset: 0, count: commandLine.count)
            } else {
                .literal(commandLine)
            }
        return [
            TraceNode(
                id: "cmdline", name: "kernel command line and one NUL", origin: origin, operation: .hash,
                digest: digests.commandLine, source: text, details: [("suffix", .string("00"))]),
            TraceNode(
                id: "initrd", name: initrd == nil ? "no initrd" : "initrd", origin: origin, operation: .hash,
                digest: digests.initrd,
                source: initrd.map { .range(artifact: $0.artifact, offset: 0, count: $0.size) } ?? .literal([])),
            TraceNode(
                id: "kernel", name: "kernel", origin: origin, operation: .hash, digest: digests.kernel,
                source: .range(artifact: kernel.artifact, offset: 0, count: kernel.size)),
        ]
    }
}
