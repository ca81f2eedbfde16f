private import Bytes
private import EventLogs
import Firmware
import Trace

extension TDShimBoot {
    /// Words of origin that all events share.
    private static let origin = "td-shim event_log.rs"

    /// All events in the order of the log.
    public func events() throws -> [MeasuredEvent] {
        var boot = BootEvents(contents: contents)
        try handoffEvent(&boot)
        if startsLinux {
            try separators(&boot)
            try linux(&boot)
        } else {
            try builtIn(&boot)
        }
        return boot.events
    }

    /// Whether the hand-off blocks were given, where there are any.
    private var handoffIsKnown: Bool { handoff != nil || image.section(.tdHOB) == nil }

    private static let missingHandoff = "the TD HOB, which the VMM makes, was not given"

    /// The list as the VMM gave it, its end block with it; nothing where there is no section for it.
    private func handoffEvent(_ boot: inout BootEvents) throws {
        guard image.section(.tdHOB) != nil, layout.measuresHandoff, layout.measuresPayload else { return }
        guard handoff != nil else {
            boot.appendUnknown("TD HOB", pcr: 1, .platformConfigFlags, reason: Self.missingHandoff)
            return
        }
        try configuration(
            "TD HOB", pcr: 1, descriptor: "td_hob\0", content: [try contents.whole(SourceName.handoff)], &boot,
            origin: "the list with its end block, as the VMM gave it")
    }

    private func separators(_ boot: inout BootEvents) throws {
        let origin = "td-shim: end of its own events, in RTMR0 and RTMR1"
        try boot.separator(pcr: 1, origin: origin)
        try boot.separator(pcr: 4, origin: origin)
    }

    /// A Linux payload: the whole section where MRTD does not cover it, and the whole section of the parameters.
    private func linux(_ boot: inout BootEvents) throws {
        guard layout.measuresPayload else { return }
        guard let section = image.section(.payload), let parameters = image.section(.payloadParam) else {
            throw MeasurementInputError(
                "\(image.image.name): the TD HOB tells of a Linux payload, and there is no PAYLOAD or PAYLOAD_PARAM "
                    + "section for it")
        }
        if !section.extendsMR {
            if let content = try payload(section) {
                try blob(section.address, content, padding: section.memorySize, &boot)
            } else {
                boot.appendUnknown(
                    "payload", pcr: 4, .platformFirmwareBlob2, reason: "the kernel was not given")
            }
        }
        let line = contents.has(SourceName.commandLine) ? [try contents.whole(SourceName.commandLine)] : []
        try configuration(
            "payload parameters", pcr: 5, descriptor: "td_payload_info\0",
            content: padded(line, to: parameters.memorySize), &boot,
            origin: "the command line in the whole PAYLOAD_PARAM section, zeros behind it")
    }

    /// What lies in the PAYLOAD section: the kernel, or bytes of the image.
    private func payload(_ section: TDVFMetadata.Section) throws -> MeasuredEvent.Piece? {
        if contents.has(SourceName.kernel) { return try contents.whole(SourceName.kernel) }
        guard section.rawSize > 0 else { return nil }
        return MeasuredEvent.Piece(
            "payload in the image",
            .range(
                artifact: TDXMeasurement.SourceName.firmware, offset: section.range.lowerBound,
                count: section.range.count))
    }

    /// The payload of td-shim's own image, after what secure boot takes of it.
    private func builtIn(_ boot: inout BootEvents) throws {
        guard let payload = image.builtIn else {
            throw MeasurementInputError(
                "\(image.image.name): it has no payload of its own",
                hint: "give the kernel that the VMM puts into memory")
        }
        guard handoffIsKnown else {
            // A list that tells of a payload of td-shim's own image makes it measure the separators twice.
            for pcr: UInt32 in [1, 4] {
                boot.appendUnknown("separators", pcr: pcr, .separator, reason: Self.missingHandoff)
            }
            return
        }
        if handoff?.payload != nil { try separators(&boot) }
        if layout.measuresPayload {
            if let signature = payload.signature { try secureBoot(signature, &boot) }
            // A section that the VMM does not extend into MRTD says that the payload is td-shim's to measure.
            if let section = image.section(.payload), !section.extendsMR {
                let start = (1 << 32) - UInt64(image.image.bytes.count) + UInt64(payload.range.lowerBound)
                let piece = MeasuredEvent.Piece("payload of the image", firmware(payload.range))
                try blob(start, piece, padding: 0, &boot)
            }
        }
        try separators(&boot)
    }

    private func secureBoot(
        _ signature: TDShimImage.BuiltInPayload.Signature, _ boot: inout BootEvents
    ) throws {
        let anchor = MeasuredEvent.Piece("trust anchor", firmware(signature.trustAnchor))
        for (name, descriptor) in [
            ("trust anchor", "secure_policy_db"), ("trust anchor that allows the payload", "secure_authority"),
        ] {
            try configuration(
                name, pcr: 7, descriptor: descriptor, content: [anchor], &boot,
                origin: "the file of the configuration volume with the hash of the signer's key")
        }
        var number = ByteWriter()
        number.append(signature.svn)
        try configuration(
            "security version of the payload", pcr: 4, descriptor: "td_payload_svn\0",
            content: [.init("SVN", .literal(number.bytes))], &boot, origin: "the header of the signed payload")
    }

    private func firmware(_ range: Range<Int>) -> TraceNode.Source {
        .range(artifact: TDXMeasurement.SourceName.firmware, offset: range.lowerBound, count: range.count)
    }

    private func padded(_ pieces: [MeasuredEvent.Piece], to size: UInt64) -> [MeasuredEvent.Piece] {
        let zeros = Int(size) - pieces.reduce(0) { $0 + $1.byteCount }
        return zeros > 0 ? pieces + [.init("rest of the section", .zeros(zeros))] : pieces
    }

    /// TD_SHIM_PLATFORM_CONFIG_INFO: 16 bytes descriptor, u32 length, and what is hashed.
    private func configuration(
        _ name: String, pcr: UInt32, descriptor: String, content: [MeasuredEvent.Piece], _ boot: inout BootEvents,
        origin: String
    ) throws {
        var data = ByteWriter()
        data.append(text: descriptor)
        data.append(repeating: 0, count: 16 - data.count)
        let bytes = try contents.bytes(of: content, limit: HandoffList.maximumByteCount)
        data.append(UInt32(bytes.count))
        data.append(bytes)
        try boot.append(
            name, pcr: pcr, .platformConfigFlags, content: content, data: data.bytes,
            origin: "\(Self.origin): \(origin)")
    }

    /// UEFI_PLATFORM_FIRMWARE_BLOB2: u8 length of the text, text, u64 address, u64 size.
    private func blob(
        _ address: UInt64, _ piece: MeasuredEvent.Piece, padding size: UInt64, _ boot: inout BootEvents
    ) throws {
        let content = padded([piece], to: size)
        var data = ByteWriter()
        data.append(UInt8(11))
        data.append(text: "td_payload\0")
        data.append(address)
        data.append(UInt64(content.reduce(0) { $0 + $1.byteCount }))
        try boot.append(
            "payload", pcr: 4, .platformFirmwareBlob2, content: content, data: data.bytes,
            origin: "\(Self.origin): "
                + (size > 0 ? "the whole PAYLOAD section, zeros behind the kernel" : "the payload of the image"))
    }
}
