public import Hashing
public import Transport

/// A repository of a registry as a place of blobs.
public struct OCIRegistry: OCIBlobSource {
    private let client: RegistryClient
    public var title: String { "\(client.reference.host)/\(client.reference.repository)" }

    public init(_ client: RegistryClient) { self.client = client }

    public func blob(_ digest: Digest, limit: Int, isManifest: Bool) throws -> [UInt8]? {
        guard isManifest else { return try client.blob(digest, limit: limit) }
        let types = OCIMediaType.manifests + OCIMediaType.indexes
        return try client.manifest(digest, accepting: types, limit: limit)
    }

    /// Nothing: a registry is asked by digest alone.
    public func listed() throws -> [OCIDescriptor] { [] }
}
