#!/usr/bin/env python3
"""Makes an image definition with a large root: packages of a text-like content, a lock that names them, a pool.

    large_image.py IMAGE TARGET FILES MIB

TARGET/image is IMAGE with more packages in its root, TARGET/pool holds them as .deb files without compression, each of
some thousand files. The same arguments give the same bytes.
"""
import hashlib
import io
import json
import os
import random
import re
import shutil
import sys
import tarfile

PER_PACKAGE = 3125
PER_DIRECTORY = 50


def material(size=32 << 20):
    """Bytes that compress about two to one: words of a small vocabulary between bytes that do not."""
    rng = random.Random(1)
    words = [rng.randbytes(rng.randint(3, 9)).hex().encode() for _ in range(2000)]
    parts, count = [], 0
    while count < size:
        part = b" ".join(rng.choices(words, k=40)) + b"\n" + rng.randbytes(180)
        parts.append(part)
        count += len(part)
    return b"".join(parts)[:size]


def header(name, size):
    return b"%-16s%-12d%-6d%-6d%-8s%-10d`\n" % (name, 0, 0, 0, b"100644", size)


def sizes(rng, count, total):
    """One file in ten has most of the bytes, as in real roots."""
    weights = [rng.uniform(20, 40) if index % 10 == 0 else rng.uniform(0.05, 2) for index in range(count)]
    scale = total / sum(weights)
    return [int(weight * scale) for weight in weights]


def package(path, name, count, total, stuff):
    rng = random.Random(name)
    digest = hashlib.sha256()
    control = io.BytesIO()
    with tarfile.open(fileobj=control, mode="w", format=tarfile.GNU_FORMAT) as archive:
        text = ("Package: %s\nVersion: 1\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\n"
                "Description: files\n" % name).encode()
        entry = tarfile.TarInfo("./control")
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text))
    with open(path, "w+b") as file:
        file.write(b"!<arch>\n" + header(b"debian-binary", 4) + b"2.0\n")
        file.write(header(b"control.tar", len(control.getvalue())) + control.getvalue())
        place = file.tell()
        file.write(header(b"data.tar", 0))
        start = file.tell()
        with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT, bufsize=1 << 20) as archive:
            directories = set()
            for index, size in enumerate(sizes(rng, count, total)):
                # Not below /usr/share, of which images/minimal takes copyright files alone.
                folder = "./usr/lib/%s/%04d" % (name, index // PER_DIRECTORY)
                for parent in ("./usr", "./usr/lib", "./usr/lib/" + name, folder):
                    if parent not in directories:
                        directories.add(parent)
                        entry = tarfile.TarInfo(parent)
                        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                        archive.addfile(entry)
                entry = tarfile.TarInfo("%s/file-%06d.data" % (folder, index))
                entry.size, entry.mode = size, 0o644
                offset = rng.randrange(len(stuff) - size)
                archive.addfile(entry, io.BytesIO(stuff[offset:offset + size]))
        end = file.tell()
        file.seek(place)
        file.write(header(b"data.tar", end - start))
        file.seek(0)
        while True:
            block = file.read(1 << 20)
            if not block:
                return digest.hexdigest(), os.path.getsize(path)
            digest.update(block)


def main():
    source, target, files, mib = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    os.makedirs(os.path.join(target, "pool"))
    image = os.path.join(target, "image")
    shutil.copytree(source, image)
    stuff = material()
    with open(os.path.join(image, "image.lock.json")) as file:
        lock = json.load(file)
    names, left = [], files
    while left > 0:
        count = min(PER_PACKAGE, left)
        name = "large-%04d" % len(names)
        path = os.path.join(target, "pool", name + "_1_all.deb")
        digest, size = package(path, name, count, (mib << 20) * count // files, stuff)
        suite = lock["suites"][0]
        lock["packages"].append({
            "architecture": "all", "archive": suite["archive"], "component": "main", "extra": False, "name": name,
            "path": "pool/main/l/large/%s_1_all.deb" % name, "sha256": digest, "size": size, "source": "large",
            "sourceVersion": "1", "suite": suite["name"], "version": "1"})
        names.append(name)
        left -= count
    lock["packages"].sort(key=lambda item: (item["name"], item["architecture"], item["version"]))
    lock["request"]["packages"] = sorted(lock["request"]["packages"] + names)
    with open(os.path.join(image, "image.lock.json"), "w") as file:
        json.dump(lock, file, indent=2, sort_keys=True)
    with open(os.path.join(image, "image.yaml")) as file:
        text = file.read()
    text = re.sub(r"(\nroot:\n  packages: \[)", lambda found: found[1] + ", ".join(names) + ", ", text, count=1)
    with open(os.path.join(image, "image.yaml"), "w") as file:
        file.write(text)


main()
