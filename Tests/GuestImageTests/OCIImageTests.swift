import Archives
import Bytes
import Documents
import Files
import GuestImage
import Hashing
import Packages
import TestSupport
import Testing
import Transport

@Suite("OCI images by digest")
struct OCIImageTests {
    let folder: TemporaryFolder
    init() throws { folder = try TemporaryFolder() }

    static let platform = OCIPlatform(os: "linux", architecture: "amd64")
    static let archive = TarBytes.archive { $0.file("f", "data") }

    func read(_ layout: SampleLayout, _ digest: Digest? = nil) throws -> OCIImage {
        try OCIImageReader(source: OCILayoutDirectory(layout.path))
            .image(digest ?? layout.digest, platform: Self.platform)
    }

    func error(_ body: () throws -> Void) -> FormatError? {
        do { try body() } catch { return error as? FormatError }
        return nil
    }

    @Test("give manifest, configuration and layers")
    func image() throws {
        let layout = try SampleLayout(folder, [.init(Self.archive)])
        let image = try read(layout)
        #expect(image.manifest.digest == layout.digest)
        #expect(image.layers.map(\.diffID) == [.of(Self.archive, .sha256)])
        #expect(image.configuration.entrypoint == ["/app"] && image.configuration.command.isEmpty)
        #expect(image.configuration.environment == ["A=1"])
    }

    @Test("take Docker's media types as well")
    func docker() throws {
        let layout = try SampleLayout(
            folder, [.init(Self.archive, mediaType: "application/vnd.docker.image.rootfs.diff.tar")],
            manifestType: "application/vnd.docker.distribution.manifest.v2+json",
            configurationType: "application/vnd.docker.container.image.v1+json")
        #expect(try read(layout).layers.first?.compression == Archives.Compression.none)
    }

