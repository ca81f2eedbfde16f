#!/usr/bin/env python3
"""Writes an OCI image layout by rule: what peers and Assay are asked about.

    oci_sample.py FOLDER [no-zstd]    prints the digest of an index with images for two platforms

Layers are uncompressed, gzip and zstd, both with stored blocks only, so that no library decides a byte.
"""
import hashlib
import io
import json
import os
import struct
import sys
import tarfile
import zlib

MEDIA = "application/vnd.oci.image."


def gzip_stored(data):
    """RFC 1952 with stored blocks (RFC 1951, 3.2.4)."""
    out = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
    for start in range(0, max(len(data), 1), 65535):
        piece = data[start:start + 65535]
        last = start + 65535 >= len(data)
        out += struct.pack("<BHH", last, len(piece), len(piece) ^ 0xFFFF) + piece
    return out + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def zstd_raw(data):
    """RFC 8878 with raw blocks of at most 128 KiB: window 128 KiB, no checksum, no size."""
    out = b"\x28\xb5\x2f\xfd\x00\x38"
    for start in range(0, max(len(data), 1), 131072):
        piece = data[start:start + 131072]
        last = start + 131072 >= len(data)
        out += struct.pack("<I", len(piece) << 3 | last)[:3] + piece
    return out


PACKERS = {"": lambda data: data, "+gzip": gzip_stored, "+zstd": zstd_raw}


class Layer:
    """A tar archive put together member by member."""

    def __init__(self, packing=""):
        self.file = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.file, mode="w", format=tarfile.PAX_FORMAT)
        self.packing = packing

    def add(self, name, content=None, mode=0o644, uid=0, gid=0, kind=tarfile.REGTYPE, target="", xattrs=None):
        info = tarfile.TarInfo(name)
        info.mode, info.uid, info.gid, info.type, info.linkname = mode, uid, gid, kind, target
        info.pax_headers = {"SCHILY.xattr." + key: value for key, value in (xattrs or {}).items()}
        info.size = len(content or b"")
        self.tar.addfile(info, io.BytesIO(content or b""))
        return self

    def directory(self, name, mode=0o755, **more):
        return self.add(name, mode=mode, kind=tarfile.DIRTYPE, **more)

    def link(self, name, target):
        return self.add(name, mode=0o777, kind=tarfile.SYMTYPE, target=target)

    def hard(self, name, target):
        return self.add(name, kind=tarfile.LNKTYPE, target=target)

    def bytes(self):
        self.tar.close()
        return self.file.getvalue()


class Layout:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "blobs", "sha256"), exist_ok=True)
        self.file("oci-layout", b'{"imageLayoutVersion":"1.0.0"}')

    def file(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(data)

    def blob(self, media, data):
        digest = hashlib.sha256(data).hexdigest()
        self.file("blobs/sha256/" + digest, data)
        return {"mediaType": media, "digest": "sha256:" + digest, "size": len(data)}

    def document(self, media, value):
        return self.blob(media, json.dumps(value, sort_keys=True, separators=(",", ":")).encode())

    def image(self, layers, process, architecture="amd64"):
        """The descriptor of a manifest."""
        archives = [layer.bytes() for layer in layers]
        stored = [
            self.blob(MEDIA + "layer.v1.tar" + layer.packing, PACKERS[layer.packing](archive))
            for layer, archive in zip(layers, archives)
        ]
        config = self.document(MEDIA + "config.v1+json", {
            "architecture": architecture, "os": "linux", "config": process,
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(a).hexdigest() for a in archives]},
        })
        return self.document(MEDIA + "manifest.v1+json", {
            "schemaVersion": 2, "mediaType": MEDIA + "manifest.v1+json", "config": config, "layers": stored})

    def index(self, manifests):
        return {"schemaVersion": 2, "mediaType": MEDIA + "index.v1+json", "manifests": manifests}

    def close(self, manifests):
        self.file("index.json", json.dumps(self.index(manifests), sort_keys=True, separators=(",", ":")).encode())


def sample_layers(last):
    base = Layer()
    base.directory("etc").directory("usr").directory("usr/bin", mode=0o755).directory("var/cache", mode=0o750)
    base.add("etc/gone", b"hidden by the next layer").add("etc/kept", b"kept", uid=5, gid=6)
    base.add("usr/bin/tool", b"#!tool\n" * 9000, mode=0o4755).hard("usr/bin/alias", "usr/bin/tool")
    base.add("var/cache/old", b"old").link("lib", "usr/lib").directory("usr/lib")
    middle = Layer("+gzip")
    middle.directory("etc", mode=0o711).add("etc/.wh.gone").add("etc/" + "long-name-" * 12, b"long")
    middle.directory("var/cache", mode=0o700).add("var/cache/.wh..wh..opq").add("var/cache/new", b"new")
    top = Layer(last)
    top.add("usr/bin/capable", b"capable" * 40000, mode=0o755, xattrs={"user.note": "about"})
    top.hard("usr/bin/capable2", "usr/bin/capable").link("usr/bin/absolute", "/etc/kept")
    return [base, middle, top]


def main(folder, choice=""):
    layout = Layout(folder)
    process = {"Entrypoint": ["/usr/bin/tool"], "Cmd": ["serve"], "Env": ["A=1"], "WorkingDir": "/var"}
    images = []
    for architecture in ("arm64", "amd64"):
        image = layout.image(sample_layers("+gzip" if choice else "+zstd"), process, architecture)
        images.append(dict(image, platform={"architecture": architecture, "os": "linux"}))
    index = layout.document(MEDIA + "index.v1+json", layout.index(images))
    layout.close([dict(index, annotations={"org.opencontainers.image.ref.name": "sample"})])
    print(index["digest"])


if __name__ == "__main__":
    main(*sys.argv[1:])
