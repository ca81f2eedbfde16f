internal import DiskFormats
private import Files

extension LoaderEntry {
    /// The entries of a unified kernel image in `EFI/Linux` (type 2): one for each of its profiles, none if its
    /// os-release names no system (systemd, `boot_entry_add_type2`).
    static func unified(_ image: PEImage, path: String, name: String) throws -> [LoaderEntry] {
        var base: [String: PEImage.Section] = [:]
        var profiles: [[String: PEImage.Section]] = []
        for section in image.sections {
            if section.name == ".profile" { profiles.append([:]) }
            if profiles.isEmpty {
                if base[section.name] == nil { base[section.name] = section }
            } else if profiles[profiles.count - 1][section.name] == nil {
                profiles[profiles.count - 1][section.name] = section
            }
        }
        var entries: [LoaderEntry] = []
        for number in 0..<min(max(1, profiles.count), 256) {
            let sections = number < profiles.count ? base.merging(profiles[number]) { _, own in own } : base
            guard let release = sections[".osrel"] else { continue }
            let system = try lines(release, of: image)
            guard system["PRETTY_NAME"] ?? system["IMAGE_ID"] ?? system["NAME"] ?? system["ID"] != nil else { continue }
            var entry = LoaderEntry(kind: .unified(profile: number), program: path, id: "")
            entry.version =
                system["IMAGE_VERSION"] ?? system["VERSION"] ?? system["VERSION_ID"] ?? system["BUILD_ID"]
            entry.sortKey = system["IMAGE_ID"] ?? system["ID"]
            let profile = try sections[".profile"].flatMap { try lines($0, of: image)["ID"] }
            entry.takeName(name, suffix: ".efi")
            // Counters replace the whole name, profile included.
            if number > 0 {
                entry.idWithoutProfile = name.asciiLowercased
                if entry.tries == nil { entry.id += "@" + (profile?.asciiLowercased ?? String(number)) }
            }
            entries.append(entry)
        }
        return entries
    }

    private static func lines(_ section: PEImage.Section, of image: PEImage) throws -> LoaderLines {
        let contents = try image.contents(of: section)
        guard contents.count <= LoaderLines.limit else {
            throw MeasurementInputError("\(image.source.name): section \(section.name) has \(contents.count) bytes")
        }
        return LoaderLines(
            try contents.read(at: 0, count: contents.count, section.name), separators: [UInt8(ascii: "=")])
    }
}
