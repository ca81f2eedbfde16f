private import Bytes
internal import Signing

/// What the certificate says of the platform against what the report says.
extension SNPVerifier {
    /// What is wrong with the endorsement in itself.
    static func problems(of key: EndorsementKey) -> [String] {
        guard let product = key.product else {
            return ["product '\(key.productName)' is not known, expected \(SNPProduct.allCases.map(\.rawValue))"]
        }
        var problems: [String] = []
        if product.tcbLayout != key.tcbLayout {
            problems.append("structVersion \(key.structureVersion) is not \(product.rawValue)'s")
        }
        if let count = key.hardwareID?.count, count != product.hardwareIDByteCount {
            problems.append("hwID has \(count) bytes, \(product.rawValue)'s has \(product.hardwareIDByteCount)")
        }
        return problems
    }

    /// The endorsement in words.
    static func text(_ key: EndorsementKey) -> String {
        let provider = key.provider.map { ", provider \($0)" } ?? ""
        return "\(key.kind.rawValue) of \(key.productName), \(key.tcb.text(key.tcbLayout))\(provider)"
    }

    static func check(
        _ report: SNPReport, _ key: EndorsementKey, _ path: CertificatePath?, _ verdict: inout EvidenceVerdict
    ) {
        checkProduct(report, key, path, &verdict)
        checkTCB(report, key, &verdict)
        checkChip(report, key, &verdict)
    }

    /// Leaf, issuer, root and the processor in the report must be of one line.
    private static func checkProduct(
        _ report: SNPReport, _ key: EndorsementKey, _ path: CertificatePath?, _ verdict: inout EvidenceVerdict
    ) {
        guard let product = key.product else {
            verdict.add("product", .failed, "'\(key.productName)' is not known")
            return
        }
        var problems: [String] = []
        let line = product.rawValue
        let names = (path?.certificates.dropFirst() ?? []).map { $0.subject.commonName ?? "" }
        let expected = [key.kind == .vcek ? "SEV-\(line)" : "SEV-VLEK-\(line)", "ARK-\(line)"]
        if !names.isEmpty, names != expected {
            problems.append("issued by \(names.joined(separator: ", ")), expected \(expected.joined(separator: ", "))")
        }
        if let processor = report.processor {
            if report.product != product {
                let part = "family \(hexadecimal(processor.family)) model \(hexadecimal(processor.model))"
                let found = report.product?.rawValue ?? "unknown"
                problems.append("the report's processor is \(found) (\(part)), the certificate's is \(line)")
            }
        } else if let layout = report.tcbLayout, layout != product.tcbLayout {
            problems.append("the report's chip identifier is not one of \(line)")
        }
        let origin = report.processor == nil ? "; a report of version 2 does not state its processor" : ""
        verdict.add("product", problems, otherwise: line + origin)
    }

    /// The reported TCB, part by part: a key is derived for exactly one.
    private static func checkTCB(_ report: SNPReport, _ key: EndorsementKey, _ verdict: inout EvidenceVerdict) {
        let layout = key.tcbLayout
        var problems = zip(report.reportedTCB.parts(layout), key.tcb.parts(layout))
            .filter { $0.version != $1.version }
            .map { "\($0.component.rawValue) is \($0.version) in the report, \($1.version) in the certificate" }
        if !report.reportedTCB.fits(layout) {
            problems.append("REPORTED_TCB \(report.reportedTCB) has reserved bytes that are not zero")
        }
        verdict.add(
            "tcb", problems, otherwise: "REPORTED_TCB is the certificate's: \(key.tcb.text(layout))",
            hint: "fetch the certificate for the TCB that the report states")
    }

    private static func checkChip(_ report: SNPReport, _ key: EndorsementKey, _ verdict: inout EvidenceVerdict) {
        guard let hardwareID = key.hardwareID else {
            verdict.add("hardware-id", .notAsked, "a VLEK is for no chip")
            return
        }
        guard !report.isChipIDMasked else {
            verdict.add("hardware-id", .notAsked, "the platform masks CHIP_ID")
            return
        }
        let padded = hardwareID + [UInt8](repeating: 0, count: 64 - hardwareID.count)
        verdict.add(
            "hardware-id",
            report.chipID == padded ? [] : ["CHIP_ID \(report.chipID.hex) is not the certificate's \(hardwareID.hex)"],
            otherwise: "CHIP_ID is the certificate's", hint: "the certificate is another chip's")
    }
}
