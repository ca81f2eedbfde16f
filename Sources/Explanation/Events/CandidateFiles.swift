private import Bytes
import DiskFormats
public import Files
import Firmware
public import Hashing
import LaunchMeasurement
import Trace

/// Files that may be behind events: artifacts of a build by name, captured tables, other kernels and initrds.
///
/// A file is recognised by what firmware and kernels would hash of it: its bytes, the Authenticode digest of an image, or
/// a line of text as UTF-16.
public struct CandidateFiles: Sendable {
    /// Most files.
    public static let countLimit = 4096
    /// Most bytes of a file that are read into memory to be compared.
    static let readLimit = 16 << 20
    /// Most bytes of a text that may be a command line.
    static let lineLimit = 1 << 16

    private struct File {
        /// What a trace calls it, such as `vmlinuz` or `etc/acpi/tables`.
        var artifact: String
        /// What people call it.
        var path: String
        var source: ByteSource
    }

    private var files: [File] = []
    private var known: [Digest: Int] = [:]
    /// Texts that may be command lines.
    private(set) var lines: [[UInt8]] = []
    private let algorithms: [HashAlgorithm]

    /// No files; those added are recognised by digests of these hashes.
    public init(algorithms: [HashAlgorithm] = []) { self.algorithms = algorithms }

    /// Adds a file that a trace may call `artifact`. Of two with one name the first counts, and the
    /// other is recognised by its digest alone.
    public mutating func add(_ artifact: String, path: String, _ source: ByteSource) throws {
        let index = files.count
        files.append(File(artifact: artifact, path: path, source: source))
        for algorithm in algorithms {
            var hash = Hash(algorithm)
            try source.forEachChunk { hash.update($0) }
            note(hash.finish(), index)
        }
        if let image = try? PEImage(source) {
            for algorithm in algorithms {
                if let digest = try? Authenticode.digest(image, algorithm: algorithm) { note(digest, index) }
            }
        }
        guard (1...Self.lineLimit).contains(source.count) else { return }
        let bytes = try source.read(at: 0, count: source.count, artifact)
        if bytes.allSatisfy({ $0 >= 0x20 || $0 == 0x0A || $0 == 0x09 }) { lines.append(bytes) }
    }

    private mutating func note(_ digest: Digest, _ index: Int) {
        if known[digest] == nil { known[digest] = index }
    }

    /// What people call the file that one of these digests is of; nil if none is.
    func path(of digests: [Digest]) -> String? {
        digests.lazy.compactMap { known[$0] }.first.map { files[$0].path }
    }

    /// The bytes of the file that one of these digests is of; nil if none is, or it is larger than `readLimit`.
    func contents(of digests: [Digest]) -> [UInt8]? {
        digests.lazy.compactMap { known[$0] }.first.flatMap { contents(files[$0]) }
    }

    /// The bytes of a file by its name; nil for one that is not here or is larger than `readLimit`.
    func contents(_ artifact: String) -> [UInt8]? {
        files.first { $0.artifact == artifact }.flatMap(contents)
    }

    private func contents(_ file: File) -> [UInt8]? {
        guard file.source.count <= Self.readLimit else { return nil }
        return try? file.source.read(at: 0, count: file.source.count, file.artifact)
    }

    /// The bytes of a piece as they entered the digest; nil if they are not here.
    func bytes(of piece: RegisterEvent.Piece) -> [UInt8]? {
        switch piece.source {
        case .literal(let literal): return piece.encoding.apply(to: literal)
        case .zeros(let count):
            return count <= Self.readLimit ? piece.encoding.apply(to: [UInt8](repeating: 0, count: count)) : nil
        case .range(let artifact, let offset, let count):
            guard let source = files.first(where: { $0.artifact == artifact })?.source, count <= Self.readLimit,
                let bytes = try? source.read(at: offset, count: count, piece.name)
            else { return nil }
            return piece.encoding.apply(to: bytes)
        }
    }
}
