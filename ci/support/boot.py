"""Boots a machine under QEMU (TCG), with a software TPM if asked, and reads what the guest printed.

Shares no code with Assay: what it finds is compared with Assay's predictions.
"""
import base64
import binascii
import gzip
import hashlib
import os
import re
import shutil
import struct
import subprocess
import tempfile
import time

BANKS = {0x0004: "sha1", 0x000B: "sha256", 0x000C: "sha384", 0x000D: "sha512"}
SPEC_ID = b"Spec ID Event03\0"
# TCG PC Client Platform Firmware Profile 1.06, table 27.
EVENT_TYPES = {
    0x00000003: "EV_NO_ACTION",
    0x00000004: "EV_SEPARATOR",
    0x00000006: "EV_EVENT_TAG",
    0x00000008: "EV_S_CRTM_VERSION",
    0x0000000A: "EV_PLATFORM_CONFIG_FLAGS",
    0x0000000D: "EV_IPL",
    0x80000001: "EV_EFI_VARIABLE_DRIVER_CONFIG",
    0x80000002: "EV_EFI_VARIABLE_BOOT",
    0x80000003: "EV_EFI_BOOT_SERVICES_APPLICATION",
    0x80000004: "EV_EFI_BOOT_SERVICES_DRIVER",
    0x80000006: "EV_EFI_GPT_EVENT",
    0x80000007: "EV_EFI_ACTION",
    0x80000008: "EV_EFI_PLATFORM_FIRMWARE_BLOB",
    0x80000009: "EV_EFI_HANDOFF_TABLES",
    0x8000000A: "EV_EFI_PLATFORM_FIRMWARE_BLOB2",
    0x8000000B: "EV_EFI_HANDOFF_TABLES2",
    0x800000E0: "EV_EFI_VARIABLE_AUTHORITY",
}


class Boot:
    """What a boot left: the console text, the frames in it, PCRs and seconds."""

    def __init__(self, console, status, seconds, errors):
        self.console = console
        self.status = status
        self.seconds = seconds
        self.errors = errors
        self.outside = None
        self.lines = [line.rstrip("\r") for line in console.split("\n")]
        self.frames, self.broken = read_frames(self.lines)
        self.pcrs = {}
        for line in self.lines:
            found = re.fullmatch(r"assay: pcr (sha\d+) (\d+) ([0-9A-Fa-f]+)", line)
            if found:
                self.pcrs.setdefault(found[1], {})[int(found[2])] = found[3].lower()

    def said(self, text):
        return text in self.console

    def tail(self, count=25):
        return "\n".join("     | " + line for line in self.lines[-count:]) + ("\n     " + self.errors if self.errors else "")


def read_frames(lines):
    """Frames by name, checked by size and SHA-256; names of those that do not check."""
    frames, broken, name, body = {}, [], None, []
    for line in lines:
        begin = re.fullmatch(r"assay: begin (\S+) (\d+) ([0-9a-f]{64})", line)
        if begin:
            name, size, digest, body = begin[1], int(begin[2]), begin[3], []
        elif name and line == "assay: end " + name:
            try:
                data = gzip.decompress(base64.b64decode("".join(body)))
            except (OSError, EOFError, ValueError, binascii.Error):
                data = b""
            if len(data) == size and hashlib.sha256(data).hexdigest() == digest:
                frames[name] = data
            else:
                broken.append(name)
            name = None
        elif name and re.fullmatch(r"[A-Za-z0-9+/=]+", line):
            body.append(line)
    if name:
        broken.append(name)
    return frames, broken


