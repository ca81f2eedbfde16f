import Files
import Hashing
public import ReferenceValues

/// How a release stands to the statement that the project has published for this version.
public enum PublishedValues: Hashable, Sendable {
    /// The same statement, byte for byte.
    case reproduced
    /// The same but for the signed index chain, which the archive no longer serves to one of the two.
    case reproducedWithoutChain
    /// Nothing is published for this version.
    case noneCommitted(String)
    /// Another statement; each part that differs.
    case differ([String])
    /// The lock had to be made anew because locked files are gone from every place, so the values are others.
    case inputsGone

    /// Compares with `NAME/VERSION/statement.json` below `folder`. Debug variants are never published.
    public init(_ statement: ReferenceStatement, in folder: String) throws {
        let image = statement.image
        let path = "\(folder)/\(image.name)/\(image.version)/statement.json"
        guard image.variant != ReferenceStatement.Image.debugVariant, FileSystem.exists(path) else {
            self = .noneCommitted(image.version)
            return
        }
        let bytes = try InputFile.contents(of: path, limit: ReferenceStatement.maximumSize)
        try self.init(statement, published: ReferenceStatement(parsing: bytes, source: path))
    }

    init(_ statement: ReferenceStatement, published: ReferenceStatement) throws {
        if statement == published {
            self = .reproduced
        } else if try statement.withoutArchiveChain() == published.withoutArchiveChain() {
            self = .reproducedWithoutChain
        } else {
            self = .differ(statement.differences(from: published))
        }
    }

    /// What people and scripts read behind `published-values: `.
    public var text: String {
        switch self {
        case .reproduced: "reproduced"
        case .reproducedWithoutChain: "reproduced (all but the archive's signed indexes, which are gone)"
        case .noneCommitted(let version): "none committed for \(version)"
        case .differ(let parts): "not reproduced (differs: \(parts.joined(separator: ", ")))"
        case .inputsGone: "not reproduced (inputs gone)"
        }
    }
}

extension ReferenceStatement {
    /// The statement as if nobody had walked the index chain: an archive keeps superseded indexes for some days only, so
    /// later rebuilders of the same bytes cannot.
    fileprivate func withoutArchiveChain() throws -> ReferenceStatement {
        let kept = inputs.files.filter { !$0.name.hasPrefix(ReleaseInputs.indexPrefix) }
        return try ReferenceStatement(
            image: image, subjects: subjects, inputs: Inputs(source: inputs.source, files: kept),
            formatRevisions: formatRevisions, archiveChain: .unverified, platforms: platforms)
    }

    /// The parts that differ, in the statement's order.
    fileprivate func differences(from other: ReferenceStatement) -> [String] {
        var parts: [String] = []
        func compare<Item: Hashable>(_ kind: String, _ mine: [String: Item], _ theirs: [String: Item]) {
            let names: [String] = Set(mine.keys).union(theirs.keys).sorted()
            for name in names where mine[name] != theirs[name] {
                var part = kind + " " + name
                if theirs[name] == nil { part += " is new" }
                if mine[name] == nil { part += " is missing" }
                parts.append(part)
            }
        }
        if image.channel != other.image.channel { parts.append("channel") }
        compare("artifact", subjects.keyed(by: \.name), other.subjects.keyed(by: \.name))
        compare("input", inputs.files.keyed(by: \.name), other.inputs.files.keyed(by: \.name))
        if inputs.source != other.inputs.source { parts.append("source") }
        compare("format", formatRevisions, other.formatRevisions)
        if archiveChain != other.archiveChain { parts.append("archive chain") }
        compare("platform", platforms.keyed(by: \.facts.name), other.platforms.keyed(by: \.facts.name))
        return parts
    }
}

extension Array {
    fileprivate func keyed(by name: (Element) -> String) -> [String: Element] {
        Dictionary(map { (name($0), $0) }, uniquingKeysWith: { first, _ in first })
    }
}
