private import Bytes
import Documents
import Firmware
import Trace

/// Turns directives into the steps of a launch, one by one.
struct IGVMLaunchBuilder {
    let file: IGVMFile
    let platform: IGVMPlatform
    let rules: IGVMRules
    private(set) var steps: [IGVMLaunch.Step] = []
    /// What stands behind the start of the run of adjoining pages that QEMU has not launched yet.
    private var pending: [IGVMLaunch.Step] = []
    private(set) var warnings: [String] = []
    /// The save areas, which a rule may put after everything else.
    private var saveAreas: [LaunchPlan.Run] = []
    private var pageCount = 0
    /// Guest memory of pages and parameter areas, and the place of each save area with its header.
    private var memory: [Range<UInt64>] = []
    private var saveAreaPlaces: [(gpa: UInt64, header: Int)] = []
    /// One for all zero pages.
    private static let zeroPage = [UInt8](repeating: 0, count: LaunchPlan.pageByteCount)
    /// The last page, while no other directive came between.
    private var lastPage: (index: Int, page: IGVMPageData)?

    init(file: IGVMFile, platform: IGVMPlatform, rules: IGVMRules) {
        self.file = file
        self.platform = platform
        self.rules = rules
    }

    mutating func addDirectives() throws(IGVMError) {
        for (index, header) in file.directives.enumerated() where header.applies(to: platform) {
            switch header.content {
            case .pageData(let page): try add(page, header, index)
            case .parameterInsert(let insert): try add(insert, header, index)
            case .vpContext(let context): try add(context, header, index)
            case .requiredMemory(let memory):
                note(header, index, gpa: memory.gpa, details: [("bytes", .count(Int(memory.byteCount)))])
            case .errorRange(let range):
                note(header, index, gpa: range.gpa, details: [("bytes", .count(Int(range.byteCount)))])
            case .parameterArea(let area):
                note(header, index, details: [("area", .count(Int(area.index))), ("bytes", .hex(area.byteCount))])
            case .parameter(let parameter):
                note(
                    header, index,
                    details: [("area", .count(Int(parameter.areaIndex))), ("offset", .hex(parameter.offset))])
            case .skipped:
                warnings.append("passed over an optional header of \(header.type) at \(hexadecimal(header.offset))")
                note(header, index)
            default: note(header, index)
            }
        }
        launchPending()
        try checkPlaces()
        if rules.placement == .kvm {
            steps += saveAreas.map { .pages($0) }
            checkForKVM()
        }
    }

    // MARK: Pages

    private mutating func launchPending() {
        steps += pending
        pending = []
    }

    private mutating func add(_ page: IGVMPageData, _ header: IGVMHeader, _ index: Int) throws(IGVMError) {
        if !continuesPendingRun(page, index) { launchPending() }
        lastPage = (index, page)
        guard !page.isShared else {
            return note(header, index, "PAGE_DATA, shared with the host", gpa: page.gpa)
        }
        try count(page.byteCount / LaunchPlan.pageByteCount)
        memory.append(page.gpa..<page.gpa + UInt64(page.byteCount))
        let run = try run(page, header, index)
        guard continuesLastRun(run), case .pages(var last)? = pending.last else { return pending.append(.pages(run)) }
        last.count += run.count
        last.countDirective()
        pending[pending.count - 1] = .pages(last)
    }

    /// Whether QEMU puts the page into the run that it is gathering.
    private func continuesPendingRun(_ page: IGVMPageData, _ index: Int) -> Bool {
        guard let (lastIndex, last) = lastPage else { return false }
        return lastIndex == index - 1 && last.gpa + UInt64(last.byteCount) == page.gpa
            && last.kind == page.kind && last.isLarge == page.isLarge && last.isShared == page.isShared
            && last.isUnmeasured == page.isUnmeasured && last.compatibilityMask == page.compatibilityMask
            && (last.fileOffset == 0) == (page.fileOffset == 0)
    }

    /// Whether a run of equal pages goes on.
    private func continuesLastRun(_ run: LaunchPlan.Run) -> Bool {
        guard case .pages(let last)? = pending.last else { return false }
        guard last.type == run.type, last.name == run.name, last.type != .vmsa else { return false }
        switch (last.content, run.content) {
        case (.none, .none): break
        case (.page(let a), .page(let b)) where a == b: break
        default: return false
        }
        return last.gpa + last.step * UInt64(last.count) == run.gpa
    }

    private func run(
        _ page: IGVMPageData, _ header: IGVMHeader, _ index: Int
    ) throws(IGVMError) -> LaunchPlan.Run {
        var run = LaunchPlan.Run(
            id: "directive-\(index)", name: "PAGE_DATA", origin: "IGVM directive order", type: .normal, gpa: page.gpa,
            count: page.byteCount / LaunchPlan.pageByteCount,
            details: [("headerOffset", .hex(header.offset))])
        guard page.kind == .normal else {
            guard platform.kind == .snp else {
                throw .pageKind(file: file.name, offset: header.offset, kind: page.kind, platform: platform.kind)
            }
            run.type = page.kind == .secrets ? .secrets : .cpuid
            run.name = "PAGE_DATA, \(page.kind.title) page"
            return run
        }
        if page.isUnmeasured {
            run.type = .unmeasured
            run.name = "PAGE_DATA, not measured"
        } else if let bytes = file.contents(of: page) {
            run.content = .file(artifact: file.name, offset: Int(page.fileOffset), bytes: bytes)
        } else {
            run.name = "PAGE_DATA, zero page"
            run.origin = rules.zeroPages.origin
            if rules.zeroPages == .native {
                run.type = .zero
            } else {
                run.content = .page(Self.zeroPage)
            }
        }
        return run
    }

