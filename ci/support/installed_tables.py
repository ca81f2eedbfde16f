"""What a running machine has of the tables that it gave its firmware, read from outside over QEMU's test protocol.

QEMU makes the ACPI items when the firmware first asks for them and never again, so they can be read afterwards; the
tables that the firmware made of them are in memory, at addresses that Linux prints. Shares no code with Assay.
"""
import os
import re
import socket
import struct

# What a machine is started with to be looked at: it stays when the guest powers off, and notes what the firmware asks for.
ARGUMENTS = ["-qtest", "unix:qtest.sock,server=on,wait=off", "-qtest-log", "none", "-no-shutdown",
             "-trace", "fw_cfg_select", "-D", "trace"]
NAMES = ("etc/acpi/tables", "etc/table-loader", "etc/acpi/rsdp", "etc/smbios/smbios-tables")
# Memory that is free once the guest is down: for a DMA request and its answer.
REQUEST, ANSWER = 0x10000, 0x20000


class Look:
    """What was seen of a machine: `items` by name, names that the firmware `asked` for, tables `installed` by signature."""

    def __init__(self, folder, console):
        with open(os.path.join(folder, "trace")) as file:
            asked = {int(key, 16) for key in re.findall(r"fw_cfg_select \S+ key (0x[0-9a-f]+)", file.read())}
        machine = Connection(folder)
        # Linux prints `ACPI: DSDT 0x000000007D2FA000 00210E (v01 …)`.
        lines = re.findall(r"ACPI: (\w{4}) 0x([0-9A-F]{16}) ([0-9A-F]{6})", console)
        self.installed = {name: machine.memory(int(address, 16), int(size, 16)) for name, address, size in lines}
        listed = machine.files()
        self.items = {name: machine.item(*listed[name]) for name in NAMES if name in listed}
        self.asked = {name for name in NAMES if name in listed and listed[name][0] in asked}


class Connection:
    def __init__(self, folder):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(60)
        here = os.open(folder, os.O_RDONLY)
        try:
            self.socket.connect("/proc/self/fd/%d/qtest.sock" % here)
        finally:
            os.close(here)
        self.stream = self.socket.makefile("rw", encoding="ascii", newline="\n")

    def ask(self, *words):
        self.stream.write(" ".join(words) + "\n")
        self.stream.flush()
        while True:
            line = self.stream.readline()
            answer = line.split()
            if answer[:1] == ["OK"]:
                return answer[1:]
            if answer[:1] != ["IRQ"]:
                raise RuntimeError("QEMU answers '%s' to %s" % (line.strip(), " ".join(words)))

    def memory(self, address, size):
        return bytes.fromhex(self.ask("read", hex(address), hex(size))[0][2:])

    def item(self, selector, size):
        """A fw_cfg item by DMA (QEMU docs/specs/fw_cfg.rst): control 0x0A selects and reads; all fields are big-endian."""
        request = struct.pack(">IIQ", selector << 16 | 0x0A, size, ANSWER)
        self.ask("write", hex(REQUEST), hex(len(request)), "0x" + request.hex())
        self.ask("outl", "0x514", "0x0")
        self.ask("outl", "0x518", hex(struct.unpack("<I", struct.pack(">I", REQUEST))[0]))
        if self.memory(REQUEST, 4) != bytes(4):
            raise RuntimeError("QEMU does not hand out item 0x%x" % selector)
        return self.memory(ANSWER, size)

    def files(self):
        """Selector and size of the items that have names."""
        (count,) = struct.unpack(">I", self.item(0x19, 4))
        listed = self.item(0x19, 4 + 64 * count)
        found = {}
        for index in range(count):
            size, selector, _, name = struct.unpack_from(">IHH56s", listed, 4 + 64 * index)
            found[name.rstrip(b"\0").decode("ascii")] = (selector, size)
        return found


def split(item):
    """Tables of `etc/acpi/tables` by signature."""
    tables, at = {}, 0
    while at + 8 <= len(item) and item[at]:
        (size,) = struct.unpack_from("<I", item, at + 4)
        tables[item[at:at + 4].decode("ascii")] = item[at:at + size]
        at += size
    return tables


def unlinked(name, table):
    """A table without what whoever installs it fills in: checksums, and the FADT's pointers to FACS and DSDT."""
    blank = bytearray(table)
    if name != "FACS":
        blank[9] = 0
    for start, size in ((36, 8), (140, 8)) if name == "FACP" else ():
        blank[start:start + size] = bytes(size)
    return bytes(blank)


def other_tables(item, installed):
    """Names of an item's tables that the firmware did not install as they are. It makes the root tables itself."""
    return [name for name, table in split(item).items()
            if name != "RSDT" and unlinked(name, installed.get(name, bytes(148))) != unlinked(name, table)]
