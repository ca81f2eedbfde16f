"""What the boots of the stage measured-boots are made of: firmware out of packages, machines of profiles, an initrd.

Shares no code with Assay.
"""
import glob
import hashlib
import os
import re
import shutil
import subprocess

from checks import TOP

PLATFORMS = os.path.join(TOP, "measurements", "platforms")
# Older builds of OVMF by their packages' SHA-256; the newest is the one that a profile pins.
OLDER = {
    "2022.11": "e73d3d1a8799f7f6fc16b73501d913edcdd86237556fbff30693e747e6dc262e",
    "2025.02": "78e0d54df11fc77406cb7a0bc9a39e5bca6d1cbe06556b91d9a73491c52decdf",
}
# Process 1 of a machine without a disk, in an initrd that is the shipped one with this behind it.
DISKLESS = """#!/usr/bin/busybox sh
set -eu
export PATH=/usr/sbin:/usr/bin
busybox mkdir -p /proc /sys /dev /run
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
busybox mount -t securityfs securityfs /sys/kernel/security
exec </dev/null >/dev/console 2>&1
busybox dmesg -n 4
. /report
report
echo "assay: done"
busybox poweroff -f
"""


def sha256(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def read(path):
    with open(path, "rb") as file:
        return file.read()


def profile_text(profile):
    with open(os.path.join(PLATFORMS, profile, "profile.yaml")) as file:
        return file.read()


def fact(profile, key):
    """The first value of a key in a profile."""
    return re.search(r"^ *%s: \"?([^\"\n]+)" % key, profile_text(profile), re.M)[1]


def arguments(profile):
    """The arguments of a profile's machine, as `assay profile` records them."""
    block = re.search(r"^  arguments:\n((?:    - .*\n)+)", profile_text(profile), re.M)[1]
    return [line[6:].strip().strip('"') for line in block.splitlines()]


def with_arguments(text, words):
    """A profile's text with another machine."""
    block = "".join('    - "%s"\n' % word for word in words)
    return re.sub(r"(?m)(^  arguments:\n)(?:    - .*\n)+", lambda found: found[1] + block, text)


def shaped(words, vcpus, memory, disk=True):
    """A machine with another number of vCPUs and other memory, and without its disk if asked."""
    words = list(words)
    words[words.index("-smp") + 1], words[words.index("-m") + 1] = str(vcpus), memory
    if disk:
        return words
    kept, index = [], 0
    while index < len(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        if words[index] in ("-drive", "-device") and re.search(r"\b(id|drive)=disk\b", following):
            index += 2
            continue
        kept.append(words[index])
        index += 1
    return kept


def fill(words, **values):
    for name, value in values.items():
        words = [word.replace("{%s}" % name, value) for word in words]
    return words


def unpacked(name, digest, folder):
    """`folder` with a package's files, the package found by its hash; None if nobody has it."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.environ.get("HOME", "/root"), ".cache")
    places = [os.path.join(cache, "assay", "sha256", digest[:2], digest)]
    for variable in ("ASSAY_POOL", "ASSAY_TEST_PACKAGES"):
        places += glob.glob(os.path.join(os.environ.get(variable, "/nonexistent"), name + "_*.deb"))
    for place in places:
        if os.path.exists(place) and sha256(place) == digest:
            subprocess.run(["dpkg-deb", "-x", place, folder], check=True)
            return folder
    return None


def newc(entries):
    """An archive (cpio, SVR4 without checksums) of `(path, mode, content)`."""
    out = bytearray()
    for number, (path, mode, content) in enumerate(entries + [("TRAILER!!!", 0, b"")], 1):
        name = path.encode() + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name), 0)
        out += b"070701" + b"".join(b"%08X" % field for field in fields) + name
        out += bytes(-len(out) % 4)
        out += content + bytes(-len(content) % 4)
    return bytes(out)


def diskless_initrd(initrd, path):
    """Writes an initrd that reports as the shipped root does, without one."""
    entries = [(name, 0o40755, b"") for name in ("usr", "usr/share", "usr/share/assay")]
    entries += [("init", 0o100755, DISKLESS.encode()),
                ("report", 0o100644, read(os.path.join(TOP, "images", "minimal", "files", "root-report"))),
                ("usr/share/assay/payload", 0o100644, b"none\n")]
    with open(path, "wb") as file:
        content = read(initrd)
        file.write(content + bytes(-len(content) % 4) + newc(entries))


def copied_profile(profile, folder, change):
    """A copy of a profile with its text changed."""
    shutil.copytree(os.path.join(PLATFORMS, profile), folder)
    with open(os.path.join(folder, "profile.yaml"), "w") as file:
        file.write(change(profile_text(profile)))
    return folder
