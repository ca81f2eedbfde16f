import Bytes
import Documents
import Hashing
import ReferenceValues
import TestSupport
import Testing

@Suite("Reference statement")
struct StatementTests {
    static func parse(_ bytes: [UInt8]) throws -> ReferenceStatement {
        try ReferenceStatement(parsing: bytes, source: "s.json")
    }

    @Test("bytes are canonical, and reading them gives the same statement with complete sets")
    func roundTrip() throws {
        let statement = try Sample().statement()
        let bytes = try statement.encoded()
        let read = try Self.parse(bytes)
        #expect(read == statement)
        #expect(try read.encoded() == bytes)
        #expect(read.platforms[1].valueSets == Sample().tdxSets)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix(#"{"_type":"https://in-toto.io/Statement/v1","predicate":{"archiveChain":"verified","#))
        #expect(text.hasSuffix(#""name":"vmlinuz"}]}"#))
    }

    @Test("what all sets share is written once, and axes name the registers they move")
    func compactForm() throws {
        let document = try Sample().statement().document
        guard case .array(let platforms)? = document["predicate"]?["platforms"] else { throw TestFailure("platforms") }
        let tdx = platforms[1].value
        guard case .object(let shared)? = tdx["sharedRegisters"] else { throw TestFailure("shared") }
        #expect(Set(shared.map(\.key)) == ["MRTD", "RTMR2"])
        guard case .array(let sets)? = tdx["valueSets"], case .object(let own)? = sets[0].value["registers"] else {
            throw TestFailure("sets")
        }
        #expect(Set(own.map(\.key)) == ["RTMR0", "RTMR1"])
        let axes = try Sample().statement().platforms[1].axes
        #expect(axes.map(\.name) == ["vcpus", "exitBootServices"])
        #expect(axes.map(\.registers) == [["RTMR0"], ["RTMR1"]])
        #expect(axes.map(\.values) == [["1", "2"], ["first", "retried"]])
    }

    @Test("an empty list of value sets is refused on writing and on reading")
    func emptySets() throws {
        let sample = Sample()
        #expect(throws: DocumentError.self) { try Platform(profile: sample.snpProfile, valueSets: []) }
        let bytes = try Self.changed(sample.statement()) { document in
            Self.set(&document, ["predicate", "platforms", "0", "valueSets"], .array([]))
        }
        let error = #expect(throws: DocumentError.self) { try Self.parse(bytes) }
        #expect(error?.problem.contains("no value set") == true)
    }

    @Test("incomplete, doubled and misnamed sets are refused")
    func badSets() throws {
        let sample = Sample()
        var sets = sample.snpSets
        sets.append(sets[0])
        #expect(throws: DocumentError.self) { try Platform(profile: sample.snpProfile, valueSets: sets) }
        sets = sample.tdxSets
        sets[1].registers["RTMR2"] = nil
        #expect(throws: DocumentError.self) { try Platform(profile: sample.tdxProfile, valueSets: sets) }
        sets = sample.tdxSets
        sets[1].axes.reverse()
        #expect(throws: DocumentError.self) { try Platform(profile: sample.tdxProfile, valueSets: sets) }
        sets = sample.snpSets.map { set in
            ValueSet(axes: set.axes, registers: ["LAUNCH_DIGEST": Sample.digest("x", .sha256)], trace: set.trace)
        }
        #expect(throws: DocumentError.self) { try Platform(profile: sample.snpProfile, valueSets: sets) }
    }

