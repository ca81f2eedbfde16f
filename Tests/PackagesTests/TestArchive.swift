import Bytes
import Files
import Packages
import TestSupport

/// An archive with one suite of three packages, made by rule and signed once.
///
/// Two Ed25519 keys were made with GnuPG 2.2.40 under a set clock (2024-01-01), used for the three signatures below
/// (2024-02-02) and thrown away. The index was packed by Python's lzma. The packages are those of `DebBytes`.
struct TestArchive {
    /// The key that tests pin, and the fingerprint that gpg gave for it.
    static let key =
        [UInt8](
            hex:
                "9833046592008016092b06010401da470f010107408915e412b8dff3c068516d1344d715ecaedd91c7cd62fb66d62e40f0fb"
                + "ac0d3eb4124173736179207465737420617263686976658890041316080038162104b72660b1d471101eb0fa8470a281a71e"
                + "04f35696050265920080021b03050b0908070206150a09080b020416020301021e01021780000a0910a281a71e04f356962f"
                + "560100c415cd76ece74570c591e60724251d99e6654196adebcc9eff4f24ab6d7061b80100ff50ca72c400f07cec6d134845"
                + "b82a3772341ceaaf780c964f2c264a9068de0c"
        ) ?? []
    static let fingerprint = "B72660B1D471101EB0FA8470A281A71E04F35696"
    /// A key that no test pins.
    static let stranger =
        [UInt8](
            hex:
                "9833046592008016092b06010401da470f010107405c6b2deb720dd636c7f38d80a257b73acb2defd5c5ce4eb63722f27609"
                + "8d3e2db4134173736179207465737420737472616e676572888f04131608003816210415469e5a838c0425785413c1577d28"
                + "7ccb0aea3c050265920080021b03050b0908070206150a09080b020416020301021e01021780000a0910577d287ccb0aea3c"
                + "3c4100f76b70826f81bcee87c7fbb246be4cb1f94b1fa22d3d68f36209bb84b29eabbe00fd17b078ee206c7523bef8575d2a"
                + "d29e7be026baad8b281f5fa6a31601c9355407"
        ) ?? []
    static let strangerFingerprint = "15469E5A838C0425785413C1577D287CCB0AEA3C"

    /// `Packages.xz`: demo (which needs demo-lib), demo-extra (which needs what is not there), demo-lib.
    static let index =
        [UInt8](
            hex:
                "fd377a585a0000016922de360200210116000000742fe5a3e002a2015d5d0028184866dbda3085fe16e1a840dff56ca9088a"
                + "1393713c430501ca5119d1a1df3889d3c6f6a764ab27c9062c6136074603da542c01bb4c9e174cefc9f0d148ea0d2cbdd6ca"
                + "3817476eeb91d95dca5d00c6d6866cd5139cb92b4babdb302982b17c18c2012e661b60c09cef1830c6f4ac4577b3b44eab88"
                + "8b9e373a14ed31e8a9ad07d37d3f671030eb2502290e6964551ca0684fa43408729266df13d140d5b82ff12983a8076cbdfb"
                + "ea81d782e28f9052a8e1427eebc77374416deaf0d32f79aec75527a11da74d392cfe32af87a53a70d463cf9aed23935a824a"
                + "36cb8ee0a72df104f1fdbd30d2e2ba70504d49562186a87c2a8d22a6af6d3ea3703eceb776bfd670c72de37c6ca4dee091d7"
                + "8b3d842cdf3b614958043daae9cbe96e5088cf6cbaa026bebb977122d29c9302f7d3a1dcfc35603dc277708891e73a3f8a8c"
                + "022baf4c89f76e9a4a7a2b2a43e8e9025095cb4647c295687208d2f9dc0000000000ff06e3220001f502a3050000177bdfa5"
                + "3e300d8b020000000001595a"
        ) ?? []
    static let indexDigest = "20d945a65965a1359b42ec9ed820c7684c38f751b2e26870356998aa04d6489e"

    /// What is signed, up to the signature.
    static let body = """
        -----BEGIN PGP SIGNED MESSAGE-----
        Hash: SHA512

        Origin: Assay tests
        Suite: demo
        Codename: demo
        Date: Thu, 01 Feb 2024 10:00:00 UTC
        Acquire-By-Hash: yes
        Architectures: amd64
        Components: main
        Description: packages made by rule
        SHA256:
         20d945a65965a1359b42ec9ed820c7684c38f751b2e26870356998aa04d6489e 412 main/binary-amd64/Packages.xz
         29bc447b1b39639283324b318a648aee58f090275665877d0a10cf1b8df8e1be 675 main/binary-amd64/Packages

        """

