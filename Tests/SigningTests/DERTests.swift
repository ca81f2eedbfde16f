import Bytes
import Signing
import TestSupport
import Testing

@Suite("DER")
struct DERTests {
    private func element(_ hex: String, _ tag: DERTag) throws -> DERElement {
        try DERElement(#require([UInt8](hex: hex)), tag, "field", source: "der")
    }

    @Test(
        "BER that is not DER is refused",
        arguments: [
            ("308000", "found an indefinite length"), ("30810100", "a padded length"),
            ("3082000100", "a padded length"),
            ("3085000000000100", "a length of 5 bytes"), ("1f0100", "a tag of several bytes"),
            ("3003020101ff", "1 bytes after its end"), ("300402", "a length of 4"), ("30", "0 bytes left"),
            ("", "0 bytes left"), ("3084ffffffff", "a length of 4294967295"),
        ])
    func lengths(_ hex: String, _ found: String) throws {
        let error = #expect(throws: FormatError.self) { try element(hex, .sequence) }
        #expect(error?.description.contains(found) == true, "\(error.map { "\($0)" } ?? "")")
    }

    @Test("an element of another type is named, with its offset")
    func otherTag() throws {
        let sequence = try element("3003040101", .sequence)
        var fields = try sequence.fields("record")
        let error = #expect(throws: FormatError.self) { try fields.next(.integer, "serial") }
        #expect(error?.description == "der+0x2: serial: found OCTET STRING, expected INTEGER")
        #expect(throws: FormatError.self) { try element("0401ff", .octetString).fields("record") }
    }

    @Test("integers are in their shortest form, and ranges hold")
    func integers() throws {
        #expect(try element("020100", .integer).number("n", 0...9) == 0)
        #expect(try element("0202009f", .integer).number("n", 0...255) == 159)
        #expect(try element("0201ff", .integer).number("n", -1...0) == -1)
        #expect(try element("0202ff7f", .integer).number("n", -200...0) == -129)
        #expect(try element("02087fffffffffffffff", .integer).number("n", 0...Int.max) == Int.max)
        #expect(try element("02020080", .integer).magnitude("n") == [0x80])
        #expect(try element("020100", .integer).magnitude("n").isEmpty)
        for bad in ["0200", "02020001", "0202ffff", "0209008000000000000000"] {
            #expect(throws: FormatError.self) { try element(bad, .integer).number("n", 0...9) }
        }
        #expect(throws: FormatError.self) { try element("0201ff", .integer).magnitude("n") }
    }

    @Test("object identifiers as X.690, §8.19 and its example write them")
    func objectIdentifiers() throws {
        #expect(ObjectIdentifier(2, 999, 3).content == [0x88, 0x37, 0x03])
        #expect(ObjectIdentifier(2, 999, 3).description == "2.999.3")
        let amd = try element("060a2b060104019c78010308", .objectIdentifier).objectIdentifier("oid")
        #expect(amd.description == "1.3.6.1.4.1.3704.1.3.8")
        #expect(amd == ObjectIdentifier(1, 3, 6, 1, 4, 1, 3704, 1, 3, 8))
        for bad in ["0600", "06028001", "06012b06", "060187", "060bffffffffffffffffffff7f"] {
            #expect(throws: FormatError.self) { try element(bad, .objectIdentifier).objectIdentifier("oid") }
        }
    }

    @Test("booleans, bit strings, NULL and strings have one form")
    func otherValues() throws {
        #expect(try element("0101ff", .boolean).boolean("b"))
        #expect(throws: FormatError.self) { try element("010101", .boolean).boolean("b") }
        #expect(try element("03020640", .bitString).bitString("b").unusedBits == 6)
        #expect(throws: FormatError.self) { try element("03020641", .bitString).bitString("b") }
        #expect(throws: FormatError.self) { try element("03020840", .bitString).bitString("b") }
        #expect(throws: FormatError.self) { try element("030101", .bitString).bitString("b") }
        #expect(throws: FormatError.self) { try element("0300", .bitString).bitString("b") }
        #expect(throws: FormatError.self) { try element("03020640", .bitString).bitStringBytes("b") }
        #expect(throws: FormatError.self) { try element("050100", .null).null("n") }
        #expect(try element("0c03e282ac", .utf8String).text("t") == "€")
        #expect(try element("1e0220ac", .bmpString).text("t") == "€")
        #expect(throws: FormatError.self) { try element("0c01ff", .utf8String).text("t") }
        #expect(throws: FormatError.self) { try element("1601ff", .ia5String).text("t") }
        #expect(throws: FormatError.self) { try element("1e01ff", .bmpString).text("t") }
    }

    @Test(
        "times are seconds since 1970, and impossible ones are refused",
        arguments: [
            ("700101000000Z", 0), ("491231235959Z", 2_524_607_999), ("500101000000Z", -631_152_000),
            ("20500101000000Z", 2_524_608_000), ("240229000000Z", 1_709_164_800), ("230229000000Z", nil),
            ("231301000000Z", nil), ("230101240000Z", nil), ("230101006000Z", nil), ("2301010000Z", nil),
            ("230101000000+0000", nil), ("23010100000aZ", nil), ("", nil),
        ] as [(String, Int64?)])
    func times(_ text: String, _ seconds: Int64?) throws {
        let tag: DERTag = text.utf8.count == 15 ? .generalizedTime : .utcTime
        let encoded = DER.element(tag, Array(text.utf8))
        let value = try? DERElement(encoded, tag, "time", source: "der").time("time")
        #expect(value == seconds)
    }

    @Test("what is written is read again, for every size of length")
    func roundTrip() throws {
        for count in [0, 1, 127, 128, 255, 256, 65535, 65536, 1 << 20] {
            let bytes = DER.octetString([UInt8](repeating: 7, count: count))
            let element = try DERElement(bytes, .octetString, "o", source: "der")
            #expect(element.content.count == count && element.encoding == bytes)
        }
        let signature = DER.ecdsaSignature(r: [0, 0x80], s: [0, 0])
        #expect(signature.hex == "300702020080020100")
        #expect(DER.ecdsaNumbers(signature, byteCount: 2) == [0, 0x80, 0, 0])
        #expect(DER.ecdsaNumbers(signature + [0], byteCount: 2) == nil)
        #expect(DER.ecdsaNumbers(DER.ecdsaSignature(r: [1, 0, 0], s: [1]), byteCount: 2) == nil)
        #expect(DER.integer(0x1_0000).hex == "0203010000")
    }

    @Test("random bytes never do more than throw (seed 11)")
    func garbage() {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<2000 {
            var bytes = random.bytes(Int(random.next() % 64))
            if !bytes.isEmpty { bytes[0] = 0x30 }
            guard let element = try? DERElement(bytes, .sequence, "x", source: "x"),
                var fields = try? element.fields("x")
            else { continue }
            while !fields.isAtEnd {
                guard let next = try? fields.any("x") else { break }
                _ = try? next.number("x", 0...9)
                _ = try? next.objectIdentifier("x").description
                _ = try? next.bitString("x")
                _ = try? next.text("x")
                _ = try? next.time("x")
            }
        }
    }
}
