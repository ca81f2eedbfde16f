public import Evidence
import LaunchMeasurement

extension LaunchSearch {
    /// The model whose signature is that of the processor a report comes from; nil before version 3, which names none.
    ///
    /// A host gives it to the guest with `-cpu host`, and may give it that of any older processor.
    public static func model(of report: SNPReport) -> Model? {
        guard let processor = report.processor,
            let signature = VCPUSignature(
                family: Int(processor.family), model: Int(processor.model), stepping: Int(processor.stepping))
        else { return nil }
        let known = namedModels.first { $0.signature == signature }
        return known ?? Model(name: "the report's processor", signature: signature)
    }

    /// Searches for the launch digest of a report: with the model of its processor first, and if that finds nothing, with
    /// every other one.
    public func run(_ report: SNPReport) throws -> Outcome {
        guard let model = Self.model(of: report) else { return try run(report.measurement) }
        var search = self
        search.models = [model]
        let first = try search.run(report.measurement)
        search.models = models.filter { $0.signature != model.signature }
        guard first.matches.isEmpty, !search.models.isEmpty else { return first }
        var outcome = try search.run(report.measurement)
        outcome.compared += first.compared
        return outcome
    }
}
