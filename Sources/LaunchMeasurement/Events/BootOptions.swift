internal import Bytes
import Documents
public import EventLogs

/// The boot options that firmware makes for itself in an empty variable store, as data of a profile.
public struct BootOptions: Hashable, Sendable {
    /// Option numbers in the order of BootOrder.
    public var order: [UInt16]
    public var options: [Option]
    /// Where the list was learnt.
    public var origin: String

    public struct Option: Hashable, Sendable {
        public var number: UInt16
        public var loadOption: LoadOption

        public init(number: UInt16, loadOption: LoadOption) {
            self.number = number
            self.loadOption = loadOption
        }
    }

    public init(order: [UInt16], options: [Option], origin: String) {
        self.order = order
        self.options = options
        self.origin = origin
    }

    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        origin = try decoder.string("origin")
        order = []
        for (node, path) in try decoder.list("order") {
            order.append(UInt16(try ObjectDecoder.integer(node, path: path, in: 0...0xFFFF)))
        }
        options = []
        for (node, path) in try decoder.list("options") {
            var entry = try ObjectDecoder(node, path: path)
            options.append(try Option(&entry))
            try entry.finish()
        }
        let numbers = options.map(\.number)
        guard Set(numbers).count == numbers.count, Set(order) == Set(numbers), order.count == numbers.count else {
            throw decoder.error("order", "expected every option's number exactly once")
        }
        try decoder.finish()
    }

    var document: Value {
        .object([
            ("origin", .string(origin)), ("order", .array(of: order.map { .count(Int($0)) })),
            ("options", .array(of: options.map(\.document))),
        ])
    }
}

extension BootOptions.Option {
    /// `volume` and `file` name an application in the firmware; `pci` is `DEVICE.FUNCTION` on the first bus.
    init(_ decoder: inout ObjectDecoder) throws(DocumentError) {
        number = UInt16(try decoder.integer("number", in: 0...0xFFFF))
        let attributes: UInt32 = try decoder.number("attributes")
        let description = try decoder.string("description")
        let path: DevicePath
        if let text = try decoder.optionalString("pci") {
            let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
            guard parts.count == 2, let device = parts[0], let function = parts[1], device < 32, function < 8 else {
                throw decoder.error("pci", "found '\(text)', expected DEVICE.FUNCTION")
            }
            path = DevicePath([.pciRoot(), .pci(device: device, function: function)])
        } else {
            path = DevicePath([
                .firmwareVolume(try decoder.guid("volume")), .firmwareFile(try decoder.guid("file")),
            ])
        }
        var data: [UInt8] = []
        if let text = try decoder.optionalString("optionalData") {
            guard let bytes = [UInt8](hex: text) else { throw decoder.error("optionalData", "expected hex digits") }
            data = bytes
        }
        loadOption = LoadOption(attributes: attributes, description: description, path: path, optionalData: data)
    }

    var document: Value {
        .object([
            ("number", .count(Int(number))), ("attributes", .hex(loadOption.attributes)),
            ("description", .string(loadOption.description)), ("path", .string("\(loadOption.path)")),
            ("optionalData", .string(loadOption.optionalData.hex)),
        ])
    }
}

extension ObjectDecoder {
    /// A GUID in text form.
    mutating func guid(_ key: String) throws(DocumentError) -> GUID {
        let text = try string(key)
        guard let guid = GUID(text) else { throw error(key, "found '\(text)', expected a GUID") }
        return guid
    }
}
