"""What check-trace hashes: bytes by the names that traces use, and the formats that say which bytes firmware takes.

Shares no code with Assay.
"""
import collections
import glob
import hashlib
import json
import lzma
import os
import re
import struct
import subprocess
import tempfile
import uuid
import zlib

PAGE = 4096


class Refusal(Exception):
    """Says what is wrong with a node or an input."""


def number(value):
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise Refusal("%r is no number" % (value,))
    return value if isinstance(value, int) else int(value, 16)


def guid(text):
    return uuid.UUID(text).bytes_le


def checked(path, sha256):
    with open(path, "rb") as file:
        content = file.read()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise Refusal("%s: not the pinned file, whose SHA-256 is %s" % (path, sha256))
    return content


class Named:
    """Bytes by name, each read once."""

    def __init__(self):
        self.cache = {}
        self.used = collections.Counter()

    def read(self, name, offset, count):
        whole = self.whole(name)
        if offset < 0 or count < 0 or offset + count > len(whole):
            raise Refusal("%s has %d bytes, none at %#x up to %#x" % (name, len(whole), offset, offset + count))
        self.used[name] += 1
        return whole[offset:offset + count]

    def whole(self, name):
        if name not in self.cache:
            self.cache[name] = self.find(name)
        return self.cache[name]


class Files(Named):
    """Files that were given by the names that a trace has for them."""

    def __init__(self, words):
        super().__init__()
        self.paths = dict(word.split("=", 1) for word in words)

    def find(self, name):
        if name not in self.paths:
            raise Refusal("no file was given for '%s'" % name)
        with open(self.paths[name], "rb") as file:
            return file.read()


class Inputs(Named):
    """Bytes by the names that traces use: those of a build, and of a profile."""

    def __init__(self, build, profile):
        super().__init__()
        self.build = build
        self.profile = profile
        with open(os.path.join(profile, "profile.yaml"), encoding="utf-8") as file:
            self.text = file.read()
        with open(os.path.join(build, "artifacts.json"), encoding="utf-8") as file:
            self.artifacts = {item["name"]: item["sha256"] for item in json.load(file)["artifacts"]}

    def search(self, what, pattern):
        """The groups of the first place of the profile that has this form."""
        found = re.search(pattern, self.text, re.M)
        if not found:
            raise Refusal("the profile has no %s" % what)
        return found.groups()

    def word(self, block, name):
        """A scalar of a block of the profile."""
        return self.search("%s.%s" % (block, name), r"^%s:\n(?:  .*\n)*?  %s: (\S+)$" % (block, name))[0].strip('"')

    def firmware_strings(self):
        return self.search("firmwareStrings", r"^  firmwareStrings:\n    vendor: (.+)\n    version: (.+)\n    date: (.+)$")

    def processor(self, name):
        """EAX and EDX of CPUID leaf 1 that the profile gives a processor."""
        form = r"^    - name: %s\n      signature: (\S+)\n      features: (\S+)$" % re.escape(name)
        return [int(text, 16) for text in self.search("processor " + name, form)]

    def one_vcpu_digest(self, model, digest):
        """Requires that the profile states this digest for a model."""
        form = r"^    - name: %s\n      signature: \S+\n      oneVCPUDigest: (\S+)$" % re.escape(model)
        if self.search("oneVCPUDigest of " + model, form)[0].strip('"') != digest:
            raise Refusal("the profile states another digest for %s" % model)

    def memory(self):
        text = self.word("tdx", "memory")
        return int(text.rstrip("KMGT")) << {"K": 10, "M": 20, "G": 30, "T": 40}.get(text[-1], 0)

    def find(self, name):
        if name in self.artifacts:
            return checked(os.path.join(self.build, name), self.artifacts[name])
        if name == "variables.fd":
            return empty_variable_store()
        if name == "firmware":
            return self.firmware()
        packed = re.fullmatch(r"firmware/unpacked-(0x[0-9a-f]+)/(0x[0-9a-f]+)", name)
        if packed:
            return unpacked_volume(self.whole("firmware"), int(packed[1], 16), int(packed[2], 16))
        blob = re.search(r"^  - name: %s\n    file: (\S+)\n    sha256: \"([0-9a-f]{64})\"$" % re.escape(name), self.text, re.M)
        if blob:
            return checked(os.path.join(self.profile, blob[1]), blob[2])
        zeros = re.search(r"^    - name: %s\n      zeros: (\d+)$" % re.escape(name), self.text, re.M)
        if zeros:
            return bytes(int(zeros[1]))
        raise Refusal("no input has the name '%s'" % name)

    def firmware(self):
        """The pinned file out of the pinned package; with an empty variable store where the profile wants one."""
        sha256 = self.word("firmware", "packageSHA256")
        cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        places = [os.path.join(cache, "assay", "sha256", sha256[:2], sha256)]
        file = os.path.basename(self.word("firmware", "poolPath"))
        for pool in filter(None, os.environ.get("ASSAY_POOL", "").split(":")):
            places += glob.glob(os.path.join(glob.escape(pool), "**", glob.escape(file)), recursive=True)
        package = next((place for place in places if os.path.exists(place)), None)
        if package is None:
            raise Refusal("package %s is neither in the cache nor in ASSAY_POOL" % file)
        checked(package, sha256)
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True)
            content = checked(os.path.join(folder, self.word("firmware", "path")), self.word("firmware", "sha256"))
        if re.search(r"^tee: tdx$", self.text, re.M) and re.search(r"- name: events.variables\n    value: empty$", self.text, re.M):
            store = empty_variable_store()
            content = store + content[len(store):]
        return content


