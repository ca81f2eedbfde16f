/// One variable header of an IGVM file: what it says and where it stands.
public struct IGVMHeader: Sendable {
    public var type: IGVMHeaderType
    /// Whether a loader that does not know the type may pass over it.
    public var isOptional: Bool
    /// Offset of the header's type field in the file.
    public var offset: Int
    public var content: Content
    /// Whether the bytes that fill the header up to a multiple of 8 are zero, as the format demands.
    public var hasZeroPadding: Bool

    /// A header's fields, by type.
    public enum Content: Sendable {
        case supportedPlatform(IGVMPlatform)
        case guestPolicy(IGVMGuestPolicy)
        case relocatableRegion(IGVMRelocatableRegion)
        case pageTableRelocation(IGVMPageTableRelocation)
        /// A CoRIM document or its signature.
        case corim(IGVMFileReference)
        case ccaPolicy(IGVMCCAPolicy)
        case parameterArea(IGVMParameterArea)
        case pageData(IGVMPageData)
        case parameterInsert(IGVMParameterInsert)
        case vpContext(IGVMVPContext)
        case requiredMemory(IGVMRequiredMemory)
        /// Where a loader puts a value of the type's kind; the value is not measured.
        case parameter(IGVMParameter)
        case snpIDBlock(IGVMIDBlock)
        case errorRange(IGVMErrorRange)
        case vbsMeasurement(IGVMVBSMeasurement)
        /// An optional header of a type that is not known here; nothing of it is used.
        case skipped
    }

    /// The platforms that the header is for; nil for headers that are for all.
    public var compatibilityMask: UInt32? {
        switch content {
        case .supportedPlatform(let header): header.compatibilityMask
        case .guestPolicy(let header): header.compatibilityMask
        case .relocatableRegion(let header): header.compatibilityMask
        case .pageTableRelocation(let header): header.compatibilityMask
        case .corim(let header): header.compatibilityMask
        case .ccaPolicy(let header): header.compatibilityMask
        case .pageData(let header): header.compatibilityMask
        case .parameterInsert(let header): header.compatibilityMask
        case .vpContext(let header): header.compatibilityMask
        case .requiredMemory(let header): header.compatibilityMask
        case .snpIDBlock(let header): header.compatibilityMask
        case .errorRange(let header): header.compatibilityMask
        case .vbsMeasurement(let header): header.compatibilityMask
        case .parameterArea, .parameter, .skipped: nil
        }
    }

    /// Whether the header applies to a platform.
    public func applies(to platform: IGVMPlatform) -> Bool {
        guard let mask = compatibilityMask else { return true }
        return mask & platform.compatibilityMask == platform.compatibilityMask
    }
}
