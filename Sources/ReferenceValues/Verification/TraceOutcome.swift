private import Bytes
internal import Documents
internal import Hashing

/// The register values that a trace in a bundle arrives at.
///
/// Only nodes that name a register and a digest count; how the values come about is for whoever recomputes the trace.
struct TraceOutcome {
    /// Largest trace that is read, in bytes.
    static let maximumSize = 32 << 20

    private var values: [String: Set<String>] = [:]
    private var problem: String?

    /// Reads the trace in `file` again, which must still have `digest`; a missing file is a problem of every set.
    init(_ digest: Digest, _ file: String?, _ source: BundleSource) {
        guard let file else {
            problem = "no intact trace with SHA-256 \(digest)"
            return
        }
        do {
            let bytes = try source.read(file, Self.maximumSize)
            guard Digest.of(bytes, .sha256) == digest else {
                problem = "\(file) changed while it was read"
                return
            }
            collect(try CanonicalJSON.parse(bytes, source: file).value)
        } catch {
            problem = "\(error)"
        }
    }

    private mutating func collect(_ node: Value) {
        if case .string(let register)? = node["register"], case .string(let digest)? = node["digest"] {
            values[register, default: []].insert(digest)
        }
        guard case .array(let children)? = node["children"] else { return }
        for child in children { collect(child.value) }
    }

    /// Why the trace does not explain `set`; nil if it arrives at each of its values.
    func problem(with set: ValueSet) -> String? {
        if let problem { return problem }
        for (name, value) in set.registers.sorted(by: { FileName.precedes($0.key, $1.key) }) {
            // A PCR's nodes may leave the bank to the digest: PCR4 for PCR4.sha256.
            let short = name.split(separator: ".").first.map(String.init) ?? name
            let found = (values[name] ?? []).union(values[short] ?? [])
            guard found.contains(value.hex) else { return "its trace does not arrive at \(name) = \(value)" }
        }
        return nil
    }
}
