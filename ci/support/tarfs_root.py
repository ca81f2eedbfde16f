#!/usr/bin/env python3
"""Writes a layer's archive with the index of Kata's tardev snapshotter behind it: tarfs_root.py LAYER.tar OUT

An implementation of its own of that layout, to hold Assay's against; veritysetup hashes what it writes:
inodes of 32 bytes, entries of directories of 32 bytes, names, each breadth first, and a superblock in the last 512 bytes.
"""
import collections
import struct
import sys
import tarfile


class Node:
    def __init__(self):
        self.mode = self.size = self.offset = self.mtime = self.uid = self.gid = self.number = 0
        self.opaque = False
        self.children = {}

    def directory(self):
        return self.mode & 0o170000 == 0o040000


def parts(name):
    result = []
    for part in name.encode("utf-8", "surrogateescape").split(b"/"):
        if part == b"..":
            result.pop()
        elif part not in (b"", b"."):
            result.append(part)
    return result


def find(node, names):
    for name in names:
        node = node.children.setdefault(name, Node())
    return node


def visits(root):
    queue = collections.deque([root])
    while queue:
        node = queue.popleft()
        yield node
        queue.extend(node.children[name] for name in sorted(node.children))


KINDS = {tarfile.REGTYPE: 0o100000, tarfile.AREGTYPE: 0o100000, tarfile.DIRTYPE: 0o040000, tarfile.SYMTYPE: 0o120000,
         tarfile.CHRTYPE: 0o020000, tarfile.BLKTYPE: 0o060000, tarfile.FIFOTYPE: 0o010000}


def read(path):
    root = Node()
    root.mode = 0o040555
    for member in tarfile.open(path, "r:"):
        names = parts(member.name)
        if member.type == tarfile.LNKTYPE:
            find(root, names[:-1]).children[names[-1]] = find(root, parts(member.linkname))
            continue
        if names and names[-1] == b".wh..wh..opq":
            find(root, names[:-1]).opaque = True
            continue
        if names and names[-1].startswith(b".wh."):
            node = find(root, names[:-1] + [names[-1][4:]])
            node.children, node.size, node.offset = {}, 0, 0
            node.mode = node.mode & ~0o170000 | 0o020000
            continue
        node = find(root, names)
        node.mode = KINDS[member.type] | member.mode & 0o777
        node.mtime, node.uid, node.gid, node.children, node.opaque = int(member.mtime), member.uid, member.gid, {}, False
        if member.issym():
            node.size, node.offset = len(member.linkname.encode()), member.offset_data - 512 + 157
        elif member.isreg():
            node.size, node.offset = member.size, member.offset_data
        elif member.ischr() or member.isblk():
            node.size, node.offset = 0, member.devminor | member.devmajor << 32
        else:
            node.size = node.offset = 0
    return root


def main(source, target):
    with open(source, "rb") as file:
        archive = file.read()
    root = read(source)
    count = 0
    inodes = []
    for node in visits(root):
        if node.number == 0:
            count += 1
            node.number = count
            inodes.append(node)
    offset = len(archive) + 32 * count
    for node in visits(root):
        if node.directory():
            node.offset, node.size = offset, 32 * len(node.children)
            offset += node.size
    table = b"".join(
        struct.pack("<HBBIIIQQ", n.mode, int(n.opaque), n.mtime >> 32 & 15, n.uid, n.gid, n.mtime & 0xFFFFFFFF, n.size, n.offset)
        for n in inodes)
    entries = names = b""
    for node in visits(root):
        if node.directory():
            for name in sorted(node.children):
                child = node.children[name]
                entries += struct.pack("<QQQB7x", child.number, offset + len(names), len(name), child.mode >> 12)
                names += name
    whole = archive + table + entries + names
    end = -(-(len(whole) + len(names)) // 4096) * 4096
    whole += bytes(end + 4096 - 512 - len(whole)) + struct.pack("<QQ", len(archive), count) + bytes(496)
    with open(target, "wb") as file:
        file.write(whole)


main(*sys.argv[1:])
