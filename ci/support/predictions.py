"""What Assay says of a boot before it, and how that is held against what a machine measured. Shares no code with Assay."""
import hashlib
import json
import os
import subprocess

import boot
from checks import TOP

BANKS = ("sha1", "sha256", "sha384")
# Builds before 2026.08 run this volume in memory and change it before they measure it.
PEI = (0, "EV_EFI_PLATFORM_FIRMWARE_BLOB", "PEI volume")
# All that Assay may leave unpredicted, by build of OVMF: (PCR, type, what it is). Nothing may be added for PCR 4, 9, 11
# and 12; of each such event's PCR the final value is then left out too.
UNPREDICTED = {"2022.11": [PEI], "2025.02": [PEI], "2026.08": []}


def assay(*words):
    program = os.environ.get("ASSAY", os.path.join(TOP, ".build", "release", "assay"))
    run = subprocess.run([program] + list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if run.returncode:
        raise RuntimeError("assay %s\n%s" % (" ".join(words), run.stderr.decode("utf-8", "replace")))
    return run.stdout


def write(folder, name, data):
    """A prediction on disk, its hash printed: nothing has booted yet."""
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(data)
    print("prediction %s sha256 %s" % (name, hashlib.sha256(data).hexdigest()), flush=True)
    return path


def events_of(data):
    return [event for event in boot.read_event_log(data) if event.kind != "EV_NO_ACTION"]


def said_by(log):
    """Events of a predicted log. It has no data where an event's data says what is not hashed, such as load addresses."""
    events = events_of(log)
    for event in events:
        event.data = event.data or None
    return events


class Said:
    """A predicted event; without digests it is one that is left unpredicted."""

    def __init__(self, item):
        self.pcr, self.kind, self.what = item["pcr"], item["type"], item["description"]
        self.digests = item.get("digests") or {}
        self.data = bytes.fromhex(item["data"]) if "data" in item else None

    def __str__(self):
        return "PCR %d %s %s" % (self.pcr, self.kind, self.what)


class Prediction:
    """Events and registers of one boot, as `assay measure tpm --json` has written them to a file."""

    def __init__(self, path):
        with open(path) as file:
            document = json.load(file)
        self.events = [Said(item) for item in document["events"]]
        self.registers = {"PCR%s.%s" % (number, bank): value
                          for bank, values in document["pcrs"].items() for number, value in values.items()}
        self.unpredicted = [(event.pcr, event.kind, event.what) for event in self.events if not event.digests]
        self.exit = document["exitBootServices"]
        self.left_out = {item["register"] for item in document["unpredicted"]}


def predict(folder, name, *words):
    """Writes both what people read and the binary log, which must say the same."""
    log = os.path.join(folder, name + ".log")
    prediction = Prediction(write(folder, name + ".json", assay("measure", "tpm", "--json", "--eventlog", log, *words)))
    with open(log, "rb") as file:
        logged = events_of(file.read())
    if differences([event for event in prediction.events if event.digests], logged, BANKS):
        raise RuntimeError(name + ": the predicted log and the predicted events differ")
    return prediction


def differences(predicted, measured, banks):
    """Event by event: register, type, digest in each bank, and the log's data where it is predicted.

    What is left over on either side counts as different.
    """
    different = []
    for index in range(max(len(predicted), len(measured))):
        said = predicted[index] if index < len(predicted) else None
        seen = measured[index] if index < len(measured) else None
        same = said and seen and (said.pcr, said.kind) == (seen.pcr, seen.kind) and all(
            said.digests.get(bank) == seen.digests.get(bank) and said.digests.get(bank) for bank in banks)
        same = same and getattr(said, "data", None) in (None, seen.data)
        if not same:
            different.append("     | event %d: predicted %s, measured %s" % (index, said, seen))
    return different


def without_unpredicted(predicted, measured):
    """The measured events but for those at the places where the prediction has an event without digests."""
    open_places = {index for index, event in enumerate(predicted) if not event.digests}
    for index in open_places:
        said, seen = predicted[index], measured[index] if index < len(measured) else None
        if seen is None or (said.pcr, said.kind) != (seen.pcr, seen.kind):
            return measured
    return [event for index, event in enumerate(measured) if index not in open_places]


def seen_changes(predicted, measured):
    """How many differences there are with an event missing, and with another digest: what is accepted means something."""
    last = predicted[-1]
    other = boot.Event(last.pcr, last.kind, {bank: "00" + value[2:] for bank, value in last.digests.items()}, last.data)
    return [len(differences(changed, measured, BANKS)) for changed in (predicted[:-1], predicted[:-1] + [other])]
