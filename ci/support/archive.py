#!/usr/bin/env python3
"""Makes a Debian archive of one suite out of packages: index, Release and its signature by a key of the caller's.

usage: archive.py FOLDER SUITE DATE FINGERPRINT PACKAGE.deb… [--beside PATH=FILE…]

`--beside` puts a file at a path of the archive that its index does not list. gpg takes the key from GNUPGHOME.
"""
import hashlib
import lzma
import os
import shutil
import subprocess
import sys


def stanza(folder, package):
    """The package's control fields and where the archive keeps it."""
    control = subprocess.run(["dpkg-deb", "-f", package], check=True, capture_output=True, text=True).stdout
    fields = dict(line.split(": ", 1) for line in control.splitlines() if ": " in line and line[0] != " ")
    source = fields.get("Source", fields["Package"]).split(" ")[0]
    version = fields["Version"].split(":")[-1]
    path = f"pool/main/{source[0]}/{source}/{fields['Package']}_{version}_{fields['Architecture']}.deb"
    put(folder, path, package)
    with open(package, "rb") as file:
        content = file.read()
    return (control.rstrip("\n") + f"\nFilename: {path}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n")


def put(folder, path, file):
    target = os.path.join(folder, path)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copyfile(file, target)


def main():
    arguments = sys.argv[1:]
    beside = []
    if "--beside" in arguments:
        at = arguments.index("--beside")
        beside = arguments[at + 1:]
        arguments = arguments[:at]
    folder, suite, date, fingerprint, *packages = arguments
    index = "\n".join(stanza(folder, package) for package in sorted(packages)).encode()
    for item in beside:
        path, file = item.split("=", 1)
        put(folder, path, file)
    dists = os.path.join(folder, "dists", suite)
    listed = []
    for name, content in [("main/binary-amd64/Packages", index),
                          ("main/binary-amd64/Packages.xz", lzma.compress(index))]:
        path = os.path.join(dists, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)
        listed.append(f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}")
    os.remove(os.path.join(dists, "main/binary-amd64/Packages"))
    release = (f"Origin: Assay tests\nSuite: {suite}\nCodename: {suite}\nDate: {date}\nArchitectures: amd64\n"
               "Components: main\nDescription: made by a test\nSHA256:\n" + "\n".join(listed) + "\n")
    subprocess.run(["gpg", "--batch", "--yes", "--local-user", fingerprint, "--digest-algo", "SHA512", "--clearsign",
                    "--output", os.path.join(dists, "InRelease")], input=release.encode(), check=True)


main()
