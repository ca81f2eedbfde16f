private import Bytes
public import Documents
private import Hashing
private import Signing

extension SNPReport {
    /// Every field by name, in the order of the report. TCB versions stand as their eight bytes, and by part where the
    /// layout is known.
    public var facts: [(String, Value)] {
        var facts: [(String, Value)] = [
            ("version", .count(Int(version))), ("guestSVN", .count(Int(guestSVN))), ("policy", policyFacts),
            ("familyID", .string(familyID.hex)), ("imageID", .string(imageID.hex)),
            ("vmpl", vmpl == .max ? .string("host") : .count(Int(vmpl))),
            ("signatureAlgorithm", .count(Int(signatureAlgorithm))), ("currentTCB", tcbFacts(currentTCB)),
            ("platformInfo", platformFacts), ("authorKeyUsed", .bool(isAuthorKeyUsed)),
            ("chipKeyMasked", .bool(isChipKeyMasked)), ("signingKey", .string(signingKey.name)),
            ("reportData", .string(reportData.hex)), ("measurement", .string(measurement.hex)),
            ("hostData", .string(hostData.hex)), ("idKeyDigest", .string(idKeyDigest.hex)),
            ("authorKeyDigest", .string(authorKeyDigest.hex)), ("reportID", .string(reportID.hex)),
            ("migrationAgentReportID", .string(migrationAgentReportID.hex)), ("reportedTCB", tcbFacts(reportedTCB)),
        ]
        if let processor {
            facts.append(
                (
                    "processor",
                    .object([
                        ("family", .hex(processor.family)), ("model", .hex(processor.model)),
                        ("stepping", .hex(processor.stepping)), ("product", .string(product?.rawValue ?? "unknown")),
                    ])
                ))
        }
        facts += [
            ("chipID", .string(chipID.hex)), ("committedTCB", tcbFacts(committedTCB)),
            ("currentFirmware", .string(currentFirmware.description)),
            ("committedFirmware", .string(committedFirmware.description)), ("launchTCB", tcbFacts(launchTCB)),
        ]
        if let launchMitigations { facts.append(("launchMitigations", .hex(launchMitigations))) }
        if let currentMitigations { facts.append(("currentMitigations", .hex(currentMitigations))) }
        facts.append(
            (
                "signature",
                .object([
                    ("r", .string(signature.raw.prefix(48).hex)), ("s", .string(signature.raw.suffix(48).hex)),
                ])
            ))
        return facts
    }

    private var policyFacts: Value {
        let minimum = policy.minimumABI
        return .object(
            [("value", .hex(policy.rawValue)), ("minimumABI", .string("\(minimum.major).\(minimum.minor)"))]
                + policy.flagFacts)
    }

    private var platformFacts: Value {
        .object([("value", .hex(platformInfo.rawValue))] + platformInfo.flagFacts)
    }

    private func tcbFacts(_ version: TCBVersion) -> Value {
        let parts = tcbLayout.map { version.parts($0) } ?? []
        return .object(
            [("bytes", .string(version.description))] + parts.map { ($0.component.rawValue, .count(Int($0.version))) })
    }
}
