import Documents
import Files
import Packages
import TestSupport
import Testing

@Suite("Schema of image.lock.json")
struct SchemaTests {
    @Test("schema and decoder accept and refuse the same changes of the shipped lock")
    func agreement() throws {
        let schema = SchemaReader(ImageLock.schema.document(named: "lock"))
        let root = FileSystem.parent(of: FileSystem.parent(of: FileSystem.parent(of: #filePath)))
        let bytes = try InputFile.contents(of: root + "/images/minimal/image.lock.json")
        let document = try JSONReader.parse(bytes, source: "image.lock.json").value
        let problem = schema.problem(document)
        #expect(problem == nil)
        // A package must be from a suite and a component of the lock, and stand in order: beyond a form.
        let beyond = ["name", "archive", "suite", "component", "suites", "indexes"]
        for (label, value) in DocumentChange.all(of: document) {
            let decodes = (try? ImageLock(parsing: CanonicalJSON.encode(value), source: "lock")) != nil
            let problem = schema.problem(value)
            if problem == nil, !decodes, beyond.contains(where: { label.hasPrefix("misspelt \($0) ") }) { continue }
            #expect(
                (problem == nil) == decodes, "\(label): the decoder says \(decodes), the schema \(problem ?? "yes")")
        }
    }
}
