public import Packages

extension ImageDefinition {
    /// What `assay lock` asks the archive: root and initrd packages with what they depend on, kernel and stub alone
    /// (their dependencies build initrds and boot menus on the target, which happens here instead).
    public var resolutionRequest: ResolutionRequest {
        ResolutionRequest(
            architecture: architecture.rawValue,
            suites: archive.suites.map { ResolutionRequest.Suite(name: $0.name, components: $0.components) },
            keys: archive.keys, packages: Set(root.packages + initrd.packages).sorted(),
            extras: Set([kernelPackage, stubPackage]).sorted(), provided: archive.provided, snapshot: archive.snapshot,
            sources: sourceRequests)
    }
}
