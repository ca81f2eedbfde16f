"""Small td-shim images by rule, and what a TD with them reports. Shares no code with Assay."""
import hashlib
import struct
import uuid

SIZE, CONFIGURATION, PAYLOAD_AT, PAYLOAD, METADATA = 0x18000, 0x2000, 0x4000, 0x8000, 0xC000
HANDOFF, KERNEL_SECTION, PARAMETERS, SVN = 0x800000, 0x10000, 0x1000, 0x0102030405060708
BASE = (1 << 32) - SIZE
FORMS = ["linux", "linuxInMRTD", "executable", "executableSection", "signed", "permanentMemory"]
PROGRAM = bytes((7 * i + 3) & 255 for i in range(600))
LINE = b"root=/dev/vda1 console=hvc0 rw"


def sha384(content):
    return hashlib.sha384(content).digest()


def guid(text):
    return uuid.UUID(text).bytes_le


def kernel():
    content = bytearray((13 * i + (i >> 8)) & 255 for i in range(0x3456))
    content[0x202:0x206] = b"HdrS"
    return bytes(content)


def sections(form):
    start = PAYLOAD_AT if form == "executable" else METADATA
    table = [
        (start, SIZE - start, BASE + start, SIZE - start, 0, 1), (0, CONFIGURATION, BASE, CONFIGURATION, 1, 0),
        (0, 0, BASE + 0x2000, 0x1000, 3, 0)]
    table.append((0, 0, 0x1000000, 0x4000, 4, 2) if form == "permanentMemory" else (0, 0, HANDOFF, 0x2000, 2, 0))
    if form in ("linux", "linuxInMRTD"):
        table += [(0, 0, 0x861000, KERNEL_SECTION, 5, int(form == "linuxInMRTD")), (0, 0, 0x860000, PARAMETERS, 6, 0)]
    elif form != "executable":
        table.append((PAYLOAD_AT, PAYLOAD, BASE + PAYLOAD_AT, PAYLOAD, 5, 0))
    return table