    @Test("choose the platform from an index, and never guess")
    func index() throws {
        let layout = try SampleLayout(folder, [.init(Self.archive)])
        let type = OCIMediaType.manifests[0]
        let entry = { (platform: (String, String)?) in
            SampleLayout.descriptor(type, layout.digest, layout.manifest.count, platform: platform)
        }
        func index(_ entries: [Value]) throws -> Digest {
            try layout.write(
                CanonicalJSON.encode(.object([("schemaVersion", .count(2)), ("manifests", .array(of: entries))])))
        }
        let good = try index([entry(("linux", "arm64")), entry(("linux", "amd64"))])
        #expect(try read(layout, good).path.map(\.digest) == [good, layout.digest])
        #expect(throws: PackageError.self) { _ = try read(layout, index([entry(("linux", "arm64"))])) }
        #expect(throws: PackageError.self) {
            _ = try read(layout, index([entry(("linux", "amd64")), entry(("linux", "amd64"))]))
        }
        #expect(throws: PackageError.self) { _ = try read(layout, index([])) }
    }

    @Test("refuse an index that leads round in circles of indexes")
    func deepIndex() throws {
        let layout = try SampleLayout(folder, [.init(Self.archive)])
        var digest = layout.digest
        var size = layout.manifest.count
        var type = OCIMediaType.manifests[0]
        for _ in 0..<6 {
            let bytes = try CanonicalJSON.encode(
                .object([
                    ("schemaVersion", .count(2)),
                    ("manifests", .array(of: [SampleLayout.descriptor(type, digest, size)])),
                ]))
            digest = try layout.write(bytes)
            size = bytes.count
            type = OCIMediaType.indexes[0]
        }
        #expect(throws: PackageError.self) { _ = try read(layout, digest) }
    }

    @Test("refuse wrong digests, sizes, media types, diff_ids and platforms, each by name")
    func wrong() throws {
        var layer = SampleLayout.Layer(Self.archive)
        layer.size = 5
        let short = try SampleLayout(folder, [layer])
        #expect(throws: (any Error).self) {
            try unpack(short)
        }
        layer = .init(Self.archive, mediaType: "application/vnd.oci.image.layer.v1.tar+gzip+encrypted")
        #expect(error { _ = try read(SampleLayout(folder, [layer])) }?.field == "mediaType")
        layer = .init(Self.archive)
        layer.diffID = .of([1], .sha256)
        let other = try SampleLayout(folder, [layer])
        #expect(error { try unpack(other) }?.field == "uncompressed archive")
        layer = .init(Self.archive)
        layer.digest = .of([2], .sha256)
        let absent = try SampleLayout(folder, [layer])
        #expect(throws: PackageError.self) { try unpack(absent) }
        #expect(throws: PackageError.self) {
            _ = try read(SampleLayout(folder, [.init(Self.archive)], platform: ("linux", "riscv64")))
        }
        #expect(error { _ = try read(SampleLayout(folder, [])) }?.field == "layers")
    }

    @Test("refuse a blob whose bytes were changed")
    func changed() throws {
        let layout = try SampleLayout(folder, [.init(Self.archive)])
        let path = "\(layout.path)/blobs/sha256/\(layout.digest.hex)"
        try OutputFile.write(layout.manifest + [0x20], to: path)
        #expect(error { _ = try read(layout) }?.field == "digest")
    }

    @Test(
        "stop a layer that unpacks to far more than it holds",
        .enabled(if: Outside.has("gzip"), "gzip is not installed"))
    func bomb() throws {
        var tar = TarBytes()
        tar.add(Array("zeros".utf8), contents: [UInt8](repeating: 0, count: 8 << 20))
        let packed = try Subprocess("gzip", ["-9", "-c"]).run(input: tar.closed).output
        let layer = SampleLayout.Layer(tar.closed, stored: packed, mediaType: SampleLayout.tar + "+gzip")
        let layout = try SampleLayout(folder, [layer])
        let image = try read(layout)
        let output = try OutputFile(folder.file("out"))
        #expect(
            error { try image.layers[0].unpack(packed, to: output, limit: 4 << 20) }?.hint?.contains("bomb") == true)
    }

    @Test("are the same from a tar archive of the layout", .enabled(if: Outside.has("tar"), "tar is not installed"))
    func archive() throws {
        let layout = try SampleLayout(folder, [.init(Self.archive)])
        let path = folder.file("layout.tar")
        _ = try Subprocess("tar", ["-cf", path, "-C", layout.path, "."]).run()
        let reader = OCIImageReader(source: try OCILayoutArchive(path))
        #expect(try reader.onlyImage(platform: Self.platform) == read(layout))
    }

    @Test("keep to a digest: references without one are for local layouts")
    func references() throws {
        let digest = "sha256:" + String(repeating: "a", count: 64)
        let remote = try OCIReference(parsing: "registry.example:5000/team/app@" + digest)
        #expect(remote.isRegistry && remote.digest?.ociText == digest)
        #expect(try !OCIReference(parsing: "app.oci").isRegistry)
        #expect(try !OCIReference(parsing: "./registry.example/app").isRegistry)
        for bad in [
            "registry.example/app", "registry.example/app:latest", "app@sha256:12", "registry.example/Team@" + digest,
            "@" + digest, "",
        ] {
            #expect(throws: PackageError.self) { _ = try OCIReference(parsing: bad) }
        }
    }

    @Test("keep every error readable for random bytes in place of documents")
    func garbage() throws {
        let seed = UInt64.random(in: .min ... .max)
        var random = SeededGenerator(seed: seed)
        let layout = try SampleLayout(folder, [.init(Self.archive)])
        for _ in 0..<300 {
            var bytes = layout.manifest
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: .min ... .max, using: &random)
            }
            let digest = try layout.write(bytes)
            do { _ = try read(layout, digest) } catch {
                #expect(error is any ExplainedError, "seed \(seed): \(error)")
            }
        }
    }

    private func unpack(_ layout: SampleLayout) throws {
        let reader = OCIImageReader(source: try OCILayoutDirectory(layout.path))
        let image = try reader.image(layout.digest, platform: Self.platform)
        _ = try OCIRootTree(reader: reader, image: image, scratch: folder.path).tree(epoch: 0)
    }
}
