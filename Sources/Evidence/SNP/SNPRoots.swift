public import Hashing

extension SNPProduct {
    /// SHA-256 of the SubjectPublicKeyInfo of AMD's root key (ARK) for the line; nil where none is pinned.
    ///
    /// The key is pinned and not the certificate, which AMD may issue again. Milan's is the root of a chain that signs
    /// real reports; all three stand alike in verifiers of several projects.
    public var rootKeyDigest: Digest? {
        switch self {
        case .milan: Digest(.sha256, hex: "9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9")
        case .genoa: Digest(.sha256, hex: "429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831")
        case .turin: Digest(.sha256, hex: "4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08")
        case .venice: nil
        }
    }
}
