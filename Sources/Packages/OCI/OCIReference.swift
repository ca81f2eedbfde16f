private import Bytes
private import Files
public import Hashing
public import Transport

/// Where an image is and which one: `PATH@sha256:…` or `HOST/NAME@sha256:…`.
///
/// The path is that of a layout's directory or of a tar archive of one. A digest may be left out only for a path.
public struct OCIReference: Sendable, Hashable {
    /// Path or `HOST/NAME`.
    public var place: String
    public var digest: Digest?
    public var isRegistry: Bool { RegistryReference.isRegistry(place) }

    public init(place: String, digest: Digest?) {
        self.place = place
        self.digest = digest
    }

    public init(parsing text: String) throws(PackageError) {
        guard let sign = text.lastIndex(of: "@"), text[text.index(after: sign)...].contains(":") else {
            self.init(place: text, digest: nil)
            if text.isEmpty || isRegistry {
                throw PackageError(
                    "image '\(text)'", "is named without a digest", hint: "write \(text)@sha256:…; tags can change")
            }
            return
        }
        guard let digest = Digest(oci: text[text.index(after: sign)...]), sign != text.startIndex else {
            throw PackageError(
                "image '\(text)'", "has no usable digest", hint: "write PATH@sha256: and 64 lower-case hex digits")
        }
        self.init(place: String(text[..<sign]), digest: digest)
        guard isRegistry else { return }
        do {
            _ = try RegistryReference(place, digest: digest)
        } catch {
            throw PackageError(error.subject, error.problem, hint: error.hint)
        }
    }

    public var text: String { place + (digest.map { "@" + $0.ociText } ?? "") }

    /// The place, opened; paths are relative to `folder`.
    public func open(in folder: String = "", credentials: RegistryCredentials) throws -> any OCIBlobSource {
        if isRegistry {
            guard let digest else { throw PackageError("image '\(place)'", "is named without a digest") }
            return OCIRegistry(
                RegistryClient(try RegistryReference(place, digest: digest), credentials: credentials))
        }
        let path = place.hasPrefix("/") || folder.isEmpty ? place : folder + "/" + place
        guard let isFile = FileSystem.isRegularFile(path) else {
            throw PackageError(
                path, "there is no image", outcome: .environment, hint: "make or fetch the layout first")
        }
        return isFile ? try OCILayoutArchive(path) : try OCILayoutDirectory(path)
    }
}
