public import Bytes
public import Files

/// Why an image cannot be put together.
public struct UKIError: ExplainedError, Equatable {
    public var description: String
    public var hint: String?
    public var outcome: Outcome { .unusable }

    init(_ description: String, hint: String? = nil) {
        self.description = description
        self.hint = hint
    }
}

extension UKI {
    /// Stubs are a few hundred kilobytes; this one is changed in memory.
    private static let stubLimit = 16 << 20

    /// Writes the image that `stub` and `parts` make.
    ///
    /// A new section starts in the file at its end rounded up to FileAlignment and in memory behind the last section
    /// rounded up to SectionAlignment. NumberOfSections, SizeOfInitializedData (by the contents' sizes), SizeOfHeaders
    /// (rounded up to FileAlignment), SizeOfImage and CheckSum (zero) change in the headers, and nothing else, but for
    /// NX_COMPAT, which goes if the kernel lacks it. Throws `UKIError` or `FormatError`.
    public static func assemble(stub: ByteSource, _ parts: Parts, to file: OutputFile) throws {
        let stubImage = try PEImage(stub)
        let kernel = try PEImage(parts.kernel)
        var layout = try Layout(stubImage)
        try layout.append(".osrel", parts.osRelease)
        try layout.append(".cmdline", parts.commandLine)
        try layout.append(".uname", parts.kernelRelease)
        try layout.append(".linux", parts.kernel, code: true)
        if let initrd = parts.initrd { try layout.append(".initrd", initrd) }
        let components = try SBAT.components(of: stubImage) + SBAT.components(of: kernel) + parts.sbat
        try layout.replace(".sbat", SBAT.section(components))
        if kernel.dllCharacteristics & PEImage.nxCompatible == 0 { layout.dropNXCompatible() }
        layout.finish()
        try file.append(layout.head)
        for section in layout.added {
            try section.content.forEachChunk { try file.append($0) }
            let used = section.content.count
            try file.append([UInt8](repeating: 0, count: used.roundedUp(toMultipleOf: layout.fileAlignment) - used))
        }
    }

    /// The stub's bytes with changed headers, and the sections that go behind them.
    private struct Layout {
        let image: PEImage
        var head: [UInt8]
        var added: [(name: String, content: ByteSource)] = []
        let fileAlignment: Int
        private var sectionCount: Int
        private let sizeOfHeaders: Int
        private var initializedData: UInt32
        private var end: Int
        private var lastAddress: UInt32
        private var lastSize: UInt32
        private var dllCharacteristics: UInt16

        init(_ image: PEImage) throws {
            self.image = image
            let source = image.source
            guard source.count <= UKI.stubLimit else {
                throw UKIError("\(source.name): \(source.count) bytes are too many for a boot stub")
            }
            guard image.certificateTable.isEmpty else {
                throw UKIError("\(source.name): the stub is signed", hint: "give the stub without a signature")
            }
            guard image.symbolTableOffset == 0 else {
                throw UKIError(
                    "\(source.name): the stub has a symbol table", hint: "give a stub of systemd 257 or later")
            }
            let alignment = Int(image.fileAlignment)
            guard (512...65536).contains(alignment), alignment.nonzeroBitCount == 1,
                image.sectionAlignment >= image.fileAlignment, image.sectionAlignment.nonzeroBitCount == 1
            else {
                throw UKIError(
                    "\(source.name): FileAlignment \(alignment) and SectionAlignment \(image.sectionAlignment)",
                    hint: "powers of two from 512 on are expected")
            }
            guard let last = image.sections.last,
                image.sections.allSatisfy({
                    Int($0.rawOffset).isMultiple(of: alignment) && Int($0.rawSize).isMultiple(of: alignment)
                })
            else {
                throw UKIError(
                    "\(source.name): sections that are not aligned to \(alignment) bytes",
                    hint: "give a stub of systemd 257 or later")
            }
            fileAlignment = alignment
            sectionCount = image.sections.count
            sizeOfHeaders = Int(image.sizeOfHeaders).roundedUp(toMultipleOf: alignment)
            head = try source.read(at: 0, count: source.count, "stub")
            head.append(contentsOf: repeatElement(0, count: head.count.roundedUp(toMultipleOf: alignment) - head.count))
            end = head.count
            initializedData = head.readUInt32(at: image.optionalHeaderOffset + 8)
            lastAddress = last.virtualAddress
            lastSize = last.virtualSize
            dllCharacteristics = image.dllCharacteristics
        }

