/// Operation codes and what follows them (ACPI 6.5, section 20.2 and table 20.2).
enum AMLGrammar {
    /// A part of a term.
    enum Part {
        case term, name, byte, word, dword, qword, text
        /// A place to store into or to refer to: a name here is no call of a method.
        case target
    }

    /// What a code without a length is made of; nil for codes that `AMLReader` treats itself and unknown ones.
    static func parts(_ code: UInt8) -> [Part]? {
        switch code {
        case 0x00, 0x01, 0xFF, 0x60...0x6E, 0x9F, 0xA3, 0xA5, 0xCC: []
        case 0x0A: [.byte]
        case 0x0B: [.word]
        case 0x0C: [.dword]
        case 0x0D: [.text]
        case 0x0E: [.qword]
        case 0x83, 0x92, 0xA4: [.term]
        case 0x71, 0x75, 0x76, 0x87, 0x8E: [.target]
        case 0x90, 0x91, 0x93...0x95: [.term, .term]
        case 0x70, 0x80, 0x81, 0x82, 0x96...0x99, 0x9D: [.term, .target]
        case 0x86: [.target, .term]
        case 0x72...0x74, 0x77, 0x79...0x7F, 0x84, 0x85, 0x88, 0x9C: [.term, .term, .target]
        case 0x78: [.term, .term, .target, .target]
        case 0x9E: [.term, .term, .term, .target]
        case 0x89: [.term, .byte, .term, .byte, .term, .term]
        default: nil
        }
    }

    /// The same for codes after the prefix 0x5B.
    static func extendedParts(_ code: UInt8) -> [Part]? {
        switch code {
        case 0x30, 0x31, 0x33: []
        case 0x21, 0x22: [.term]
        case 0x24, 0x26, 0x27: [.target]
        case 0x12, 0x20: [.target, .target]
        case 0x25: [.target, .term]
        case 0x28, 0x29: [.term, .target]
        case 0x1F: [.term, .term, .term, .term, .term, .term]
        case 0x23: [.target, .word]
        case 0x32: [.byte, .dword, .term]
        default: nil
        }
    }

    /// Codes that make a named object of fixed parts; the last name is the new one's.
    static func named(_ code: UInt8) -> (kind: AMLObject.Kind, parts: [Part])? {
        switch code {
        case 0x06: (.alias, [.name, .name])
        case 0x08: (.name, [.name, .term])
        case 0x15: (.external, [.name, .byte, .byte])
        case 0x8A...0x8D, 0x8F: (.bufferField, [.term, .term, .name])
        default: nil
        }
    }

    static func extendedNamed(_ code: UInt8) -> (kind: AMLObject.Kind, parts: [Part])? {
        switch code {
        case 0x01: (.mutex, [.name, .byte])
        case 0x02: (.event, [.name])
        case 0x13: (.bufferField, [.term, .term, .term, .name])
        case 0x80: (.operationRegion, [.name, .byte, .term, .term])
        case 0x88: (.dataRegion, [.name, .term, .term, .term])
        default: nil
        }
    }

    /// Codes with a length: the object's kind, what comes before its contents, and what the contents are.
    static func packaged(_ code: UInt8) -> (kind: AMLObject.Kind, parts: [Part], isFieldList: Bool)? {
        switch code {
        case 0x10: (.scope, [.name], false)
        case 0x14: (.method, [.name, .byte], false)
        case 0xA0, 0xA2: (.block, [.term], false)
        case 0xA1: (.block, [], false)
        default: nil
        }
    }

    static func extendedPackaged(_ code: UInt8) -> (kind: AMLObject.Kind, parts: [Part], isFieldList: Bool)? {
        switch code {
        case 0x81: (.field, [.name, .byte], true)
        case 0x82: (.device, [.name], false)
        case 0x83: (.processor, [.name, .byte, .dword, .byte], false)
        case 0x84: (.powerResource, [.name, .byte, .word], false)
        case 0x85: (.thermalZone, [.name], false)
        case 0x86: (.field, [.name, .name, .byte], true)
        case 0x87: (.field, [.name, .name, .term, .byte], true)
        default: nil
        }
    }
}
