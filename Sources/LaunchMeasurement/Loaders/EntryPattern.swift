/// A pattern of `default` in loader.conf: `*`, `?`, sets in brackets, and a backslash before what stands for itself
/// (systemd, `efi_fnmatch`). Patterns and names are in lower case.
struct EntryPattern {
    private enum Part {
        case one(UInt16)
        case any
        case anyNumber
        case set([ClosedRange<UInt16>])
    }

    /// Nil: the pattern is broken off inside and matches nothing.
    private let parts: [Part]?

    init(_ pattern: String) {
        let units = Array(pattern.utf16)
        var parts: [Part] = []
        var index = 0
        while index < units.count {
            switch units[index] {
            case 0x2A: if case .anyNumber? = parts.last {} else { parts.append(.anyNumber) }
            case 0x3F: parts.append(.any)
            case 0x5C:
                index += 1
                guard index < units.count else {
                    self.parts = nil
                    return
                }
                parts.append(.one(units[index]))
            case 0x5B:
                guard let set = Self.set(units, &index) else {
                    self.parts = nil
                    return
                }
                parts.append(.set(set))
            default: parts.append(.one(units[index]))
            }
            index += 1
        }
        self.parts = parts
    }

    /// Reads a set from its bracket up to the closing one, at which `index` then stands.
    private static func set(_ units: [UInt16], _ index: inout Int) -> [ClosedRange<UInt16>]? {
        var ranges: [ClosedRange<UInt16>] = []
        var isFirst = true
        var maySpan = true
        while true {
            index += 1
            guard index < units.count else { return nil }
            var unit = units[index]
            if unit == 0x5D, !isFirst { return ranges }
            let next = index + 1 < units.count ? units[index + 1] : 0
            if unit == 0x2D, maySpan, !isFirst, next != 0x5D {
                let low = units[index - 1]
                index += 1
                if index < units.count, units[index] == 0x5C { index += 1 }
                guard index < units.count else { return nil }
                if low <= units[index] { ranges.append(low...units[index]) }
                maySpan = false
                continue
            }
            if unit == 0x5C {
                index += 1
                guard index < units.count else { return nil }
                unit = units[index]
            }
            ranges.append(unit...unit)
            isFirst = false
            maySpan = true
        }
    }

    /// Whether the whole of `name` matches.
    func matches(_ name: String) -> Bool {
        guard let parts else { return false }
        let units = Array(name.utf16)
        // One step back to the last star is enough: what stood before it can stay where it first matched.
        var part = 0
        var unit = 0
        var star: (part: Int, unit: Int)?
        while true {
            if part < parts.count, case .anyNumber = parts[part] {
                star = (part + 1, unit)
                part += 1
            } else if part < parts.count, unit < units.count, Self.matches(parts[part], units[unit]) {
                part += 1
                unit += 1
            } else if part == parts.count, unit == units.count {
                return true
            } else if let last = star, last.unit < units.count {
                star = (last.part, last.unit + 1)
                part = last.part
                unit = last.unit + 1
            } else {
                return false
            }
        }
    }

    private static func matches(_ part: Part, _ unit: UInt16) -> Bool {
        switch part {
        case .one(let wanted): unit == wanted
        case .any: true
        case .anyNumber: false
        case .set(let ranges): ranges.contains { $0.contains(unit) }
        }
    }
}
