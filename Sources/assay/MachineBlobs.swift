import Bytes
import Files
import Firmware
import Hashing
import LaunchMeasurement
import QEMUHost
import Release

/// What a machine hands to its firmware: pinned by a profile and derived for another shape, from files, or from a QEMU.
enum MachineBlobs {
    /// The pinned blobs and items of a profile, for another number of processors and other memory where asked.
    static func pinned(_ folder: PlatformFolder, shape: ACPIMachineShape?) throws -> [String: [UInt8]] {
        let rules = try folder.profile.eventRules()
        let items = rules.items.map { ($0.name, $0.bytes) }
        let blobs = folder.blobs.merging(items) { blob, _ in blob }
        guard let shape else { return blobs }
        guard let capture = folder.profile.capture else {
            throw CommandFailure(
                "\(folder.path)/profile.yaml: it has no 'capture' section",
                hint: "without the machine's arguments nothing can be derived for another")
        }
        return try MachineTables.derived(
            blobs, from: ACPIMachineShape(arguments: capture.arguments), to: shape, mmio64: rules.mmio64,
            memoryDevice: MachineTables.memoryDevice(version: capture.version, arguments: capture.arguments))
    }

    /// Items as files: `DIR/etc/acpi/tables` or `DIR/tables`, and so on; what is not there is left out. Loader script and
    /// root pointer follow from the tables where they are not given.
    static func files(in folder: String) throws -> [String: [UInt8]] {
        var blobs: [String: [UInt8]] = [:]
        for name in MachineCapture.names {
            let last = name.split(separator: "/").last.map(String.init) ?? name
            guard let path = ["\(folder)/\(name)", "\(folder)/\(last)"].first(where: { FileSystem.exists($0) }) else {
                continue
            }
            blobs[name] = try InputFile.contents(of: path, limit: ACPITables.maximumByteCount)
        }
        guard let bytes = blobs[ACPITables.itemName] else {
            throw CommandFailure("\(folder): it has no \(ACPITables.itemName)", hint: "put the item there as a file")
        }
        let tables = try ACPITables(bytes, source: "\(folder)/\(ACPITables.itemName)")
        blobs[ACPITables.itemName] = tables.encoded
        if blobs[LinkerScript.itemName] == nil {
            blobs[LinkerScript.itemName] = try LinkerScript(linking: tables).encoded
        }
        if blobs[ACPIRootPointer.itemName] == nil {
            blobs[ACPIRootPointer.itemName] = try ACPIRootPointer.encoded(for: tables)
        }
        return blobs
    }

    /// Items captured from `qemu` for a profile's machine, in another shape where asked; from the cache if the same build
    /// gave them before.
    static func captured(
        _ qemu: String, profile: PlatformProfile, shape: ACPIMachineShape? = nil
    ) throws -> [String: [UInt8]] {
        guard let declared = profile.capture else {
            throw CommandFailure("\(profile.name): it has no 'capture' section", hint: "say how the machine is started")
        }
        let rules = try profile.eventRules()
        let arguments = shape?.captureArguments(like: declared.arguments) ?? declared.arguments
        let capture = MachineCapture(
            program: qemu, arguments: arguments, mmconfig: rules.mmconfig, mmio64: rules.mmio64,
            firmwareSize: profile.firmware.size)
        let items: [MachineCapture.Item]
        if let cache = try CaptureCache() {
            items = try cache.items(capture, build: programDigest(qemu))
        } else {
            items = try capture.run()
        }
        return Dictionary(items.map { ($0.name, $0.bytes) }, uniquingKeysWith: { first, _ in first })
    }

    /// `DIR` or `qemu:BINARY`, as measuring commands take it.
    static func load(
        _ source: String, profile: PlatformProfile, shape: ACPIMachineShape? = nil
    ) throws -> [String: [UInt8]] {
        guard source.hasPrefix("qemu:") else { return try files(in: source) }
        return try captured(String(source.dropFirst(5)), profile: profile, shape: shape)
    }

    /// SHA-256 of the program's file: the build id.
    private static func programDigest(_ qemu: String) throws -> Digest {
        let build = try QEMUBuild(of: qemu)
        var hash = Hash(.sha256)
        try InputFile(build.binary).forEachChunk { (chunk) throws(FileError) in hash.update(chunk) }
        return hash.finish()
    }
}

extension ACPIMachineShape {
    /// More memory than this need not be there: nothing runs that could touch it.
    private static let reserved: UInt64 = 4 << 30

    /// A machine's arguments in this shape, with memory that the host does not set aside if it is much.
    fileprivate func captureArguments(like declared: [String]) -> [String] {
        let words = arguments(like: declared)
        guard memory > Self.reserved else { return words }
        let backend = "memory-backend-ram,id=capture-memory,size=\(memory >> 20)M,reserve=off"
        return words + ["-object", backend, "-machine", "memory-backend=capture-memory"]
    }
}

extension PlatformProfile {
    /// The event rules of a TDX or vTPM profile.
    func eventRules() throws -> EventRules {
        switch section {
        case .tdx(let section): return section.events
        case .vtpm(let section): return section.events
        case .snp:
            throw CommandFailure(
                "\(name): an SNP profile pins no tables", hint: "no register of SEV-SNP covers ACPI or SMBIOS")
        }
    }
}
