import Bytes
import Files
import Testing

@testable import GuestImage

/// Compares what we read of an ELF file of this machine with what readelf prints.
func comparedWithReadelf(_ path: String) throws {
    let bytes = try InputFile.contents(of: path)
    let image = try bytes.withReader(source: path) { (reader) throws(FormatError) in try ELFImage(parsing: &reader) }
    let text = try Subprocess("readelf", ["-d", "-l", "-W", path], environment: ["LC_ALL": "C"]).run().outputText
    let libraries = text.split(separator: "\n").filter { $0.contains("(NEEDED)") }.compactMap { line in
        line.split(separator: "[").last.map { String($0.dropLast()) }
    }
    #expect(image.needed.map { String(decoding: $0, as: UTF8.self) } == libraries)
    let loader = try #require(image.interpreter)
    #expect(text.contains("Requesting program interpreter: \(String(decoding: loader, as: UTF8.self))]"))
}
