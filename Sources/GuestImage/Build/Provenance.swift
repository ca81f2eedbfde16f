internal import Documents
private import Hashing
internal import Packages

/// `provenance.json`: what the artifacts were made from, as an in-toto statement v1 with SLSA provenance v1.
///
/// It says nothing of who built, when and where; that belongs into a signature over it.
struct Provenance {
    var image: BuiltImage
    var lock: ImageLock
    var overlays: OverlayFiles

    var document: Value {
        .object([
            ("_type", .string("https://in-toto.io/Statement/v1")),
            ("predicateType", .string("https://slsa.dev/provenance/v1")),
            ("subject", .array(of: image.artifacts.map { Self.descriptor($0.name, sha256: $0.sha256.hex) })),
            (
                "predicate",
                .object([
                    ("buildDefinition", buildDefinition),
                    ("runDetails", .object([("builder", .object([("id", .string("urn:assay:builder"))]))])),
                ])
            ),
        ])
    }

    private var buildDefinition: Value {
        let packages = lock.packages.map { package -> Value in
            .object([
                ("name", .string("\(package.name) \(package.version) \(package.architecture)")),
                ("uri", .string("\(package.archive)/\(package.path)")), ("digest", Self.digest(package.sha256.hex)),
            ])
        }
        let sources = lock.sources.flatMap { source in
            source.blobs.map { blob -> Value in
                .object([
                    ("name", .string(blob.mediaType.isEmpty ? source.request.place : blob.mediaType)),
                    ("uri", .string(source.request.place)),
                    ("digest", .object([(blob.digest.algorithm.rawValue, .string(blob.digest.hex))])),
                ])
            }
        }
        let files = overlays.digests.map { Self.descriptor($0.path, sha256: $0.sha256.hex) }
        let definition = Self.descriptor("image definition", sha256: image.definitionDigest.hex)
        let locked = Self.descriptor("image.lock.json", sha256: image.lockDigest.hex)
        return .object([
            ("buildType", .string("urn:assay:image-build:1")),
            (
                "externalParameters",
                .object([
                    ("image", .string(image.name)), ("version", .string(image.version)),
                    ("variant", .string(image.variant.rawValue)),
                ])
            ),
            ("internalParameters", .object([("formatRevisions", .object(image.formatRevisions))])),
            ("resolvedDependencies", .array(of: [definition, locked] + files + packages + sources)),
        ])
    }

    private static func descriptor(_ name: String, sha256: String) -> Value {
        .object([("name", .string(name)), ("digest", digest(sha256))])
    }

    private static func digest(_ sha256: String) -> Value { .object([("sha256", .string(sha256))]) }
}
