public import Bytes

/// A DSDT or SSDT with the objects that it defines.
public struct AMLTable: Hashable, Sendable {
    public private(set) var table: ACPITable
    /// The objects at the outermost level, in order.
    public private(set) var objects: [AMLObject]

    /// Reads the definition block of `table`.
    public init(_ table: ACPITable) throws(FormatError) {
        self.table = table
        objects = try AMLReader.objects(of: table)
    }

    /// Every object, blocks included, in the order of the table.
    public var all: [AMLObject] { objects.flatMap(\.all) }

    /// The only object that is defined under this path; nil if there is none or several.
    public func object(_ path: String) -> AMLObject? {
        let found = all.filter { $0.path == path && $0.kind.defines }
        return found.count == 1 ? found.first : nil
    }

    /// The table with ranges replaced: lengths of all objects around them follow. Ranges do not overlap and lie each
    /// inside one object's contents, or are one object as a whole.
    func replacing(_ edits: [(range: Range<Int>, bytes: [UInt8])]) throws(ACPIDerivationError) -> ACPITable {
        var editor = Editor(
            source: table.bytes, signature: table.signature,
            edits: edits.sorted { $0.range.lowerBound < $1.range.lowerBound })
        var result = table
        result.bytes = try editor.emit(0..<table.bytes.count, objects)
        guard editor.edits.isEmpty else {
            throw ACPIDerivationError(table.signature, "a change at \(editor.edits[0].range) fits into no object")
        }
        result.updateLength()
        return result
    }

    /// Whether all lengths are written as QEMU writes them, so that a changed table has the form that QEMU would give it.
    var hasShortestLengths: Bool {
        all.allSatisfy { object in
            guard let package = object.package else { return true }
            let body = object.range.upperBound - package.bodyOffset
            return AMLObject.packageLength(body: body)?.count == package.bodyOffset - package.lengthOffset
        }
    }

    private struct Editor {
        let source: [UInt8]
        let signature: String
        /// Those that are still to be made, in order.
        var edits: [(range: Range<Int>, bytes: [UInt8])]

        /// The bytes of `range`, in which `children` stand.
        mutating func emit(_ range: Range<Int>, _ children: [AMLObject]) throws(ACPIDerivationError) -> [UInt8] {
            var result: [UInt8] = []
            var position = range.lowerBound
            for child in children {
                result += take(position..<child.range.lowerBound)
                result += try emit(child)
                position = child.range.upperBound
            }
            return result + take(position..<range.upperBound)
        }

        /// Bytes outside of all children, edits made.
        private mutating func take(_ range: Range<Int>) -> [UInt8] {
            var result: [UInt8] = []
            var position = range.lowerBound
            while let edit = edits.first, edit.range.lowerBound >= position, edit.range.upperBound <= range.upperBound {
                result += source[position..<edit.range.lowerBound] + edit.bytes
                position = edit.range.upperBound
                edits.removeFirst()
            }
            return result + source[position..<range.upperBound]
        }

        private mutating func emit(_ object: AMLObject) throws(ACPIDerivationError) -> [UInt8] {
            guard let edit = edits.first, edit.range.lowerBound < object.range.upperBound else {
                return Array(source[object.range])
            }
            if edit.range == object.range { return take(object.range) }
            guard let package = object.package else { return try emit(object.range, object.children) }
            let body = try emit(package.bodyOffset..<object.range.upperBound, object.children)
            guard let length = AMLObject.packageLength(body: body.count) else {
                throw ACPIDerivationError("\(signature) \(object.path)", "it would have \(body.count) bytes")
            }
            return source[object.range.lowerBound..<package.lengthOffset] + length + body
        }
    }
}
