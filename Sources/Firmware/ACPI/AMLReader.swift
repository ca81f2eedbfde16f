import Bytes

/// Reads the definition block of a DSDT or SSDT (ACPI 6.5, section 20.2): every named object with its place.
///
/// Nothing is run. A name that stands for a method takes as many terms after it as the method has arguments, so methods
/// are gathered in a first pass that leaves their contents out.
struct AMLReader {
    /// Levels of terms inside terms.
    static let depthLimit = 64
    static let objectLimit = 1 << 16

    private(set) var methods: [[String]: Int] = [:]
    private let skipsMethods: Bool
    private var objects = 0

    private init(methods: [[String]: Int], skipsMethods: Bool) {
        self.methods = methods
        self.skipsMethods = skipsMethods
    }

    /// The objects of a table, header included in the offsets.
    static func objects(of table: ACPITable) throws(FormatError) -> [AMLObject] {
        guard table.bytes.count >= ACPITable.headerSize else {
            throw FormatError(
                source: table.signature, field: "length", found: "\(table.bytes.count)", expected: "at least 36 bytes")
        }
        return try table.bytes.withReader(source: table.signature) { (reader) throws(FormatError) in
            var first = AMLReader(methods: [:], skipsMethods: true)
            _ = try first.block(reader)
            var second = AMLReader(methods: first.methods, skipsMethods: false)
            return try second.block(reader)
        }
    }

    private mutating func block(_ table: ByteReader) throws(FormatError) -> [AMLObject] {
        var reader = try table.window(
            at: ACPITable.headerSize, count: table.count - ACPITable.headerSize, "definition block")
        var place = Place(scope: [], depth: 0)
        try terms(&reader, &place)
        return place.objects
    }

    /// Where a term stands, and what was found there.
    struct Place {
        var scope: [String]
        var depth: Int
        var objects: [AMLObject] = []
        /// Names and constants read at this level, in order.
        var names: [AMLName] = []
        var value: AMLObject.Value?

        init(scope: [String], depth: Int) {
            self.scope = scope
            self.depth = depth
        }
    }

    private mutating func terms(_ reader: inout ByteReader, _ place: inout Place) throws(FormatError) {
        while !reader.isAtEnd { try term(&reader, &place) }
    }

    /// Reads one term; named objects inside are added to `place`.
    private mutating func term(_ reader: inout ByteReader, _ place: inout Place) throws(FormatError) {
        guard place.depth < Self.depthLimit else {
            throw reader.error("term", found: "\(place.depth) levels of nesting", expected: "fewer")
        }
        place.depth += 1
        defer { place.depth -= 1 }
        place.value = nil
        let start = reader.position
        let lead = try reader.next("term")
        if AMLName.starts(with: lead) { return try reference(&reader, &place) }
        try reader.skip(1, "term")
        if lead == 0x5B {
            let code = try reader.read("extended code", as: UInt8.self)
            if let parts = AMLGrammar.extendedParts(code) { return try read(parts, &reader, &place) }
            if let form = AMLGrammar.extendedNamed(code) { return try named(form, start, &reader, &place) }
            if let form = AMLGrammar.extendedPackaged(code) { return try packaged(form, start, &reader, &place) }
            throw reader.error("extended code", found: hexadecimal(code), expected: "a code of AML", at: start + 1)
        }
        switch lead {
        case 0x00: place.value = .integer(0)
        case 0x01: place.value = .integer(1)
        case 0x11, 0x12, 0x13: return try data(lead, &reader, &place)
        default: break
        }
        if let parts = AMLGrammar.parts(lead) { return try read(parts, &reader, &place) }
        if let form = AMLGrammar.named(lead) { return try named(form, start, &reader, &place) }
        if let form = AMLGrammar.packaged(lead) { return try packaged(form, start, &reader, &place) }
        throw reader.error("code", found: hexadecimal(lead), expected: "a code of AML", at: start)
    }

