"""Disks that start through a boot loader: an EFI system partition with given files, before the verified root of a built disk."""
import os
import subprocess

import gpt

SECTOR = 512
GUIDS = ["%d0000000-0000-4000-8000-000000000000" % number for number in range(1, 5)]


def run(*words):
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def system_partition(path, files, mebibytes=96, width=16):
    """A FAT file system with `files`, contents or the path of a file by name; its serial number is 1234-ABCD."""
    with open(path, "wb") as file:
        file.truncate(mebibytes << 20)
    run("mkfs.vfat", "-F", str(width), "--invariant", path)
    made = set()
    for name in sorted(files):
        parts = name.split("/")
        for depth in range(1, len(parts)):
            folder = "/".join(parts[:depth])
            if folder not in made:
                run("mmd", "-i", path, "::/" + folder)
                made.add(folder)
        source = files[name]
        if isinstance(source, bytes):
            with open(path + ".file", "wb") as file:
                file.write(source)
            source = path + ".file"
        run("mcopy", "-i", path, "-o", source, "::/" + name)


def disk(path, files, built, **options):
    """A disk at `path` with `files` on its first partition, and root and hash tree of the disk `built` behind."""
    system_partition(path + ".esp", files, **options)
    pieces = [("esp", "ef00", read(path + ".esp", 0, os.path.getsize(path + ".esp")))]
    for name, (offset, size) in gpt.partitions(built).items():
        if name != "esp":
            pieces.append((name, "830c" if name.endswith("verity") else "8304", read(built, offset, size)))
    words, start = ["sgdisk", "-a", "1", "-U", GUIDS[0]], 2048
    with open(path, "wb") as file:
        for number, (name, kind, data) in enumerate(pieces, 1):
            end = start + len(data) // SECTOR - 1
            words += ["-n", "%d:%d:%d" % (number, start, end), "-t", "%d:%s" % (number, kind),
                      "-c", "%d:%s" % (number, name), "-u", "%d:%s" % (number, GUIDS[number])]
            file.seek(start * SECTOR)
            file.write(data)
            start = end + 1
        file.truncate((start + 2048) * SECTOR)
    run(*words, path)
    os.unlink(path + ".esp")


def read(path, offset, size):
    with open(path, "rb") as file:
        file.seek(offset)
        return file.read(size)
