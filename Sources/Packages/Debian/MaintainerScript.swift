public import Hashing

/// A program or list in a package's control part that dpkg acts on (deb-preinst(5) and its kin, deb-triggers(5)).
///
/// Only its digest is kept: nothing of it is ever run.
public struct MaintainerScript: Sendable, Hashable {
    public enum Kind: String, Sendable, Hashable, CaseIterable {
        /// Runs before the files are unpacked.
        case preinst
        /// Runs once they are.
        case postinst
        /// Runs before the files are removed or replaced.
        case prerm
        /// Runs once they are gone.
        case postrm
        /// Asks what the other scripts want to know (debconf-devel(7)).
        case config
        /// Declares which triggers the package sets off and waits for.
        case triggers
    }

    public var kind: Kind
    public var sha256: Digest

    public init(kind: Kind, sha256: Digest) {
        self.kind = kind
        self.sha256 = sha256
    }
}