    private mutating func add(
        _ insert: IGVMParameterInsert, _ header: IGVMHeader, _ index: Int
    ) throws(IGVMError) {
        let pages = Int(clamping: (file.byteCount(ofArea: insert.areaIndex) ?? 0) / UInt64(LaunchPlan.pageByteCount))
        guard pages > 0 else { return note(header, index, gpa: insert.gpa) }
        try count(pages)
        memory.append(insert.gpa..<insert.gpa + UInt64(pages * LaunchPlan.pageByteCount))
        let step = IGVMLaunch.Step.pages(
            LaunchPlan.Run(
                id: "directive-\(index)", name: "PARAMETER_INSERT of area \(insert.areaIndex)",
                origin: rules.parameters.origin, type: .unmeasured, gpa: insert.gpa, count: pages,
                details: [("headerOffset", .hex(header.offset))]))
        switch rules.parameters {
        case .file:
            launchPending()
            steps.append(step)
            lastPage = nil
        case .qemu: steps.append(step)
        }
    }

    private mutating func count(_ pages: Int) throws(IGVMError) {
        guard pages <= IGVMLaunch.maximumPageCount - pageCount else { throw .tooManyPages(file: file.name) }
        pageCount += pages
    }

    // MARK: Processors

    private mutating func add(_ context: IGVMVPContext, _ header: IGVMHeader, _ index: Int) throws(IGVMError) {
        guard [.snp, .sevES].contains(platform.kind) else { return note(header, index) }
        if rules.placement == .kvm, !saveAreas.isEmpty {
            throw .severalSaveAreas(file: file.name, offset: header.offset)
        }
        let run = LaunchPlan.Run(
            id: "directive-\(index)", name: "VP_CONTEXT of processor \(context.vpIndex)",
            origin: rules.placement.origin,
            type: .vmsa, gpa: rules.placement == .kvm ? VMMRules.qemu.vmsaGPA : context.gpa, step: 0,
            content: .file(
                artifact: file.name, offset: Int(context.fileOffset), bytes: file.saveArea(context)),
            details: [("headerOffset", .hex(header.offset)), ("fileGPA", .hex(context.gpa))])
        try count(1)
        saveAreas.append(run)
        if rules.placement == .file, platform.kind == .snp { saveAreaPlaces.append((context.gpa, header.offset)) }
        if rules.placement == .file { pending.append(.pages(run)) }
    }

    /// Requires that no save area lies where a page was launched: SEV-SNP takes no page of a guest twice.
    private func checkPlaces() throws(IGVMError) {
        let pages = memory.sorted { $0.lowerBound < $1.lowerBound }
        var next = pages.startIndex
        for place in saveAreaPlaces.sorted(by: { $0.gpa < $1.gpa }) {
            while next < pages.endIndex, pages[next].upperBound <= place.gpa { next += 1 }
            guard next < pages.endIndex, pages[next].contains(place.gpa) else { continue }
            throw .saveAreaOverlap(file: file.name, offset: place.header, gpa: place.gpa)
        }
    }

    /// What KVM does otherwise than the file says, or refuses.
    private mutating func checkForKVM() {
        guard [.snp, .sevES].contains(platform.kind) else { return }
        guard let run = saveAreas.first, case .file(_, _, let bytes) = run.content else {
            return warnings.append(
                "no VP_CONTEXT for this platform: what KVM measures for the boot processor is missing")
        }
        let area = SaveAreaFields(bytes)
        if ![0x30, 0x31].contains(area.cr0) {
            warnings.append("VP_CONTEXT: CR0 is \(hexadecimal(area.cr0)); KVM launches with 0x31 or 0x30")
        }
        if (area.sevFeatures & 1 == 1) != (platform.kind == .snp) {
            warnings.append(
                "VP_CONTEXT: SEV_FEATURES is \(hexadecimal(area.sevFeatures)); QEMU wants SNPActive exactly on SEV-SNP")
        }
    }

    // MARK: What is not measured

    private mutating func note(
        _ header: IGVMHeader, _ index: Int, _ name: String? = nil, gpa: UInt64? = nil,
        details: [(name: String, value: Value)] = []
    ) {
        pending.append(
            .unmeasured(
                TraceNode(
                    id: "directive-\(index)", name: name ?? "\(header.type)",
                    origin: "IGVM directive that no register takes", gpa: gpa,
                    details: [("headerOffset", .hex(header.offset))] + details)))
    }
}

extension LaunchPlan.Run {
    /// Notes that one more directive is in the run.
    fileprivate mutating func countDirective() {
        var directives = 1
        for detail in details where detail.name == "directives" {
            if case .integer(let number) = detail.value { directives = Int(number) }
        }
        details.removeAll { $0.name == "directives" }
        details.append(("directives", .count(directives + 1)))
    }
}

extension IGVMPageData.Kind {
    fileprivate var title: String {
        switch self {
        case .normal: "data"
        case .secrets: "secrets"
        case .cpuid: "CPUID"
        case .cpuidXF: "CPUID extended state"
        }
    }
}
