import Documents
import Hashing
import Testing
import Trace

@Suite("trace")
struct TraceNodeTests {
    @Test("its document names operation, source and digest and leaves out what is empty")
    func document() throws {
        let node = TraceNode(
            id: "a", name: "kernel", operation: .hash, gpa: 0x1000, digest: .of(Array("x".utf8), .sha256),
            source: .range(artifact: "vmlinuz", offset: 16, count: 1), details: [("pageType", .count(1))], count: 2)
        let text = String(decoding: try CanonicalJSON.encode(node.document), as: UTF8.self)
        #expect(
            text == #"{"algorithm":"sha256","count":2,"details":{"pageType":1},"#
                + #""digest":"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881","gpa":"0x1000","#
                + #""id":"a","name":"kernel","operation":"hash","#
                + #""source":{"artifact":"vmlinuz","count":1,"offset":"0x10"}}"#)
    }

    @Test("its digest is the SHA-256 of its canonical document")
    func digest() throws {
        let node = TraceNode(
            id: "r", name: "root", children: [TraceNode(id: "c", name: "child", source: .literal([1]))])
        #expect(try node.documentDigest() == .of(try CanonicalJSON.encode(node.document), .sha256))
    }
}