        mutating func append(_ name: String, _ bytes: [UInt8]) throws {
            try append(name, ByteSource(bytes, name: name))
        }

        mutating func append(_ name: String, _ content: ByteSource, code: Bool = false) throws {
            // An empty part has no section, as with ukify.
            guard content.count > 0 else { return }
            guard image.section(name) == nil else {
                throw UKIError(
                    "\(image.source.name): has a section \(name) already", hint: "give the bare stub, not an image")
            }
            let header = image.sectionTableOffset + 40 * sectionCount
            let firstData = image.sections.filter { $0.rawSize > 0 }.map { Int($0.rawOffset) }.min() ?? sizeOfHeaders
            guard header + 40 <= min(sizeOfHeaders, firstData), head[header..<header + 40].allSatisfy({ $0 == 0 })
            else {
                throw UKIError(
                    "\(image.source.name): no room in the headers for a section \(name)",
                    hint: "the stub has room for \((sizeOfHeaders - image.sectionTableOffset) / 40) sections")
            }
            let alignment = Int(image.sectionAlignment)
            let address = (Int(lastAddress) + Int(lastSize)).roundedUp(toMultipleOf: alignment)
            let rawSize = content.count.roundedUp(toMultipleOf: fileAlignment)
            guard let virtualAddress = UInt32(exactly: address), let size = UInt32(exactly: rawSize),
                let offset = UInt32(exactly: end), address + rawSize + alignment <= UInt32.max
            else {
                throw UKIError(
                    "\(content.name): section \(name) would end beyond 4 GiB", hint: "make kernel and initrd smaller")
            }
            var row = ByteWriter()
            row.append(text: name)
            row.pad(toMultipleOf: 8)
            for field in [UInt32(content.count), virtualAddress, size, offset, 0, 0, 0] { row.append(field) }
            // Readable; code or initialised data.
            row.append(UInt32(code ? 0x4000_0020 : 0x4000_0040))
            head.replaceSubrange(header..<header + 40, with: row.bytes)
            added.append((name, content))
            sectionCount += 1
            end += rawSize
            initializedData &+= UInt32(content.count)
            lastAddress = virtualAddress
            lastSize = UInt32(content.count)
        }

        /// Puts other contents into a section of the stub, or appends one if it has none of that name.
        mutating func replace(_ name: String, _ bytes: [UInt8]) throws {
            guard let index = image.sections.firstIndex(where: { $0.name == name }) else {
                return try append(name, bytes)
            }
            let section = image.sections[index]
            guard bytes.count <= section.rawRange.count else {
                throw UKIError(
                    "\(image.source.name): \(name) has \(section.rawSize) bytes of room, \(bytes.count) are needed",
                    hint: "leave out component lines")
            }
            let padding = [UInt8](repeating: 0, count: section.rawRange.count - bytes.count)
            head.replaceSubrange(section.rawRange, with: bytes + padding)
            head.write(UInt32(bytes.count), at: image.sectionTableOffset + 40 * index + 8)
            if sectionCount == index + 1 { lastSize = UInt32(bytes.count) }
        }

        mutating func dropNXCompatible() { dllCharacteristics &= ~PEImage.nxCompatible }

        /// Writes the changed header fields.
        mutating func finish() {
            let optional = image.optionalHeaderOffset
            let memory = (Int(lastAddress) + Int(lastSize)).roundedUp(toMultipleOf: Int(image.sectionAlignment))
            head.write(UInt16(sectionCount), at: image.coffHeaderOffset + 2)
            head.write(initializedData, at: optional + 8)
            head.write(UInt32(clamping: memory), at: optional + 56)
            head.write(UInt32(sizeOfHeaders), at: optional + 60)
            head.write(UInt32(0), at: image.checksumOffset)
            head.write(dllCharacteristics, at: optional + 70)
        }
    }
}

extension [UInt8] {
    fileprivate func readUInt32(at offset: Int) -> UInt32 {
        self[offset..<offset + 4].reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    fileprivate mutating func write<T: FixedWidthInteger>(_ value: T, at offset: Int) {
        var writer = ByteWriter()
        writer.append(value)
        replaceSubrange(offset..<offset + writer.count, with: writer.bytes)
    }
}
