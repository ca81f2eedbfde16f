private import Bytes
public import Hashing

/// The kernel command line of an image: one line of words without a final newline.
///
/// The initrd sets up the verified root from these words alone, so they state everything that the unauthenticated
/// verity superblock states too.
public enum CommandLine {
    /// Beginnings of words that a rule sets; a definition that has one is refused.
    static let reserved = ["roothash=", "assay.verity.", "panic="]
    /// Words that come first in every image: the serial console, and a restart instead of waiting after a panic.
    static let first = ["console=ttyS0,115200", "panic=-1"]

    /// The command line for a root of `dataBlocks` blocks of 4096 bytes whose hash tree starts at block `hashStart` of
    /// the hash partition.
    public static func text(
        words: [String], rootHash: Digest, dataBlocks: Int, hashStart: Int, salt: [UInt8]
    ) -> String {
        let verity = [
            "roothash=\(rootHash.hex)", "assay.verity.data_blocks=\(dataBlocks)",
            "assay.verity.hash_start=\(hashStart)", "assay.verity.salt=\(salt.hex)",
            "assay.verity.options=panic_on_corruption",
        ]
        return (first + words + verity).joined(separator: " ")
    }
}
