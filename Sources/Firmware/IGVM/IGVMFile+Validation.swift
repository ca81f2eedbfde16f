import Bytes

extension IGVMFile {
    /// Requires what no header can tell by itself: declared platforms, data inside the file, one use of each parameter
    /// area, pages that do not overlap.
    func validate(dataStart: Int) throws(FormatError) {
        try validatePlatforms()
        var areas = ParameterAreas()
        for header in initializations + directives {
            try validateMask(header)
            try validateData(header, dataStart: dataStart)
            try areas.use(header, in: self)
        }
        for platform in platforms { try validateMemory(platform) }
    }

    func error(_ header: IGVMHeader, _ field: String, found: String, expected: String) -> FormatError {
        FormatError(
            source: name, offset: header.offset, field: "\(header.type)\(field)", found: found, expected: expected)
    }

    private func validatePlatforms() throws(FormatError) {
        guard !platforms.isEmpty else {
            throw FormatError(
                source: name, field: "SUPPORTED_PLATFORM", found: "no such header", expected: "at least one")
        }
        var masks: UInt32 = 0
        var kinds: Set<IGVMPlatform.Kind> = []
        for platform in platforms {
            guard masks & platform.compatibilityMask == 0, kinds.insert(platform.kind).inserted else {
                throw FormatError(
                    source: name, field: "SUPPORTED_PLATFORM",
                    found: "a second \(platform.kind) with mask \(hexadecimal(platform.compatibilityMask))",
                    expected: "every platform and every mask once")
            }
            masks |= platform.compatibilityMask
            let right: Bool =
                switch platform.kind {
                case .vsm: true
                case .cca: architecture == .aarch64
                default: architecture == .x64
                }
            guard right else {
                throw FormatError(
                    source: name, field: "SUPPORTED_PLATFORM", found: "\(platform.kind) in a file for \(architecture)",
                    expected: "a platform of that architecture")
            }
        }
    }

    private func validateMask(_ header: IGVMHeader) throws(FormatError) {
        guard let mask = header.compatibilityMask else { return }
        let declared = platforms.reduce(0) { $0 | $1.compatibilityMask }
        guard mask != 0, mask & ~declared == 0 else {
            throw error(
                header, ".compatibility mask", found: hexadecimal(mask),
                expected: "some of \(hexadecimal(declared)), the platforms that the file declares")
        }
    }

    private func validateData(_ header: IGVMHeader, dataStart: Int) throws(FormatError) {
        let range: (offset: UInt32, count: UInt64, isNeeded: Bool)
        switch header.content {
        case .pageData(let page): range = (page.fileOffset, UInt64(page.byteCount), false)
        case .parameterArea(let area): range = (area.fileOffset, area.byteCount, false)
        case .vpContext(let context):
            let isSaveArea = platforms.contains { [.snp, .sevES].contains($0.kind) && header.applies(to: $0) }
            range = (context.fileOffset, isSaveArea ? UInt64(IGVMVPContext.saveAreaByteCount) : 4, true)
        case .corim(let reference): range = (reference.fileOffset, UInt64(reference.size), true)
        default: return
        }
        if range.offset == 0, !range.isNeeded { return }
        guard range.offset >= dataStart, range.offset <= bytes.count,
            range.count <= UInt64(bytes.count) - UInt64(range.offset)
        else {
            throw error(
                header, ".file offset", found: "\(hexadecimal(range.offset)) + \(hexadecimal(range.count))",
                expected: "a range between \(hexadecimal(dataStart)) and \(hexadecimal(bytes.count))")
        }
    }

    /// Requires that no two pages of a platform's guest are the same memory, and that each special page comes once.
    private func validateMemory(_ platform: IGVMPlatform) throws(FormatError) {
        var ranges: [(start: UInt64, end: UInt64, header: Int)] = []
        var special: Set<IGVMPageData.Kind> = []
        for (index, header) in directives.enumerated() where header.applies(to: platform) {
            switch header.content {
            case .pageData(let page):
                if page.kind != .normal, !special.insert(page.kind).inserted {
                    throw error(
                        header, ".data type", found: "a second \(page.kind) page for \(platform.kind)",
                        expected: "at most one")
                }
                ranges.append((page.gpa, page.gpa + UInt64(page.byteCount), index))
            case .parameterInsert(let insert):
                ranges.append((insert.gpa, insert.gpa + (byteCount(ofArea: insert.areaIndex) ?? 0), index))
            default: break
            }
        }
        ranges.sort { ($0.start, $0.header) < ($1.start, $1.header) }
        for (left, right) in zip(ranges, ranges.dropFirst()) where left.end > right.start {
            throw error(
                directives[right.header], ".GPA",
                found: "\(hexadecimal(right.start)), inside the memory of the header at "
                    + hexadecimal(directives[left.header].offset),
                expected: "pages that do not overlap on \(platform.kind)")
        }
    }

    /// The size of a parameter area; nil if the file has no such area.
    public func byteCount(ofArea index: UInt32) -> UInt64? {
        areaByteCounts[index]
    }
}

/// The state of the parameter areas while directives are gone through.
private struct ParameterAreas {
    private var areas: [UInt32: (byteCount: UInt64, insertedFor: UInt32)] = [:]

    mutating func use(_ header: IGVMHeader, in file: IGVMFile) throws(FormatError) {
        switch header.content {
        case .parameterArea(let area):
            guard areas.updateValue((area.byteCount, 0), forKey: area.index) == nil else {
                throw file.error(header, ".index", found: "\(area.index) again", expected: "every index once")
            }
        case .parameter(let parameter):
            let area = try declared(parameter.areaIndex, header, file)
            guard area.insertedFor == 0 else {
                throw file.error(
                    header, ".area index", found: "\(parameter.areaIndex), which was inserted before",
                    expected: "an area that is still open")
            }
            guard UInt64(parameter.offset) + 4 <= area.byteCount else {
                throw file.error(
                    header, ".byte offset", found: hexadecimal(parameter.offset),
                    expected: "room for 4 bytes in an area of \(hexadecimal(area.byteCount))")
            }
        case .parameterInsert(let insert):
            let area = try declared(insert.areaIndex, header, file)
            guard area.insertedFor & insert.compatibilityMask == 0 else {
                throw file.error(
                    header, ".area index", found: "\(insert.areaIndex), which was inserted before",
                    expected: "an area that is inserted once on every platform")
            }
            guard insert.gpa <= 1 << 52, area.byteCount <= (1 << 52) - insert.gpa else {
                throw file.error(
                    header, ".GPA", found: "\(hexadecimal(insert.gpa)) + \(hexadecimal(area.byteCount))",
                    expected: "a range below 2^52")
            }
            areas[insert.areaIndex]?.insertedFor |= insert.compatibilityMask
        default: break
        }
    }

    private func declared(
        _ index: UInt32, _ header: IGVMHeader, _ file: IGVMFile
    ) throws(FormatError) -> (byteCount: UInt64, insertedFor: UInt32) {
        guard let area = areas[index] else {
            throw file.error(
                header, ".area index", found: "\(index)", expected: "an area that a PARAMETER_AREA before it declares")
        }
        return area
    }
}
