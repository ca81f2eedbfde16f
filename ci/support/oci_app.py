#!/usr/bin/env python3
"""Makes the OCI image that images/oci-app takes its root from: oci_app.py BUSYBOX.deb FOLDER

A small web service in three layers (one not packed, one gzip, one zstd) from one pinned package: the same bytes from
every machine, as stored blocks leave nothing to a compressor. Prints the manifest's digest, which image.yaml names.
"""
import hashlib
import io
import os
import subprocess
import sys
import tarfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from oci_sample import Layer, Layout  # noqa: E402

# The locked package; images/oci-app takes the initrd's busybox from the same.
SHA256 = "598a3fd92bdafc34cd81196b2952ad36e910e47a4ecf162f8ce5e8e262598e53"


def package(path):
    """The program and the control stanza of the package."""
    with open(path, "rb") as file:
        found = hashlib.sha256(file.read()).hexdigest()
    if found != SHA256:
        sys.exit("%s: found SHA-256 %s, expected %s" % (path, found, SHA256))
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", path], check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        program = tar.extractfile("./usr/bin/busybox").read()
    control = subprocess.run(["dpkg-deb", "-f", path], check=True, stdout=subprocess.PIPE).stdout
    return program, control


def base(program, control):
    layer = Layer()
    for name in ("dev", "etc", "proc", "run", "srv", "srv/www", "sys", "usr", "usr/bin", "var", "var/lib", "var/lib/dpkg",
                 "var/lib/dpkg/status.d"):
        layer.directory(name)
    layer.directory("tmp", mode=0o1777).link("bin", "usr/bin").add("usr/bin/busybox", program, mode=0o755)
    layer.add("etc/passwd", b"root:x:0:0:root:/:/nonexistent\nweb:x:1000:1000:web:/srv/www:/nonexistent\n")
    layer.add("etc/group", b"root:x:0:\nweb:x:1000:\n").add("etc/motd", b"gone in the next layer\n")
    layer.add("srv/www/index.html", b"the base layer's page\n").add("srv/www/old.html", b"hidden by the last layer\n")
    return layer.add("var/lib/dpkg/status.d/busybox-static", control)


def service():
    layer = Layer("+gzip")
    # A second name of a file of the layer below, and a whiteout.
    layer.hard("usr/bin/httpd", "usr/bin/busybox").directory("etc").add("etc/.wh.motd")
    return layer.add("etc/mime.types", b"text/plain txt\n")


def content():
    layer = Layer("+zstd")
    layer.directory("srv/www").add("srv/www/.wh..wh..opq")
    layer.add("srv/www/index.html", b"assay: oci-app answers\n")
    return layer.add("srv/www/payload.txt", b"".join(b"line %06d of the payload\n" % number for number in range(2000)))


def main(path, folder):
    layout = Layout(folder)
    image = layout.image([base(*package(path)), service(), content()], {
        "Entrypoint": ["/usr/bin/httpd"], "Cmd": ["-f", "-p", "8080", "-h", "/srv/www"], "User": "1000:1000",
        "Env": ["PATH=/usr/bin"], "WorkingDir": "/srv/www"})
    layout.close([image])
    print(image["digest"])


if __name__ == "__main__":
    main(*sys.argv[1:])
