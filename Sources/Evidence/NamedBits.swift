import Documents

/// A word of 64 bits, some of which a specification names.
public protocol NamedBits: RawRepresentable<UInt64>, Hashable, Sendable {
    /// The named bits by their numbers, 0 to 63.
    associatedtype Flag: RawRepresentable<Int> & CaseIterable
}

extension NamedBits {
    /// Whether a bit is set.
    public func has(_ flag: Flag) -> Bool { rawValue >> UInt64(flag.rawValue) & 1 == 1 }

    /// The bits that have a name.
    static var named: UInt64 { Flag.allCases.reduce(0) { $0 | 1 << UInt64($1.rawValue) } }

    /// The names of the bits that are set, in the order of their numbers.
    public var names: [String] { Flag.allCases.filter(has).map { "\($0)" } }

    /// Every named bit with whether it is set.
    var flagFacts: [(String, Value)] { Flag.allCases.map { ("\($0)", .bool(has($0))) } }
}
