internal import Documents
private import Files

/// Compares two builds, or two files of one kind.
///
/// Both are read once from start to end where they are equal; only what differs is looked into.
public struct ImageComparison {
    private let old, new: ComparedImage

    /// - Parameters:
    ///   - old: the folder of a build (`build/minimal`), or a disk, file system, initrd, unified kernel image, …
    ///   - new: the same of the other image.
    public init(_ old: String, _ new: String) throws {
        (self.old, self.new) = (try ComparedImage(old), try ComparedImage(new))
        guard self.old.isBuild == self.new.isBuild else {
            throw ImageError(
                self.old.isBuild ? new : old, "is no build's folder, and the other is",
                hint: "compare two folders that 'assay build' wrote, or two files")
        }
    }

    public func difference() throws -> ImageDifference {
        var result = ImageDifference(names: (old.title, new.title))
        var comparison = PartComparison()
        for name in artifactNames {
            guard let left = old.paths[name], let right = new.paths[name] else {
                comparison.artifact = name
                let isOld = old.paths[name] != nil
                comparison.note(
                    [], [.init("entry", isOld ? "present" : nil, isOld ? nil : "present")], isOld ? .removed : .added)
                continue
            }
            comparison.artifact = name
            let differs = try comparison.compare(
                ComparedPart(path: left, name: name), ComparedPart(path: right, name: name))
            if !differs { result.equalArtifacts.append(name) }
        }
        result.findings = comparison.findings
        result.packages = try PackageComparison.changes(old.bill(), new.bill())
        let moved = Set(result.findings.map(\.artifact))
        let (left, right) = (try old.measurements(), try new.measurements())
        result.registers = RegisterComparison(changedArtifacts: moved).moved(left, right)
        result.isUnmeasured = old.isBuild && Set(left.map(\.platform)).isDisjoint(with: right.map(\.platform))
        return result
    }

    /// In the order of the new image, then those that only the old one has.
    private var artifactNames: [String] {
        new.names + old.names.filter { !new.names.contains($0) }
    }
}

/// One of two images that are compared.
struct ComparedImage {
    /// What people call it.
    let title: String
    let isBuild: Bool
    /// Artifacts in the order in which they were made.
    let names: [String]
    let paths: [String: String]
    private let folder: String?

    /// The name of the only artifact of an image that is a single file: both sides must have it.
    private static let single = "file"

    init(_ path: String) throws {
        guard FileSystem.kind(of: path) == .directory else {
            (title, isBuild, folder) = (path, false, nil)
            names = [Self.single]
            paths = [Self.single: path]
            return
        }
        let list = path + "/artifacts.json"
        guard FileSystem.exists(list) else {
            throw ImageError(path, "has no artifacts.json", hint: "name a folder that 'assay build' wrote, or a file")
        }
        let node = try JSONReader.parse(InputFile.contents(of: list, limit: 16 << 20), source: list)
        guard case .object(let members)? = node.value["image"], case .array(let artifacts)? = node.value["artifacts"]
        else { throw ImageError(list, "is not the list of a build", hint: "build the image again") }
        func member(_ key: String) -> String {
            if case .string(let text)? = members.first(where: { $0.key == key })?.node.value { text } else { "?" }
        }
        title = "\(member("name")) \(member("version")) (\(member("variant")))"
        isBuild = true
        folder = path
        names = artifacts.compactMap { artifact in
            if case .string(let name)? = artifact.value["name"], !name.contains("/"), name != ".." { name } else { nil }
        }
        paths = Dictionary(names.map { ($0, path + "/" + $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The bill of materials; nil if there is none.
    func bill() throws -> Node? {
        guard let path = paths["sbom.spdx.json"] else { return nil }
        return try JSONReader.parse(InputFile.contents(of: path, limit: 64 << 20), source: path)
    }

    /// What the image was measured to, by platform.
    func measurements() throws -> [(platform: String, document: Node)] {
        guard let folder, FileSystem.kind(of: folder + "/measurements") == .directory else { return [] }
        return try FileSystem.list(folder + "/measurements").filter { $0.hasSuffix(".json") }.sorted().map { name in
            let path = "\(folder)/measurements/\(name)"
            let bytes = try InputFile.contents(of: path, limit: 256 << 20)
            return (String(name.dropLast(5)), try JSONReader.parse(bytes, source: path, limit: 256 << 20))
        }
    }
}
