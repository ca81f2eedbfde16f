extension IGVMFile {
    /// The bytes of the pages that end at 4 GiB without a gap, where x86 firmware stands; nil if there are none, or more
    /// than a firmware has.
    public func firmware(_ platform: IGVMPlatform) -> [UInt8]? {
        var pages: [UInt64: IGVMPageData] = [:]
        for header in directives where header.applies(to: platform) {
            guard case .pageData(let page) = header.content, page.kind == .normal, !page.isShared, page.gpa < 1 << 32
            else { continue }
            pages[page.gpa + UInt64(page.byteCount)] = page
        }
        var parts: [IGVMPageData] = []
        var end: UInt64 = 1 << 32
        while let page = pages[end] {
            parts.append(page)
            end = page.gpa
        }
        guard !parts.isEmpty, (1 << 32) - end <= OVMFImage.maximumByteCount else { return nil }
        return parts.reversed().flatMap { contents(of: $0) ?? ArraySlice(repeating: 0, count: $0.byteCount) }
    }
}