class TPM:
    """A software TPM on a socket in `folder`, with fresh state; QEMU ends it."""

    def __init__(self, folder, banks="sha1,sha256,sha384"):
        os.mkdir(os.path.join(folder, "tpm"))
        subprocess.run(
            ["swtpm_setup", "--tpm2", "--tpmstate", "tpm", "--pcr-banks", banks, "--not-overwrite"],
            cwd=folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=tpm", "--terminate", "--ctrl", "type=unixio,path=tpm.sock"],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 60
        while not os.path.exists(os.path.join(folder, "tpm.sock")):
            if time.monotonic() > deadline or self.process.poll() is not None:
                self.stop()
                raise RuntimeError("swtpm did not open its socket")
            time.sleep(0.05)

    def stop(self):
        if self.process.poll() is None:
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def boot(qemu, arguments, files=None, copies=None, tpm=False, timeout=900, stop=("assay: done", "Kernel panic"), grace=20,
         look=None, serial=("-serial", "file:console")):
    """Runs QEMU with `arguments`, in a folder of its own where `files` are links and `copies` are writable copies.

    Ends when QEMU ends, `grace` seconds after one of `stop` was printed, or at `timeout` (seconds). Before it ends a
    machine after `stop`, it has `look` look at it, a function of the folder and the console's text. `serial` must leave what is said in
    the file `console` of that folder.
    """
    folder = tempfile.mkdtemp(prefix="assay-boot.")
    machine, software_tpm = None, None
    try:
        for name, path in (files or {}).items():
            os.symlink(os.path.abspath(path), os.path.join(folder, name))
        for name, path in (copies or {}).items():
            shutil.copyfile(path, os.path.join(folder, name))
            os.chmod(os.path.join(folder, name), 0o600)
        if tpm:
            software_tpm = TPM(folder)
        full = [qemu] + arguments + ["-display", "none", "-no-reboot"] + list(serial)
        start = time.monotonic()
        with open(os.path.join(folder, "errors"), "wb") as errors:
            machine = subprocess.Popen(full, cwd=folder, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors)
        status, seen, outside = "timeout", None, None
        while time.monotonic() - start < timeout:
            code = machine.poll()
            if code is not None:
                status = "exit %d" % code
                break
            if seen is None and any(text in read(folder, "console") for text in stop):
                seen = time.monotonic()
            if seen is not None and time.monotonic() - seen > grace:
                status = "stopped"
                outside = look(folder, read(folder, "console")) if look else None
                break
            time.sleep(0.2)
        if machine.poll() is None:
            machine.kill()
            machine.wait()
        run = Boot(read(folder, "console"), status, time.monotonic() - start, read(folder, "errors").strip())
        run.outside = outside
        return run
    finally:
        if machine is not None and machine.poll() is None:
            machine.kill()
            machine.wait()
        if software_tpm is not None:
            software_tpm.stop()
        shutil.rmtree(folder, ignore_errors=True)


def read(folder, name):
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


class Event:
    """One record of a TCG2 event log: PCR, type name, digest by bank (hex), data."""

    def __init__(self, pcr, kind, digests, data):
        self.pcr, self.kind, self.digests, self.data = pcr, kind, digests, data

    def __str__(self):
        text = self.data.decode("ascii", "replace") if self.kind in ("EV_EFI_ACTION", "EV_PLATFORM_CONFIG_FLAGS") else ""
        if self.kind == "EV_IPL":
            text = self.data.decode("utf-16-le", "replace").rstrip("\0")
        return "PCR %d %s %s" % (self.pcr, self.kind, text or "%d bytes" % len(self.data))


def read_event_log(log):
    """Events of a crypto-agile log (TCG PC Client PFP, section 10), without the leading Spec ID event."""
    _, kind, _, size = struct.unpack_from("<II20sI", log, 0)
    header = log[32:32 + size]
    if kind != 3 or not header.startswith(SPEC_ID):
        raise ValueError("the log does not start with a Spec ID event")
    sizes = dict(struct.unpack_from("<HH", header, 28 + 4 * i) for i in range(struct.unpack_from("<I", header, 24)[0]))
    events, at = [], 32 + size
    while at < len(log):
        pcr, kind, count = struct.unpack_from("<III", log, at)
        at += 12
        digests = {}
        for _ in range(count):
            (algorithm,) = struct.unpack_from("<H", log, at)
            digests[BANKS.get(algorithm, hex(algorithm))] = log[at + 2:at + 2 + sizes[algorithm]].hex()
            at += 2 + sizes[algorithm]
        (size,) = struct.unpack_from("<I", log, at)
        events.append(Event(pcr, EVENT_TYPES.get(kind, hex(kind)), digests, log[at + 4:at + 4 + size]))
        at += 4 + size
    return events


def replay(events, bank):
    """The PCRs (hex by index) that extending all events gives in a bank."""
    size = hashlib.new(bank).digest_size
    values = {}
    for event in events:
        if event.kind == "EV_NO_ACTION":
            continue
        value = values.get(event.pcr, bytes(size))
        values[event.pcr] = hashlib.new(bank, value + bytes.fromhex(event.digests[bank])).digest()
    return {pcr: value.hex() for pcr, value in values.items()}