    private mutating func read(
        _ parts: [AMLGrammar.Part], _ reader: inout ByteReader, _ place: inout Place
    ) throws(FormatError) {
        for part in parts {
            try read(part, &reader, &place)
            // What an operation gives is known only when it runs.
            if case .term = part { place.value = nil }
        }
    }

    private mutating func read(
        _ part: AMLGrammar.Part, _ reader: inout ByteReader, _ place: inout Place
    ) throws(FormatError) {
        switch part {
        case .term: try term(&reader, &place)
        case .target:
            if AMLName.starts(with: try reader.next("target")) {
                _ = try AMLName(parsing: &reader)
            } else {
                try term(&reader, &place)
            }
            place.value = nil
        case .name: place.names.append(try AMLName(parsing: &reader))
        case .byte: place.value = .integer(UInt64(try reader.read("byte", as: UInt8.self)))
        case .word: place.value = .integer(UInt64(try reader.read("word", as: UInt16.self)))
        case .dword: place.value = .integer(UInt64(try reader.read("dword", as: UInt32.self)))
        case .qword: place.value = .integer(try reader.read("qword"))
        case .text: place.value = .text(try Self.text(&reader))
        }
    }

    private static func text(_ reader: inout ByteReader) throws(FormatError) -> String {
        var text: [UInt8] = []
        while true {
            let byte = try reader.read("string", as: UInt8.self)
            if byte == 0 { return String(decoding: text, as: UTF8.self) }
            text.append(byte)
        }
    }

    /// A name as a term: a method takes its arguments with it.
    private mutating func reference(_ reader: inout ByteReader, _ place: inout Place) throws(FormatError) {
        let name = try AMLName(parsing: &reader)
        let found = name.candidates(in: place.scope).first { methods[$0] != nil }
        let count = found.flatMap { methods[$0] } ?? 0
        for _ in 0..<count { try term(&reader, &place) }
        place.value = nil
    }
}

// MARK: - Objects
extension AMLReader {
    private func path(
        _ name: AMLName?, at start: Int, _ reader: borrowing ByteReader, _ place: Place
    ) throws(FormatError) -> [String] {
        guard let name, let path = name.path(in: place.scope), path.count <= 255 else {
            throw reader.error("name", found: "a name above the root", expected: "a name inside it", at: start)
        }
        return path
    }

    private mutating func add(
        _ object: AMLObject, _ reader: borrowing ByteReader, _ place: inout Place
    ) throws(FormatError) {
        objects += 1
        guard objects <= Self.objectLimit else {
            throw reader.error("objects", found: "more than \(Self.objectLimit)", expected: "fewer")
        }
        place.objects.append(object)
    }

    /// An object without a length.
    private mutating func named(
        _ form: (kind: AMLObject.Kind, parts: [AMLGrammar.Part]), _ start: Int, _ reader: inout ByteReader,
        _ place: inout Place
    ) throws(FormatError) {
        let begin = reader.base + start
        var inner = Place(scope: place.scope, depth: place.depth)
        var constants: [AMLObject.Value?] = []
        for part in form.parts {
            inner.value = nil
            try read(part, &reader, &inner)
            constants.append(inner.value)
        }
        let path = try path(inner.names.last, at: start, reader, place)
        var object = AMLObject(
            kind: form.kind, path: AMLName.text(path), range: begin..<reader.sourceOffset, children: inner.objects)
        switch form.kind {
        case .name: object.value = constants.last ?? nil
        case .operationRegion:
            if case .integer(let space)? = constants[1] {
                object.value = .region(
                    space: UInt8(truncatingIfNeeded: space), offset: Self.integer(constants[2]),
                    length: Self.integer(constants[3]))
            }
        case .external:
            if case .integer(8)? = constants[1], let count = Self.integer(constants[2]) {
                methods[path] = Int(min(count, 7))
            }
        default: break
        }
        try add(object, reader, &place)
    }

    private static func integer(_ value: AMLObject.Value?) -> UInt64? {
        if case .integer(let number)? = value { number } else { nil }
    }

