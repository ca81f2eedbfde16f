internal import Bytes
internal import DiskFormats
internal import EventLogs
internal import Files
internal import Firmware
private import Hashing
import Trace

extension BootChain {
    /// What shim 16.1 of Debian measures, and what it starts: the GRUB beside it.
    mutating func shim(_ image: PEImage, path: String) throws {
        let shim = try ShimImage(image)
        if let reason = unknownCircumstance(shim, path: path) { return stop(reason, at: "shim") }
        let origin = "shim \(shim.version): no key of the machine's owner in the variable store"
        try owner("MokList", shim.ownerList, origin: origin)
        try owner("MokListX", shim.refusedList, origin: origin)
        try shimVariable(
            "SbatLevel", ShimImage.vendorGUID, secureBoot ? shim.automaticLevel : ShimImage.originalLevel,
            origin: "shim \(shim.version): "
                + (secureBoot ? "its own automatic level" : "the first level, secure boot is off"))
        try owner("MokListTrusted", [1], origin: origin)
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        guard let next = volume.file(folder + "/grubx64.efi") else {
            return stop("\(folder)/grubx64.efi, which shim starts, is not there", at: "shim")
        }
        let program = try PEImage(next.contents)
        guard try verify(program, shim, next.path) else { return }
        let artifact = add(next)
        try events.image(
            try BootProgram(program).name, pieces: try events.authenticode(of: artifact),
            origin: "shim \(shim.version): \(next.path) beside it")
        guard try BootProgram(program) == .grub else {
            return stop("\(next.path) after shim is no GRUB; what it does is not computed", at: next.name)
        }
        try grub(program, path: next.path, shim: shim)
    }

    private func unknownCircumstance(_ shim: ShimImage, path: String) -> String? {
        guard shim.version == "16.1", shim.vendor == "shim.debian" else {
            return "shim \(shim.version) of \(shim.vendor ?? "an unknown vendor"): only Debian's 16.1 was checked"
        }
        guard shim.authorized.isEmpty || shim.hasCertificate else {
            return "shim has a vendor database, which is not computed"
        }
        if let variable = machine.variables.variables.first(where: { $0.vendor == ShimImage.vendorGUID }) {
            return "the variable store has \(variable.name), which shim measures or acts on"
        }
        if volume.file("EFI/BOOT/fbx64.efi") != nil {
            return "EFI/BOOT/fbx64.efi is there: shim starts it, and it makes boot options and starts again"
        }
        let folder = path.split(separator: "/").dropLast().joined(separator: "/")
        let names = volume.list(folder).map(\.name).filter {
            $0.asciiLowercased.hasPrefix("shim_certificate") || $0.asciiLowercased.hasPrefix("revocations")
        }
        return secureBoot ? names.first.map { "\(folder)/\($0) changes what shim trusts" } : nil
    }

    /// A list of the machine's owner: PCR 14, the name with NUL in the log.
    private mutating func owner(_ name: String, _ value: [UInt8], origin: String) throws {
        try events.append(
            name, pcr: 14, .ipl, content: [.init(name, .literal(value))], data: Array(name.utf8) + [0], origin: origin)
    }

    /// A variable by which shim decides: PCR 7, the same one once a boot.
    private mutating func shimVariable(_ name: String, _ vendor: GUID, _ value: [UInt8], origin: String) throws {
        let data = UEFIVariableData(vendor: vendor, name: name, data: value).encoded
        guard !shimAuthorities.contains(data) else { return }
        shimAuthorities.append(data)
        try events.append("shim's \(name)", pcr: 7, .variableAuthority, data: data, origin: origin)
    }

    /// With secure boot on: what lets shim start an image, from db or its own list. False: shim refuses it, or it cannot
    /// be told; the prediction ends then.
    mutating func verify(_ image: PEImage, _ shim: ShimImage, _ path: String) throws -> Bool {
        guard secureBoot else { return true }
        let signers = try ImageSigners(image)
        guard signers.count <= 1 else {
            stop("\(path) has several signatures; which of them shim takes is not computed", at: "shim")
            return false
        }
        let digest = try Authenticode.digest(image, algorithm: .sha256).bytes
        let lists = [
            ("db", GUID.imageSecurityDatabase, machine.variables.value("db", .imageSecurityDatabase) ?? []),
            ("MokListRT", ShimImage.vendorGUID, shim.ownerList),
        ]
        for (name, vendor, value) in lists {
            let database = try value.withReader(source: name) { reader throws in try SignatureDatabase(parsing: &reader)
            }
            // Digests before certificates.
            let entry =
                database.entries.first { $0.type == SignatureDatabase.sha256 && $0.data == digest }
                ?? signers.authority(in: database, digest: [])
            guard let entry else { continue }
            try shimVariable(
                name, vendor, entry.encoded, origin: "shim \(shim.version): the first entry that vouches for \(path)")
            return true
        }
        stop("shim refuses \(path): no entry of db or of its own list allows it", at: "shim")
        return false
    }
}
