private import Bytes
public import Hashing

/// The kind of a page in a launch update (SEV-SNP firmware ABI 1.57, §8.17.1, table 67).
public enum PageType: UInt8, Sendable, CaseIterable {
    case normal = 1
    case vmsa = 2
    case zero = 3
    case unmeasured = 4
    case secrets = 5
    case cpuid = 6

    /// Whether the page's bytes enter the digest; of the others only the record does.
    public var measuresContent: Bool { self == .normal || self == .vmsa }
}

/// The running SEV-SNP launch digest: a chain of SHA-384 over one record a page.
///
/// PAGE_INFO (SEV-SNP firmware ABI 1.57, §8.17.2, table 68):
///
///     0x00 48 DIGEST_CUR     the digest so far
///     0x30 48 CONTENTS       SHA-384 of the page, zeros where the type measures none
///     0x60  2 LENGTH         0x70
///     0x62  1 PAGE_TYPE
///     0x63  5 IMI_PAGE, reserved, VMPL permissions: 0
///     0x68  8 GPA
public struct LaunchDigest: Hashable, Sendable {
    public static let recordByteCount = 0x70
    /// The value after the pages so far.
    public private(set) var value: Digest

    /// The digest before the first page, or after the pages that `seed` already covers.
    public init(seed: Digest = .zero(.sha384)) { value = seed }

    /// Adds one page: `contents` is its SHA-384 for a type that measures it.
    public mutating func add(_ type: PageType, gpa: UInt64, contents: Digest? = nil) {
        var chain = chain(type, gpa: gpa, contents: type.measuresContent ? contents?.bytes : nil)
        chain.step()
        value = chain.value
    }

    /// Adds the pages of a run.
    mutating func add(_ run: LaunchPlan.Run) {
        let contents = run.contentDigests
        let size = HashAlgorithm.sha384.byteCount
        var chain = chain(run.type, gpa: run.gpa, contents: Array(contents.prefix(size)))
        for index in 0..<run.count {
            if index > 0 {
                var address = ByteWriter(capacity: 8)
                address.append(run.gpa &+ run.step &* UInt64(index))
                chain.replace(at: 0x68, with: address.bytes)
                if contents.count >= (index + 1) * size {
                    chain.replace(at: 0x30, with: contents[index * size..<(index + 1) * size])
                }
            }
            chain.step()
        }
        value = chain.value
    }

    /// A chain whose next step adds this page, and every further step the same page again.
    public func chain(_ type: PageType, gpa: UInt64, contents: [UInt8]?) -> HashChain {
        var record = ByteWriter(capacity: Self.recordByteCount)
        record.append(value.bytes)
        let none = Digest.zero(.sha384).bytes
        record.append(contents.flatMap { $0.count == none.count ? $0 : nil } ?? none)
        record.append(UInt16(Self.recordByteCount))
        record.append(type.rawValue)
        record.append(repeating: 0, count: 5)
        record.append(gpa)
        return HashChain(.sha384, record: record.bytes)
    }
}