    static let signature = """
        -----BEGIN PGP SIGNATURE-----

        iHUEARYKAB0WIQS3JmCx1HEQHrD6hHCigaceBPNWlgUCZbwwgAAKCRCigaceBPNW
        llFOAQC2kQ50DfOmdFc8geREGjPaKbX+tL8MyFKqPE+cEfnrYAD5AflRhlkXhUPO
        p0+l/ZUDJj4LaDkXcaQdfEUkjKwPYwQ=
        =bkRD
        -----END PGP SIGNATURE-----

        """
    static let strangersSignature = """
        -----BEGIN PGP SIGNATURE-----

        iHUEARYKAB0WIQQVRp5ag4wEJXhUE8FXfSh8ywrqPAUCZbwwgAAKCRBXfSh8ywrq
        PI/OAP4j1ySQRB1vpFqeYrow9zPPodmFlTTszTc+7jlavvo+QgD9EMvkVGvS4GJI
        I+FYURjhxZtviVev1XZu9HlCzIs61As=
        =dVj0
        -----END PGP SIGNATURE-----

        """
    /// Over the same text with the date of a day before.
    static let olderSignature = """
        -----BEGIN PGP SIGNATURE-----

        iHUEARYKAB0WIQS3JmCx1HEQHrD6hHCigaceBPNWlgUCZbwwgAAKCRCigaceBPNW
        lq9dAQCRdMtLJUgMNqbGKVGa7q8xesdum4iRqiQse6lbxOA6JgEArmBSMP8W3cpH
        VYi9e8GMptMiNNwJsYNpa0EsVMv5lwM=
        =yAcx
        -----END PGP SIGNATURE-----

        """

    static let inRelease = body + signature
    static let strangersInRelease = body + strangersSignature
    static let olderInRelease =
        body.split(separator: "Thu, 01 Feb", omittingEmptySubsequences: false).joined(separator: "Wed, 31 Jan")
        + olderSignature
    /// Field `Date` of both: 2024-02-01 and 2024-01-31, 10:00:00 UTC.
    static let date: Int64 = 1_706_781_600
    static let olderDate: Int64 = 1_706_695_200

    static let packages = [("demo", "1:1.0-1"), ("demo-extra", "2.0+x"), ("demo-lib", "0.5")]

    private let folder: TemporaryFolder

    /// Lays the archive out in a folder of its own.
    init(inRelease: String = Self.inRelease, index: [UInt8] = Self.index) throws {
        folder = try TemporaryFolder()
        let suite = "mirror/dists/demo/"
        try folder.write(suite + "InRelease", Array(inRelease.utf8))
        for name in ["Packages.xz", "by-hash/SHA256/" + Self.indexDigest] {
            try folder.write(suite + "main/binary-amd64/" + name, index)
        }
        for (name, version) in Self.packages {
            let file = version.split(separator: ":").last ?? ""
            try folder.write("mirror/pool/main/d/\(name)/\(name)_\(file)_all.deb", Self.package(name, version))
        }
        try folder.write("keys.pgp", Self.stranger + Self.key)
        try FileSystem.makeDirectory(image)
    }

    /// The bytes of a package of the archive.
    static func package(_ name: String, _ version: String) -> [UInt8] {
        DebBytes(name, version: version) { tar in
            tar.add(Array("./usr/share/\(name)".utf8), contents: Array("\(name) \(version)\n".utf8))
        }.bytes
    }

    /// A file below this archive's folder.
    func path(_ name: String) -> String { folder.file(name) }

    /// The file of keys to take pinned ones from: both.
    var keys: String { path("keys.pgp") }

    /// An image's folder.
    var image: String { path("image") }

    /// The archive as the only source.
    var sources: PackageSources {
        PackageSources(mirrors: [Mirror(archive: "debian", address: "file://" + path("mirror"))])
    }

    /// demo with what it needs, demo-extra alone.
    static let request = ResolutionRequest(
        suites: [.init(name: "demo")], keys: [fingerprint], packages: ["demo"], extras: ["demo-extra"])

    /// Puts another InRelease into the archive.
    func sign(_ inRelease: String) throws {
        try folder.write("mirror/dists/demo/InRelease", Array(inRelease.utf8))
    }

    /// Takes the index out of the archive.
    func dropIndex() throws { try FileSystem.remove(path("mirror/dists")) }
}
