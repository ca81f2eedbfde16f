private import Bytes
private import Documents
private import Hashing

extension BundleVerifier {
    /// Holds every file against the statement: each that it names is there and right, and there is no other.
    func checkContents(
        _ statement: ReferenceStatement, _ source: BundleSource, _ contents: BundleContents, _ checks: inout [Check]
    ) {
        var known: Set<String> = [BundleManifest.envelopeName]
        checkName(statement.image, contents, &checks)
        checkInputs(statement.inputs, contents, &known, &checks)
        checkTraces(statement, source, contents, &known, &checks)
        checkArtifacts(statement, contents, &known, &checks)
        for platform in statement.platforms { known.insert(Bundle.profileName(platform.facts.name)) }
        let strays = contents.digests.keys.filter { !known.contains($0) }.sorted(by: FileName.precedes)
        for name in strays {
            checks.append(Check(.strayFiles, .failed, "the signed statement does not name it", subject: name))
        }
        if strays.isEmpty {
            checks.append(Check(.strayFiles, .passed, "the signed statement names every file"))
        }
    }

    private func checkName(
        _ image: ReferenceStatement.Image, _ contents: BundleContents, _ checks: inout [Check]
    ) {
        guard let manifest = contents.manifest else { return }
        let isRight = manifest.image == image.name && manifest.version == image.version
        checks.append(
            Check(
                .bundleName, isRight ? .passed : .failed,
                isRight
                    ? "\(image.name) \(image.version)"
                    : "the manifest says \(manifest.image) \(manifest.version), "
                        + "the statement \(image.name) \(image.version)"))
    }

    private func checkInputs(
        _ inputs: Inputs, _ contents: BundleContents, _ known: inout Set<String>, _ checks: inout [Check]
    ) {
        var isRight = true
        for file in inputs.files {
            let name = Bundle.inputFolder + file.name
            known.insert(name)
            let found = contents.digests[name]?.sha256
            guard found != file.sha256 else { continue }
            isRight = false
            checks.append(
                Check(
                    .inputs, .failed,
                    found.map { "found SHA-256 \($0), the statement says \(file.sha256)" }
                        ?? "missing from the bundle, or damaged", subject: name))
        }
        if isRight {
            checks.append(
                Check(
                    .inputs, .passed,
                    "definition, lock and the rest: \(inputs.files.count) files, tree \(inputs.treeDigest)"
                ))
        }
    }

    /// Every trace that the statement names is there, and ends in the values of the sets that name it.
    private func checkTraces(
        _ statement: ReferenceStatement, _ source: BundleSource, _ contents: BundleContents,
        _ known: inout Set<String>, _ checks: inout [Check]
    ) {
        var files: [Digest: String] = [:]
        for (name, digests) in contents.digests where name.hasPrefix(Bundle.traceFolder) {
            files[digests.sha256] = min(name, files[digests.sha256] ?? name)
        }
        var outcomes: [Digest: TraceOutcome] = [:]
        var failures: [Check] = []
        for platform in statement.platforms {
            for set in platform.valueSets {
                let outcome = outcomes[set.trace] ?? TraceOutcome(set.trace, files[set.trace], source)
                outcomes[set.trace] = outcome
                guard let problem = outcome.problem(with: set) else { continue }
                failures.append(Check(.traces, .failed, problem, subject: "\(platform.facts.name) \(set.label)"))
            }
        }
        for (name, digests) in contents.digests where outcomes[digests.sha256] != nil {
            if name.hasPrefix(Bundle.traceFolder) { known.insert(name) }
        }
        checks += failures
        if failures.isEmpty {
            checks.append(
                Check(.traces, .passed, "\(outcomes.count) traces, as the statement names them, end in its values"))
        }
    }

    private func checkArtifacts(
        _ statement: ReferenceStatement, _ contents: BundleContents, _ known: inout Set<String>,
        _ checks: inout [Check]
    ) {
        var present = 0
        var isRight = true
        for subject in statement.subjects {
            known.insert(subject.name)
            guard let found = contents.digests[subject.name] else { continue }
            present += 1
            guard found.sha256 != subject.sha256 || found.sha384 != subject.sha384 else { continue }
            isRight = false
            checks.append(
                Check(
                    .artifacts, .failed, "found SHA-256 \(found.sha256), the statement says \(subject.sha256)",
                    subject: subject.name))
        }
        if isRight {
            let absent = statement.subjects.count - present
            checks.append(
                Check(
                    .artifacts, .passed,
                    "\(present) in the bundle with their digests, \(absent) known by their digests alone"))
        }
    }
}