    @Test("a platform that says nothing about a needed condition is refused, naming it")
    func missingCondition() throws {
        for name in ["POLICY", "VMPL", "ID_KEY_DIGEST", "AUTHOR_KEY_DIGEST", "HOST_DATA"] {
            let conditions = Sample.snpConditions().filter { $0["name"] != .string(name) }
            let profile = Sample.profile("p", "snp", conditions: conditions)
            let error = #expect(throws: DocumentError.self) {
                try Platform(profile: profile, valueSets: Sample().snpSets)
            }
            #expect(error?.problem.contains(name) == true)
        }
    }

    @Test("unknown, missing, case-shifted and mistyped members are refused anywhere in the tree")
    func strictness() throws {
        let statement = try Sample().statement()
        let paths = Self.objectPaths(statement.document, [])
        // Maps whose keys are data take any name; a wrong one is refused there for other reasons or changes what is said.
        let maps: Set = ["formatRevisions", "sharedRegisters", "registers"]
        var count = 0
        for path in paths where !maps.contains(path.last ?? "") {
            let extra = try Self.changed(statement) { Self.set(&$0, path + ["unknownMember"], .string("x")) }
            #expect(throws: DocumentError.self, "\(path)") { try Self.parse(extra) }
            guard case .object(let members) = try #require(DocumentChange.value(statement.document, path)) else {
                continue
            }
            for member in members {
                for replacement: (String, Value)? in [nil, (member.key.uppercased() + "_", member.node.value)] {
                    let bytes = try Self.changed(statement) { document in
                        Self.remove(&document, path + [member.key])
                        if let (key, value) = replacement { Self.set(&document, path + [key], value) }
                    }
                    #expect(throws: DocumentError.self, "\(path) \(member.key)") { try Self.parse(bytes) }
                    count += 1
                }
                let mistyped = try Self.changed(statement) { Self.set(&$0, path + [member.key], .bool(true)) }
                #expect(throws: DocumentError.self, "\(path) \(member.key)") { try Self.parse(mistyped) }
            }
        }
        #expect(count > 80)
    }

    @Test("bytes that are not the canonical form are refused")
    func canonicalForm() throws {
        let statement = try Sample().statement()
        let bytes = try statement.encoded()
        #expect(throws: DocumentError.self) { try Self.parse(bytes + [0x0A]) }
        #expect(throws: DocumentError.self) { try Self.parse(Array(ReadableJSON.encode(statement.document).utf8)) }
        let text = String(decoding: bytes, as: UTF8.self)
        let doubled = text.replacing(
            #""archiveChain":"verified","#, with: #""archiveChain":"verified","archiveChain":"verified","#)
        #expect(throws: DocumentError.self) { try Self.parse(Array(doubled.utf8)) }
    }

    @Test("a register moved out of the shared ones, or reordered subjects, are another encoding and refused")
    func normalForm() throws {
        let statement = try Sample().statement()
        let reordered = try Self.changed(statement) { document in
            guard case .array(let list)? = document["subject"] else { return }
            Self.set(&document, ["subject"], .array(list.reversed()))
        }
        #expect(throws: DocumentError.self) { try Self.parse(reordered) }
        let moved = try Self.changed(statement) { document in
            let tdx = ["predicate", "platforms", "1"]
            guard let value = DocumentChange.value(document, tdx + ["sharedRegisters", "MRTD"]) else { return }
            Self.remove(&document, tdx + ["sharedRegisters", "MRTD"])
            for index in 0..<4 { Self.set(&document, tdx + ["valueSets", "\(index)", "registers", "MRTD"], value) }
        }
        let error = #expect(throws: DocumentError.self) { try Self.parse(moved) }
        #expect(error?.problem.contains("follow from the value sets") == true)
        let axis = try Self.changed(statement) { document in
            Self.set(&document, ["predicate", "platforms", "1", "axes", "0", "registers"], .array(of: []))
        }
        #expect(throws: DocumentError.self) { try Self.parse(axis) }
    }

    @Test("every changed byte is refused or changes the statement (seed 5)")
    func corruption() throws {
        var random = SeededGenerator(seed: 5)
        let statement = try Sample().statement()
        let bytes = try statement.encoded()
        for _ in 0..<600 {
            var changed = bytes
            changed[Int(random.next() % UInt64(bytes.count))] ^= UInt8(1 + random.next() % 255)
            if let read = try? Self.parse(changed) { #expect(read != statement) }
        }
    }

    @Test("letters that only look like ASCII make other names, which are refused")
    func lookalikes() throws {
        // U+212A KELVIN SIGN is canonically equivalent to K, so that Swift compares the two strings as equal.
        let kelvin = "ID_\u{212A}EY_DIGEST"
        #expect(kelvin == "ID_KEY_DIGEST")
        let conditions = Sample.snpConditions().map { condition in
            condition["name"] == .string("ID_KEY_DIGEST")
                ? Value.object([("name", .string(kelvin)), ("value", .string("0"))]) : condition
        }
        let profile = Sample.profile("p", "snp", conditions: conditions)
        #expect(throws: DocumentError.self) { try Platform(profile: profile, valueSets: Sample().snpSets) }
    }

    @Test("names cannot leave the bundle, and a definition and a lock are needed once")
    func inputs() throws {
        let digest = Sample.digest("x", .sha256)
        for name in ["../x", "/x", "a//b", "a/./b", "", "a/", "a\\b", "a b", "é", String(repeating: "a", count: 241)] {
            #expect(throws: DocumentError.self, "\(name)") {
                try Inputs(
                    source: nil,
                    files: [
                        .init(name: name, role: .definition, sha256: digest),
                        .init(name: "lock", role: .lock, sha256: digest),
                    ])
            }
        }
        #expect(throws: DocumentError.self) {
            try Inputs(source: nil, files: [.init(name: "lock", role: .lock, sha256: digest)])
        }
    }

    // MARK: editing documents

    static func changed(_ statement: ReferenceStatement, _ edit: (inout Value) -> Void) throws -> [UInt8] {
        var document = statement.document
        edit(&document)
        return try CanonicalJSON.encode(document)
    }

    static func objectPaths(_ value: Value, _ path: [String]) -> [[String]] {
        switch value {
        case .object(let members):
            [path] + members.flatMap { objectPaths($0.node.value, path + [$0.key]) }
        case .array(let nodes):
            // The first entry stands for all of them.
            nodes.first.map { objectPaths($0.value, path + ["0"]) } ?? []
        default: []
        }
    }

    static func set(_ value: inout Value, _ path: [String], _ new: Value?) { DocumentChange.set(&value, path, new) }

    static func remove(_ value: inout Value, _ path: [String]) { set(&value, path, nil) }
}
