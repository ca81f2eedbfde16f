private import Bytes
public import EventLogs
import Trace

/// The events of one boot, being put in order.
public struct BootEvents: Sendable {
    public private(set) var events: [MeasuredEvent] = []
    public internal(set) var contents: EventContents

    public init(contents: EventContents) { self.contents = contents }

    /// Appends an event whose digest covers `content`.
    public mutating func append(
        _ name: String, pcr: UInt32, _ type: EventType, content: [MeasuredEvent.Piece], data: [UInt8]?, origin: String
    ) throws {
        events.append(
            MeasuredEvent(
                name: name, pcr: pcr, type: type, content: content, data: data, origin: origin,
                digests: try contents.digests(of: content)))
    }

    /// Appends an event that was made elsewhere.
    mutating func append(_ event: MeasuredEvent) { events.append(event) }

    /// Appends an event whose digest covers its own data.
    public mutating func append(
        _ name: String, pcr: UInt32, _ type: EventType, data: [UInt8], origin: String
    ) throws {
        try append(
            name, pcr: pcr, type, content: [.init(name, .literal(data))], data: data, origin: origin)
    }

    /// Appends an action: its text without NUL.
    mutating func action(_ text: String, pcr: UInt32, origin: String) throws {
        try append(text, pcr: pcr, .efiAction, data: Array(text.utf8), origin: origin)
    }

    /// Appends a separator: four zero bytes.
    mutating func separator(pcr: UInt32, origin: String) throws {
        try append("separator", pcr: pcr, .separator, data: [0, 0, 0, 0], origin: origin)
    }
}

/// How the kernel's ExitBootServices goes: OVMF 2026.08 refuses the first call after a boot from a disk.
public enum ExitBootServices: String, Sendable, CaseIterable {
    /// The first call succeeds.
    case first
    /// The first call fails and the second succeeds.
    case retry
}

extension BootEvents {
    /// What firmware measures when the kernel leaves boot services.
    public mutating func exitBootServices(_ form: ExitBootServices) throws {
        let origin = "edk2: ExitBootServices and its outcome"
        if form == .retry {
            try action("Exit Boot Services Invocation", pcr: 5, origin: origin)
            try action("Exit Boot Services Returned with Failure", pcr: 5, origin: origin)
        }
        try action("Exit Boot Services Invocation", pcr: 5, origin: origin)
        try action("Exit Boot Services Returned with Success", pcr: 5, origin: origin)
    }
}
