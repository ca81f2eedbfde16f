import ArgumentParser
import Bytes
import Files
import Hashing
import Signing

/// A PKCS#7 signature of a root hash, over the hash's lower-case hex digits, as the kernel and systemd check it.
struct RootHashSignatureOptions: ParsableArguments {
    @Option(help: ArgumentHelp("PKCS#7 signature of the root hash, in DER.", valueName: "file"))
    var rootHashSignature: String?
    @Option(help: ArgumentHelp("The signer's certificate, PEM or DER.", valueName: "file"))
    var certificate: String?

    func validate() throws {
        if (rootHashSignature == nil) != (certificate == nil) {
            throw ValidationError("--root-hash-signature and --certificate go together")
        }
    }

    /// Requires a good signature if there is one to check; gives whether there was.
    func check(_ root: Digest) throws -> Bool {
        guard let rootHashSignature, let certificate = try signer() else { return false }
        let signature = try DetachedSignature(
            der: InputFile.contents(of: rootHashSignature, limit: DetachedSignature.maximumByteCount),
            source: rootHashSignature)
        guard signature.isValid(over: Array(root.hex.utf8), by: certificate) else {
            throw CommandFailure(
                "\(rootHashSignature): not a signature of root hash \(root) by '\(certificate.name)'", outcome: .no,
                hint: "it may be of another image, or by another key")
        }
        return true
    }

    /// Signs with a key that is the certificate's, and writes the signature.
    func write(_ root: Digest, key: PrivateKey) throws {
        guard let rootHashSignature, let certificate = try signer() else { return }
        let bytes = try DetachedSignature.sign(Array(root.hex.utf8), with: key, certificate: certificate)
        try OutputFile.write(bytes, to: rootHashSignature)
    }

    private func signer() throws -> Certificate? {
        guard let certificate else { return nil }
        let bytes = try InputFile.contents(of: certificate, limit: Certificate.maximumFileByteCount)
        let found = try Certificate.read(bytes, source: certificate)
        guard found.count == 1 else {
            throw CommandFailure("\(certificate): \(found.count) certificates, expected the signer's alone")
        }
        return found.first
    }
}
