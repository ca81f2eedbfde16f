import Bytes
import Documents
import Files
import Firmware
import Hashing
import LaunchMeasurement

extension FileRecognizer {
    /// An IGVM file: platforms with their measurements, headers by kind, first processor state, ID blocks, firmware.
    static let igvm = FileRecognizer(
        kind: "IGVM file",
        matches: { IGVMFile.isLikely($0.head) },
        describe: { source in
            let file = try IGVMFile(source.contents(limit: IGVMFile.maximumByteCount), name: source.name)
            return IGVMFacts(file: file).all
        })
}

/// What `inspect` says about an IGVM file; a platform that cannot be measured does not hide the others.
private struct IGVMFacts {
    let file: IGVMFile

    var all: [(String, Value)] {
        [
            ("size", .count(file.bytes.count)), ("sha256", .string(Digest.of(file.bytes, .sha256).hex)),
            ("formatVersion", .integer(Int64(file.formatVersion))),
            ("architecture", .string("\(file.architecture)")), ("checksum", .hex(file.checksum)),
            ("headers", headerCounts),
        ] + file.platforms.map { ("\($0.kind)", platform($0)) }
    }

    /// How often each kind of header comes, in the order of first appearance.
    private var headerCounts: Value {
        var names: [String] = []
        var counts: [String: Int] = [:]
        for header in file.initializations + file.directives {
            let name = "\(header.type)"
            if counts[name] == nil { names.append(name) }
            counts[name, default: 0] += 1
        }
        return .object(names.map { ($0, .count(counts[$0] ?? 0)) })
    }

    private func platform(_ platform: IGVMPlatform) -> Value {
        var members: [(String, Value)] = [
            ("compatibilityMask", .hex(platform.compatibilityMask)),
            ("highestVTL", .integer(Int64(platform.highestVTL))),
            ("sharedGPABoundary", .hex(platform.sharedGPABoundary)),
            ("policy", file.guestPolicy(platform).map { .hex($0) } ?? .null),
        ]
        do {
            let launch = try IGVMLaunch(file, platform: platform.kind)
            let digest = launch.measure().digest
            members.append((launch.register, .string(digest.hex)))
            members.append(("warnings", .array(of: launch.warnings.map { .string($0) })))
            if let verdict = IDBlockVerdict(launch, digest: digest) { members.append(("idBlock", verdict.document)) }
        } catch {
            members.append(("measurement", .string("\(error)")))
        }
        members.append(("processors", .array(of: processors(platform))))
        if let firmware = firmware(platform) { members.append(("firmware", firmware)) }
        return .object(members)
    }

    private func processors(_ platform: IGVMPlatform) -> [Value] {
        file.directives.compactMap { header in
            guard header.applies(to: platform), case .vpContext(let context) = header.content else { return nil }
            var members: [(String, Value)] = [
                ("index", .integer(Int64(context.vpIndex))), ("gpa", .hex(context.gpa)),
            ]
            if [.snp, .sevES].contains(platform.kind) {
                let area = SaveAreaFields(file.saveArea(context))
                members += [
                    ("csBase", .hex(area.csBase)), ("rip", .hex(area.rip)), ("rsp", .hex(area.rsp)),
                    ("cr0", .hex(area.cr0)), ("cr3", .hex(area.cr3)), ("cr4", .hex(area.cr4)),
                    ("efer", .hex(area.efer)), ("rdx", .hex(area.rdx)), ("vmpl", .integer(Int64(area.vmpl))),
                    ("sevFeatures", .hex(area.sevFeatures)),
                ]
            }
            return .object(members)
        }
    }

    /// The firmware in front of 4 GiB, if the file has one there.
    private func firmware(_ platform: IGVMPlatform) -> Value? {
        guard let bytes = file.firmware(platform), let image = try? OVMFImage(bytes, name: file.name) else {
            return nil
        }
        let verifies = (try? image.verifiesKernelHashes()) ?? nil
        return .object([
            ("baseGPA", .hex(image.baseGPA)), ("size", .count(bytes.count)),
            ("sha256", .string(Digest.of(bytes, .sha256).hex)),
            (
                "table",
                .array(
                    of: image.table.entries.map { entry in
                        .string(OVMFGuid.name(of: entry.guid) ?? entry.guid.description)
                    })
            ),
            ("verifiesKernelHashes", verifies.map { .bool($0) } ?? .null),
        ])
    }
}
