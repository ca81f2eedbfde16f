import ArgumentParser
import Files
import Verity

/// Where error-correcting parity is, as veritysetup names it.
struct ParityOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Device or file with error-correcting parity.", valueName: "path"))
    var fecDevice: String?
    @Option(help: ArgumentHelp("Where the parity starts on its device (default: 0).", valueName: "bytes"))
    var fecOffset: CountArgument?
    @Option(help: ArgumentHelp("Parity bytes in a word of 255, 2 to 24 (default: 2).", valueName: "count"))
    var fecRoots: Int?

    func validate() throws {
        if fecDevice == nil, fecOffset != nil || fecRoots != nil {
            throw ValidationError("--fec-offset and --fec-roots say something about --fec-device, which is not given")
        }
    }

    /// The parity of an area whose tree is on the device `hash`; nil where none is asked for.
    ///
    /// - Parameter hashSize: size of that device, or of the file that it will be.
    func parity(_ area: VerityHashArea, data: String, hash: String, hashSize: Int) throws -> VerityParity? {
        guard let fecDevice else { return nil }
        let offset = fecOffset?.count ?? 0
        let isOnHash = fecDevice == hash || FileSystem.areSame(fecDevice, hash)
        let covered = area.parameters.dataBlocks * area.parameters.dataBlockSize
        if fecDevice == data || FileSystem.areSame(fecDevice, data), offset < covered {
            throw CommandFailure(
                "--fec-offset \(offset) is inside the data, which ends at byte \(covered)",
                hint: "put the parity behind data and tree, or on a device of its own")
        }
        return try VerityParity(area, roots: fecRoots ?? 2, offset: offset, hashEnd: isOnHash ? offset : hashSize)
    }

    /// Computes the parity and writes it: a file of its own appears whole, everything else is written in place.
    func write(_ parity: VerityParity, data: InputFile, hash: InputFile) throws {
        guard let fecDevice else { return }
        let isReplaced =
            switch FileSystem.kind(of: fecDevice) {
            case nil: true
            case .file: parity.offset == 0
            default: false
            }
        guard isReplaced else {
            let output = try ExistingFile(fecDevice)
            try parity.build(data: data, hash: hash) { offset, bytes throws(FileError) in
                try output.write(bytes, at: offset)
            }
            return try output.synchronize()
        }
        let output = try OutputFile(fecDevice)
        try parity.build(data: data, hash: hash) { offset, bytes throws(FileError) in
            try output.write(bytes, at: offset)
        }
        try output.commit()
    }
}