    /// An object with a length: its name and fields, then terms or fields.
    private mutating func packaged(
        _ form: (kind: AMLObject.Kind, parts: [AMLGrammar.Part], isFieldList: Bool), _ start: Int,
        _ reader: inout ByteReader, _ place: inout Place
    ) throws(FormatError) {
        let begin = reader.base + start
        let lengthOffset = reader.sourceOffset
        let bodySize = try Self.packageBody(&reader)
        var body = try reader.slice(bodySize, "package")
        let package = AMLObject.Package(lengthOffset: lengthOffset, bodyOffset: body.sourceOffset)
        var inner = Place(scope: place.scope, depth: place.depth)
        try read(form.parts, &body, &inner)
        var path = place.scope
        if form.kind != .block { path = try self.path(inner.names.last, at: start, reader, place) }
        inner.scope = path
        var object = AMLObject(
            kind: form.kind, path: AMLName.text(path), range: begin..<body.base + body.count, package: package,
            children: [])
        if form.kind == .method, case .integer(let flags)? = inner.value {
            object.arguments = Int(flags & 7)
            methods[path] = object.arguments
        }
        if form.isFieldList {
            inner.scope = place.scope
            try fields(&body, &inner)
        } else if form.kind != .method || !skipsMethods {
            try terms(&body, &inner)
        }
        object.children = inner.objects
        try add(object, reader, &place)
    }

    /// Reads a length and gives the number of bytes after it that it covers.
    private static func packageBody(_ reader: inout ByteReader) throws(FormatError) -> Int {
        let start = reader.position
        let length = try packageLength(&reader)
        let used = reader.position - start
        guard length >= used, length - used <= reader.remaining else {
            throw reader.error(
                "package length", found: "\(length)", expected: "\(used) to \(reader.remaining + used)", at: start)
        }
        return length - used
    }

    private static func packageLength(_ reader: inout ByteReader) throws(FormatError) -> Int {
        let lead = try reader.read("package length", as: UInt8.self)
        let extra = Int(lead >> 6)
        if extra == 0 { return Int(lead & 0x3F) }
        var length = Int(lead & 0xF)
        for index in 0..<extra {
            length |= Int(try reader.read("package length", as: UInt8.self)) << (4 + 8 * index)
        }
        return length
    }

    /// A buffer or package: the only terms with a length that are values.
    private mutating func data(
        _ code: UInt8, _ reader: inout ByteReader, _ place: inout Place
    ) throws(FormatError) {
        let bodySize = try Self.packageBody(&reader)
        var body = try reader.slice(bodySize, "package")
        if code == 0x11 {
            try term(&body, &place)
            place.value = .buffer(body.sourceOffset..<body.base + body.count)
            return
        }
        if code == 0x12 { try body.skip(1, "number of elements") } else { try term(&body, &place) }
        while !body.isAtEnd {
            if AMLName.starts(with: try body.next("element")) {
                _ = try AMLName(parsing: &body)
            } else {
                try term(&body, &place)
            }
        }
        place.value = nil
    }

    /// A field list (section 20.2.5.2): names with their width in bits, gaps, and how to access them.
    private mutating func fields(_ reader: inout ByteReader, _ place: inout Place) throws(FormatError) {
        while !reader.isAtEnd {
            let begin = reader.sourceOffset
            switch try reader.next("field") {
            case 0x00:
                try reader.skip(1, "gap")
                _ = try Self.packageLength(&reader)
            case 0x01: try reader.skip(3, "access")
            case 0x02:
                try reader.skip(1, "connection")
                try term(&reader, &place)
            case 0x03: try reader.skip(4, "extended access")
            default:
                let name = try AMLName.segment(&reader)
                _ = try Self.packageLength(&reader)
                let path = AMLName.text(place.scope + [name])
                try add(
                    AMLObject(kind: .fieldUnit, path: path, range: begin..<reader.sourceOffset, children: []), reader,
                    &place)
            }
        }
    }
}