def volume(size, name, kind, content, length=None):
    head = struct.pack("<16x16sQ4sIHHHBB", guid("5473c07a-3dcb-4dca-bd6f-1e9689e7349a"), size, b"_FVH", 0x4F6FF, 0x78, 0, 0x60, 0, 2)
    check = -sum(struct.unpack("<28H", head)) & 0xFFFF
    head = head[:0x32] + struct.pack("<H", check) + head[0x34:] + struct.pack("<IIII", size // 0x1000, 0x1000, 0, 0)
    head += bytes(18) + b"\xf0\0\x2c\0\0\7" + bytes(16) + struct.pack("<II", 20, 0)
    length = length or size - len(head)
    file = bytearray(guid(name) + struct.pack("<BBBBI", 0, 0, kind, 0, length))
    file[16] = -sum(file) & 255
    file[17], file[23] = 0xAA, 7
    return (head + bytes(file) + content).ljust(size, b"\0")


def image(form):
    content = bytearray((31 * i + (i >> 12)) & 255 for i in range(SIZE))

    def put(offset, part):
        content[offset:offset + len(part)] = part

    put(0, bytes(CONFIGURATION))
    payload = PROGRAM
    if form == "signed":
        key = b"\xa5" * 96
        payload = guid("fcf2d558-9df5-4f4d-b0d7-3e4b798ab066") + struct.pack("<IIQQII", 1, 48 + len(PROGRAM), 9, SVN, 1, 0)
        payload += PROGRAM + key + b"\x5a" * 96
        anchor = guid("be8f65a3-a83b-415c-a1fb-f78e105e824e") + struct.pack("<IIQQ", 1, 88, 1, 0) + sha384(key)
        put(0, volume(CONFIGURATION, "77a2742e-9340-4ac9-8f85-b7b978580021", 1, anchor, 24 + 88))
    if not form.startswith("linux"):
        rest = PAYLOAD - 0x78 - 24
        put(PAYLOAD_AT, volume(
            PAYLOAD, "a8f75d7c-8b85-49b6-913e-af9961557308", 5, struct.pack("<I", rest | 0x10000000) + payload))
    table = sections(form)
    descriptor = struct.pack("<4sIII", b"TDVF", 16 + 32 * len(table), 1, len(table))
    descriptor += b"".join(struct.pack("<IIQQII", *section) for section in table)
    put(METADATA, guid("e9eaf9f3-168e-44d5-a8eb-7f4d8738f6ae") + descriptor)
    end = struct.pack("<IH", SIZE - METADATA - 16, 22) + guid("e47a6535-984a-4798-865e-4685a7bf8ec2")
    end += struct.pack("<H", 40) + guid("96b582de-1fb2-45f7-baea-a366c55a082d")
    put(SIZE - 0x20 - len(end), end)
    put(SIZE - 0x20, struct.pack("<I", METADATA + 16))
    return bytes(content)


def handoff(image_type=None):
    blocks = b""
    for kind, start, size in (7, 0, 0x800000), (0, 0x800000, 0x2000), (7, 0x802000, 0x3F7FE000):
        blocks += struct.pack("<HH20xIIQQ", 3, 48, kind, 7, start, size)
    if image_type is not None:
        blocks += struct.pack("<HHI", 4, 40, 0) + guid("b96fa412-461f-4be3-8c0d-ad805a497ac0")
        blocks += struct.pack("<IIQ", image_type, 0, 0x861000)
    blocks += bytes.fromhex("ffff080000000000")
    return struct.pack("<HHII36xQ", 1, 56, 0, 9, HANDOFF + 56 + len(blocks)) + blocks


def extend(digests):
    value = bytes(48)
    for digest in digests:
        value = sha384(value + digest)
    return value


def mrtd(form):
    stream, content = hashlib.sha384(), image(form)
    for offset, raw, address, size, kind, attributes in sections(form):
        if attributes & 2:
            continue
        part = (kernel() if kind == 5 and not raw else content[offset:offset + raw]).ljust(size, b"\0")
        for page in range(0, size, 0x1000):
            stream.update(struct.pack("<16sQ104x", b"MEM.PAGE.ADD", address + page))
            if attributes & 1:
                for chunk in range(page, page + 0x1000, 256):
                    stream.update(struct.pack("<16sQ104x", b"MR.EXTEND", address + chunk) + part[chunk:chunk + 256])
    return stream.digest()


def registers(form, image_type=None):
    """MRTD and RTMR0 to RTMR3."""
    separator, first, second = sha384(bytes(4)), [], []
    content = image(form)
    if form != "permanentMemory":
        first.append(sha384(handoff(image_type)))
    if form.startswith("linux"):
        first, second = first + [separator], [separator]
        if form == "linux":
            second.append(sha384(kernel().ljust(KERNEL_SECTION, b"\0")))
        second.append(sha384(LINE.ljust(PARAMETERS, b"\0")))
    else:
        if image_type is not None:
            first, second = first + [separator], [separator]
        payload = content[PAYLOAD_AT + 0x78 + 24 + 4:PAYLOAD_AT + PAYLOAD]
        if form == "signed":
            payload = PROGRAM
            anchor = sha384(content[0x78 + 24:0x78 + 24 + 88])
            first += [anchor, anchor]
            second.append(sha384(struct.pack("<Q", SVN)))
        if form != "executable":
            second.append(sha384(payload))
        first, second = first + [separator], second + [separator]
    return [mrtd(form), extend(first), extend(second), bytes(48), bytes(48)]


if __name__ == "__main__":
    for form in FORMS:
        kind = 1 if form.startswith("linux") else None
        print(form, *[value.hex() for value in registers(form, kind)[:3]], sep="\n  ")
    print("executable payload in the list", *[value.hex() for value in registers("executable", 0)[1:3]], sep="\n  ")
