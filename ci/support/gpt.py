"""Partitions of a GPT disk image by name, read without Assay."""
import struct


def partitions(path):
    """Offset and size in bytes by partition name (UEFI 2.10, section 5.3)."""
    with open(path, "rb") as disk:
        disk.seek(512)
        header = disk.read(92)
        if header[:8] != b"EFI PART":
            raise ValueError("%s has no GPT header in LBA 1" % path)
        first, count, size = struct.unpack_from("<QII", header, 72)
        disk.seek(first * 512)
        found = {}
        for _ in range(count):
            entry = disk.read(size)
            if entry[:16] == bytes(16):
                continue
            start, end = struct.unpack_from("<QQ", entry, 32)
            found[entry[56:128].decode("utf-16-le").rstrip("\0")] = (start * 512, (end - start + 1) * 512)
        return found
