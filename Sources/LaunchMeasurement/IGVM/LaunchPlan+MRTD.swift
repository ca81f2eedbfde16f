import Hashing
import Trace

extension LaunchPlan {
    /// MRTD of the plan's pages, each added and, where its contents count, extended before the next one.
    ///
    /// A node's digest is the value that MRTD would have if its run were the last.
    func measureMRTD() -> (digest: Digest, nodes: [TraceNode]) {
        var hash = Hash(.sha384)
        let nodes = runs.map { run -> TraceNode in
            for index in 0..<run.count { MRTD.add(run, index, to: &hash) }
            var node = run.node(digest: hash.copy().finish())
            node.register = MRTD.register
            return node
        }
        return (hash.finish(), nodes)
    }
}

extension MRTD {
    /// Name of the register.
    static let register = "MRTD"

    /// Adds one page of a run.
    fileprivate static func add(_ run: LaunchPlan.Run, _ index: Int, to hash: inout Hash) {
        let size = LaunchPlan.pageByteCount
        let gpa = run.gpa + run.step * UInt64(index)
        hash.update(record("MEM.PAGE.ADD", gpa))
        let contents: ArraySlice<UInt8>
        switch run.content {
        case .none: return
        case .page(let bytes): contents = bytes[...]
        case .file(_, _, let bytes): contents = bytes.dropFirst(index * size).prefix(size)
        }
        guard run.type.measuresContent else { return }
        for offset in stride(from: 0, to: size, by: 256) {
            hash.update(record("MR.EXTEND", gpa + UInt64(offset)))
            let start = contents.startIndex + offset
            hash.update(contents[start..<start + 256])
        }
    }
}
