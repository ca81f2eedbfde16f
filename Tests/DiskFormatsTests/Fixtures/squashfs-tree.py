import os, socket, subprocess, shutil, sys
top = sys.argv[1]
shutil.rmtree(top, ignore_errors=True)
os.makedirs(top + "/dir"); os.makedirs(top + "/many")
def put(path, data, mode):
    with open(top + "/" + path, "wb") as f: f.write(data)
    os.chmod(top + "/" + path, mode)
put("dir/empty", b"", 0o644)
put("dir/small", b"hello\n", 0o600)
put("dir/blocks", bytes((i * 7 >> 3) & 255 for i in range(10000)), 0o644)
put("dir/hole", bytes(3 * 4096) + b"tail!", 0o644)
os.symlink("small", top + "/dir/link")
os.link(top + "/dir/small", top + "/dir/zhard")
os.mkfifo(top + "/fifo", 0o600)
s = socket.socket(socket.AF_UNIX); s.bind(top + "/socket"); os.chmod(top + "/socket", 0o600)
os.mknod(top + "/null", 0o020666, os.makedev(1, 3)); os.chmod(top + "/null", 0o666)
os.mknod(top + "/disk", 0o060660, os.makedev(259, 70000)); os.chmod(top + "/disk", 0o660)
for i in range(300): put("many/f%03d" % i, b"%d\n" % i, 0o4755 if i == 7 else 0o644)
os.setxattr(top + "/dir/small", "user.comment", b"x")
os.setxattr(top + "/dir/blocks", "security.capability", bytes(range(1, 21)) if False else bytes.fromhex("0100000200200000000000000000000000000000"))
os.setxattr(top + "/dir", "trusted.t", b"\0\1")
for i in range(3):
    os.setxattr(top + "/many/f%03d" % i, "user.long", b"v" * 100)
    os.setxattr(top + "/many/f%03d" % i, "user.n", b"%d" % i)
os.chown(top + "/dir", 1000, 100); os.chmod(top + "/dir", 0o750)
os.chown(top + "/dir/hole", 70000, 70001)
for base, dirs, files in os.walk(top):
    for n in dirs + files: os.utime(base + "/" + n, (1700000000, 1700000000), follow_symlinks=False)
os.utime(top, (1600000000, 1600000000)); os.chmod(top, 0o755)