def empty_variable_store():
    """The store of a 4 MiB build of OVMF without a variable (edk2 VariableFormat.h, FaultTolerantWrite.h)."""
    size, area, working = 0x84000, 0x40000, 0x41000
    head = bytearray(struct.pack(
        "<16x16sQ4sIHHHBBIIQ", guid("fff12b8d-7696-4c8b-a985-2747075b4f50"), size, b"_FVH", 0x4FEFF, 0x48, 0, 0, 0, 2,
        size // PAGE, PAGE, 0))
    struct.pack_into("<H", head, 0x32, -sum(struct.unpack("<36H", head)) & 0xFFFF)
    head += guid("aaf32c78-947b-439a-a180-2e144ec37792") + struct.pack("<IBB6x", area - 0x48, 0x5A, 0xFE)
    block = guid("9e58292b-7c68-497d-a0ce-6500fd9f1b95")
    tail = struct.pack("<Q", PAGE - 32)
    check = zlib.crc32(block + b"\xff" * 8 + tail)
    block += struct.pack("<II", check, 0xFFFFFFFE) + tail
    store = bytes(head).ljust(working, b"\xff") + block
    return store.ljust(size, b"\xff")


def unpacked_volume(image, section, offset):
    """The firmware volume at `offset` of what the LZMA section at `section` unpacks to (PI 1.8, volume 3, 3.2.5)."""
    size, kind, name, data = struct.unpack_from("<3sB16sH", image, section)
    if kind != 2 or name != guid("ee4e5898-3914-4259-9d6e-dc7bd79403cf"):
        raise Refusal("no LZMA section at %#x of the firmware" % section)
    stream = image[section + data:section + int.from_bytes(size, "little")]
    plain = lzma.LZMADecompressor(format=lzma.FORMAT_ALONE).decompress(stream)
    if plain[offset + 0x28:offset + 0x2C] != b"_FVH":
        raise Refusal("no firmware volume at %#x of the unpacked section" % offset)
    return plain[offset:offset + struct.unpack_from("<Q", plain, offset + 0x20)[0]]


def headers(image):
    """Where a PE image's optional header starts, and its sections as (virtual size, size, place), in table order."""
    start = struct.unpack_from("<I", image, 0x3C)[0] + 4
    count, optional = struct.unpack_from("<H", image, start + 2)[0], struct.unpack_from("<H", image, start + 16)[0]
    head = start + 20
    table = [struct.unpack_from("<I4xII", image, head + optional + 40 * i + 8) for i in range(count)]
    return head, table


def embedded(image, place):
    """The content of the section that starts at `place` of a PE image; the image itself at 0."""
    if place == 0:
        return image
    sizes = [min(virtual, size) for virtual, size, start in headers(image)[1] if start == place]
    if len(sizes) != 1:
        raise Refusal("no section starts at %#x" % place)
    return image[place:place + sizes[0]]


def authenticode(image):
    """The parts of a PE image that its digest covers, by edk2's rules: no padding of odd sizes."""
    head, table = headers(image)
    end = struct.unpack_from("<I", image, head + 60)[0]
    directories = head + (112 if struct.unpack_from("<H", image, head)[0] == 0x20B else 96)
    security, certificates = directories + 4 * 8, 0
    if struct.unpack_from("<I", image, directories - 4)[0] > 4:
        certificates = struct.unpack_from("<I", image, security + 4)[0]
        parts = [image[:head + 64], image[head + 68:security], image[security + 8:end]]
    else:
        parts = [image[:head + 64], image[head + 68:end]]
    hashed = end
    for _, size, place in sorted(table, key=lambda section: section[2]):
        if size:
            parts.append(image[place:place + size])
            hashed += size
    return b"".join(parts) + image[hashed:len(image) - certificates]


def partition_event(disk):
    """What firmware measures of a GPT (UEFI_GPT_DATA): header, number of entries in use, those entries."""
    start, entries, size = struct.unpack_from("<QII", disk, 512 + 72)
    table = [disk[start * 512 + i * size:start * 512 + (i + 1) * size] for i in range(entries)]
    used = [entry for entry in table if any(entry[:16])]
    return disk[512:512 + 92] + struct.pack("<Q", len(used)) + b"".join(used)


def save_area_facts(page):
    """Start address, RDX and SEV_FEATURES of a VMSA."""
    base, rip = struct.unpack_from("<Q", page, 0x18)[0], struct.unpack_from("<Q", page, 0x178)[0]
    return {"start": base + rip, "rdx": struct.unpack_from("<Q", page, 0x310)[0],
            "sevFeatures": struct.unpack_from("<Q", page, 0x3B0)[0]}


def hash_table(command_line, initrd, kernel):
    """QEMU's table of kernel hashes (target/i386/sev.c)."""
    table = guid("9438d606-4f22-4cc9-b479-a793d411fd21") + struct.pack("<H", 168)
    for name, digest in (("97d02dd8-bd20-4c94-aa78-e7714d36ab2a", command_line),
                         ("44baf731-3a2f-4bd7-9af1-41e29169781d", initrd),
                         ("4de79437-abd2-427f-b835-d5b172d2045b", kernel)):
        table += guid(name) + struct.pack("<H", 50) + digest
    return table.ljust(176, b"\0")


# Fields that edk2's SmbiosMeasurementDxe blanks, by structure type: offsets of string numbers, and (offset, size) of bytes.
SMBIOS_BLANKED = {
    1: [0x07, (0x08, 16), (0x18, 1)],
    2: [0x07, 0x0A],
    3: [0x07, 0x08],
    4: [0x20, 0x21, 0x22, (0x11, 1), (0x16, 2), (0x23, 1), (0x24, 1), (0x25, 1), (0x2A, 2), (0x2C, 2), (0x2E, 2)],
    17: [0x18, 0x19, 0x1A],
    22: [0x07, (0x10, 2), (0x12, 2)],
    23: [(0x05, 2)],
    27: [(0x0C, 2)],
    39: [0x08, 0x09, 0x0A],
}


def smbios_structures(table):
    """(formatted part, strings) of each structure, up to the end of the table (DSP0134, 6.1)."""
    at = 0
    while at < len(table):
        end = at + table[at + 1]
        formatted, close = table[at:end], table.index(b"\0\0", end)
        yield formatted, [] if close == end else table[end:close].split(b"\0")
        at = close + 2


def smbios_measured(table, identity, processor=None):
    """What edk2 hashes of QEMU's table with OVMF's BIOS information and end; `processor` is EAX and EDX of CPUID leaf 1."""
    structures = [pair for pair in smbios_structures(table) if pair[0][0] != 127]
    if all(formatted[0] for formatted, _ in structures):
        bios = struct.pack("<BBHBBHBBQBBBBBB", 0, 26, 0, 1, 2, 0xE800, 3, 0, 8, 0, 0x1C, 0, 0, 0xFF, 0xFF)
        structures.append((bios + bytes(26 - len(bios)), [text.encode() for text in identity]))
    result = b""
    for formatted, strings in structures + [(b"\x7f\x04\xff\xfe", [])]:
        formatted, strings = bytearray(formatted), list(strings)
        if formatted[0] == 4 and processor:
            formatted[8:16] = struct.pack("<II", *processor)
        for field in SMBIOS_BLANKED.get(formatted[0], []):
            if isinstance(field, tuple) and sum(field) <= len(formatted):
                formatted[field[0]:sum(field)] = bytes(field[1])
            elif not isinstance(field, tuple) and field < len(formatted) and formatted[field]:
                if formatted[field] <= len(strings):
                    strings[formatted[field] - 1] = b" " * len(strings[formatted[field] - 1])
                formatted[field] = 0
        whole = bytes(formatted) + (b"".join(text + b"\0" for text in strings) or b"\0") + b"\0"
        if formatted[0] >= 128 or formatted[0] in (11, 15, 18, 31, 33):
            whole = whole[:4].ljust(len(whole), b"\0")
        result += whole
    return result


def td_handoff_block(memory, sections):
    """QEMU's list of a TD's memory without its end (hw/i386/tdvf-hob.c); `sections` are (kind, address, size)."""
    low = 0x80000000 if memory >= 0xB0000000 else memory
    places = [address for kind, address, _ in sections if kind == "TD_HOB"]
    if len(places) != 1:
        raise Refusal("MRTD has %d TD_HOB sections" % len(places))
    cuts = sorted((address, size) for kind, address, size in sections if kind in ("TD_HOB", "TEMP_MEM"))
    ranges, at = [], 0
    for address, size in cuts:
        ranges += [(7, at, address - at), (0, address, size)]
        at = address + size
    ranges += [(7, at, low - at), (7, 1 << 32, memory - low)]
    ranges = [entry for entry in ranges if entry[2]]
    head = struct.pack("<HHII36xQ", 1, 56, 0, 9, places[0] + 56 + 48 * len(ranges) + 8)
    return head + b"".join(struct.pack("<HHI16xIIQQ", 3, 48, 0, kind, 7, start, size) for kind, start, size in ranges)
