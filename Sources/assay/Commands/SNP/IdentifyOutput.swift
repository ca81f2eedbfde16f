import Bytes
import Documents
import Evidence
import Explanation
import Files
import Hashing
import LaunchMeasurement
import Signing

extension LaunchSearch.Match {
    /// The combination on one line.
    var sentence: String {
        var parts: [String] = []
        if let vcpus { parts.append("\(vcpus) vCPU\(vcpus == 1 ? "" : "s")") }
        if vcpus != nil { parts.append(model.map { "\($0.name) (\($0.signature))" } ?? "any CPU model") }
        if let features { parts.append("features \(hexadecimal(features))") }
        if !vmms.isEmpty { parts.append(vmms.joined(separator: " or ")) }
        parts.append(firmware)
        if let svsm { parts.append("\(svsm.name) below a variable store of \(hexadecimal(svsm.variables)) bytes") }
        let difference = kernel.inputs == nil ? nil : kernel.difference
        parts.append(
            (kernel.inputs == nil ? "no kernel hashes" : "kernel hashes") + (difference.map { " with \($0)" } ?? ""))
        return parts.joined(separator: ", ")
    }

    fileprivate var document: Value {
        var members: [(String, Value)] = [("firmware", .string(firmware))]
        if let svsm { members += [("svsm", .string(svsm.name)), ("variableStoreSize", .hex(svsm.variables))] }
        if let vcpus { members.append(("vcpus", .count(vcpus))) }
        if let features { members.append(("guestFeatures", .hex(features))) }
        if !vmms.isEmpty { members.append(("vmms", .array(of: vmms.map { .string($0) }))) }
        members.append(("kernelHashes", .bool(kernel.inputs != nil)))
        if let model {
            members += [("vcpuType", .string(model.name)), ("vcpuSignature", .hex(model.signature.rawValue))]
        }
        if let difference = kernel.difference { members.append(("difference", .string(difference))) }
        return .object(members)
    }
}

extension LaunchSearch.Outcome {
    func document(_ evidence: LaunchEvidence, mode: IdentifyCommand.Mode) -> Value {
        var members: [(String, Value)] = [
            ("mode", .string(mode.rawValue)), ("launchDigest", .string(evidence.digest.hex)),
            ("compared", .count(compared)), ("matches", .array(of: matches.map(\.document))),
        ]
        if let report = evidence.report { members.append(("report", .object(report.factsAboutLaunch))) }
        return .object(members)
    }
}

/// What a machine said of its launch: a digest alone, or the report that holds it.
struct LaunchEvidence {
    var digest: Digest
    var report: SNPReport?

    /// Takes hex or base64 of a digest as long as the mode's, or a file's path.
    init(_ text: String, mode: IdentifyCommand.Mode) throws {
        let algorithm = mode.algorithm
        if let bytes = [UInt8](hex: text) ?? Base64.decode(text), bytes.count >= 20, !FileSystem.exists(text) {
            guard let digest = Digest(algorithm, bytes: bytes) else {
                throw CommandFailure(
                    "the digest: found \(bytes.count) bytes, expected \(algorithm.byteCount) in hex or base64",
                    hint: "48 bytes are of SEV-SNP, 32 of SEV-ES and SEV (--mode seves, --mode sev)")
            }
            self.digest = digest
            return
        }
        guard algorithm == .sha384 else {
            throw CommandFailure(
                "'\(text)' is no digest of 32 bytes in hex or base64",
                hint: "SEV-ES and SEV have no attestation report of SEV-SNP's form; give the launch digest itself")
        }
        let report = try SNPExtendedReport(InputFile.contents(of: text, limit: 2 << 20), source: text).report
        self.report = report
        digest = report.measurement
    }
}

extension SNPReport {
    /// What a report says of the launch beside its digest.
    fileprivate var factsAboutLaunch: [(String, Value)] {
        let names: Set = [
            "version", "policy", "vmpl", "processor", "familyID", "imageID", "idKeyDigest", "authorKeyDigest",
            "hostData",
        ]
        return facts.filter { names.contains($0.0) }
    }

    /// The same on one line.
    var sentence: String {
        let flags = policy.names
        var parts = [
            "VMPL \(vmpl == .max ? "of the host" : String(vmpl))",
            "POLICY \(hexadecimal(policy.rawValue))" + (flags.isEmpty ? "" : " (\(flags.joined(separator: ", ")))"),
        ]
        if let processor {
            parts.append(
                "\(product?.rawValue ?? "unknown processor") (family \(hexadecimal(processor.family)), model "
                    + "\(hexadecimal(processor.model)), stepping \(hexadecimal(processor.stepping)))")
        }
        if idKeyDigest.bytes.contains(where: { $0 != 0 }) { parts.append("ID key \(idKeyDigest)") }
        if hostData.contains(where: { $0 != 0 }) { parts.append("HOST_DATA \(hostData.hex)") }
        return "report version \(version): \(parts.joined(separator: ", ")); signature not checked"
    }
}
