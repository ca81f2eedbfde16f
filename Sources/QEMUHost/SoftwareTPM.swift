private import Files

/// A TPM emulator for a machine that has a TPM: QEMU asks it for its properties when it starts. Its state is a folder
/// that goes with it.
final class SoftwareTPM {
    private let program: RunningProgram
    private let folder: String
    /// The path of its control socket.
    let socket: String

    init(in folder: String) throws {
        let state = folder + "/tpm"
        try FileSystem.makeDirectory(state, mode: 0o700)
        socket = folder + "/tpm.socket"
        self.folder = state
        guard Subprocess.find("swtpm") != nil else {
            throw QEMUError(
                "swtpm", "not installed", hint: "the machine has a TPM: install swtpm, or run ci/setup")
        }
        program = try RunningProgram(
            Subprocess(
                "swtpm",
                ["socket", "--tpm2", "--tpmstate", "dir=\(state)", "--ctrl", "type=unixio,path=\(socket)"]))
        try waitForSocket()
    }

    private func waitForSocket() throws {
        for _ in 0..<200 {
            if FileSystem.exists(socket) { return }
            FileSystem.pause(milliseconds: 25)
        }
        throw QEMUError("swtpm", "made no socket within 5 s (\(program.errorText.prefix(200)))")
    }

    func close() { program.stop() }
}
