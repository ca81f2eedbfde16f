public import Hashing

/// Intel's root of trust for SGX and TDX, and the names of the certificates below it.
public enum IntelRoot {
    /// SHA-256 of the SubjectPublicKeyInfo of "Intel SGX Root CA".
    ///
    /// The key is pinned and not the certificate, which Intel may issue again. It is the root of the chains in quotes of
    /// several clouds, and the one that verifiers of several projects carry.
    public static let keyDigest = Digest(
        .sha256, hex: "a0af031289f5d5d4132f9186068a7fc13628633ba235777472e29b6b6c67a49e")

    static let rootName = "Intel SGX Root CA"
    static let pckName = "Intel SGX PCK Certificate"
    static let pckIssuerNames = ["Intel SGX PCK Platform CA", "Intel SGX PCK Processor CA"]
    static let tcbSigningName = "Intel SGX TCB Signing"
}
