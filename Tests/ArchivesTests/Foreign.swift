import Files
import TestSupport

/// What a foreign program makes of `input`.
func foreign(_ program: String, _ arguments: [String], _ input: [UInt8]) throws -> [UInt8] {
    let result = try Subprocess(program, arguments).run(input: input)
    guard result.status == 0 else { throw TestFailure("\(program): \(result.errorText)") }
    return result.output
}
