import ArgumentParser
import Explanation
import Files
import Hashing

/// Files that may be behind what was measured.
struct CandidateFileOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Files that may be behind events, or folders of them: a build, a kernel, an initrd, captured tables. The first "
                + "of a name is the expected one; all are recognised by their digests.", valueName: "path"))
    var files: [String] = []

    func read(algorithms: [HashAlgorithm]) throws -> CandidateFiles {
        var candidates = CandidateFiles(algorithms: algorithms)
        var paths: [(artifact: String, path: String)] = []
        for path in files {
            if FileSystem.kind(of: path) == .directory {
                try collect(path, below: "", into: &paths)
            } else {
                paths.append((path.split(separator: "/").last.map(String.init) ?? path, path))
            }
        }
        for (artifact, path) in paths { try candidates.add(artifact, path: path, ByteSource(path: path)) }
        return candidates
    }

    private func collect(
        _ folder: String, below prefix: String, into paths: inout [(artifact: String, path: String)]
    ) throws {
        for name in try FileSystem.list(folder) {
            let path = "\(folder)/\(name)"
            switch FileSystem.kind(of: path) {
            case .directory: try collect(path, below: "\(prefix)\(name)/", into: &paths)
            case .file: paths.append((prefix + name, path))
            default: continue
            }
            guard paths.count <= CandidateFiles.countLimit else {
                throw CommandFailure(
                    "--files: more than \(CandidateFiles.countLimit) files below \(folder)",
                    hint: "give the folder of one build or of one machine's tables")
            }
        }
    }
}
