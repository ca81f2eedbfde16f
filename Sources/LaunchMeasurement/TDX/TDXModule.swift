private import Bytes
import Documents
public import Firmware
public import Hashing
public import Trace

/// What a quote says about the TDX module: MRSEAM and MRSIGNERSEAM.
///
/// The P-SEAMLDR loads a module in pages of 4 KiB, compares its SHA-384 with the hash in the module's SIGSTRUCT and hands
/// it on as MRSEAM. It loads modules that Intel signed and no others, and reports that signer as zeros.
public enum TDXModule {
    private static let pageSize = 4096

    /// The registers of `module`, a file such as Intel's `intel_tdx_module.so`.
    ///
    /// - Parameter signature: the module's SIGSTRUCT, which must hold the same hash; its RSA signature is not checked.
    public static func measure(
        _ module: [UInt8], name: String, signature: SEAMSignature? = nil
    ) throws(MeasurementInputError) -> (seam: Digest, signer: Digest, trace: TraceNode) {
        guard !module.isEmpty, module.count.isMultiple(of: pageSize), module.starts(with: [0x7F, 0x45, 0x4C, 0x46])
        else {
            throw MeasurementInputError(
                "\(name): found \(module.count) bytes, expected an ELF file of whole pages of 4096 bytes",
                hint: "give the module itself, e.g. intel_tdx_module.so, and its SIGSTRUCT with --sigstruct")
        }
        let digest = Digest.of(module, .sha384)
        var node = TraceNode(
            id: "MRSEAM", name: "TDX module", origin: "P-SEAMLDR: SHA-384 of all pages of the module",
            operation: .hash, register: "MRSEAM", digest: digest,
            source: .range(artifact: "tdx-module", offset: 0, count: module.count))
        if let signature {
            guard signature.seamHash == digest.bytes else {
                throw MeasurementInputError(
                    "\(name): its SHA-384 is \(digest.hex), the SIGSTRUCT is for \(signature.seamHash.hex)",
                    hint: "module and SIGSTRUCT are of different builds; no P-SEAMLDR loads them together")
            }
            guard !signature.isDebug else {
                throw MeasurementInputError(
                    "\(name): its SIGSTRUCT marks it as signed for debugging",
                    hint: "such a module runs on unlocked processors only, and no quote of it means anything")
            }
            node.details = [
                ("seamSVN", .hex(signature.seamSVN)), ("seamAttributes", .hex(signature.attributes)),
            ]
        }
        return (digest, .zero(.sha384), node)
    }
}
