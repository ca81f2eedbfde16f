#!/usr/bin/env python3
"""validate.py SCHEMA DOCUMENT: the document satisfies the schema; with a key more, or a required one less, it does not."""
import copy
import json
import sys

import jsonschema
import yaml


class Loader(yaml.SafeLoader):
    """As YAML 1.2: times are text."""


Loader.yaml_implicit_resolvers = {
    first: [entry for entry in entries if entry[0] != "tag:yaml.org,2002:timestamp"]
    for first, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def objects(value, path=()):
    """Paths of all objects in `value`."""
    if isinstance(value, dict):
        yield path
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        yield from objects(child, (*path, key))


def at(value, path):
    for key in path:
        value = value[key]
    return value


schema = json.load(open(sys.argv[1], encoding="utf-8"))
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
text = open(sys.argv[2], encoding="utf-8").read()
document = json.loads(text) if sys.argv[2].endswith(".json") else yaml.load(text, Loader)
problems = [f"{error.json_path}: {error.message[:300]}" for error in validator.iter_errors(document)]

# Keys that are data may be any.
free = {"registers", "sharedRegisters", "axes", "formatRevisions", "acceptedProfiles", "ignoredPlatforms", "sysctl"}
changed = 0
for path in objects(document):
    if path and path[-1] in free:
        continue
    copied = copy.deepcopy(document)
    at(copied, path)["unknownMember"] = 1
    changed += 1
    if validator.is_valid(copied):
        problems.append(f"an unknown key in {path} is accepted")
for key in schema.get("required", []):
    copied = {name: value for name, value in document.items() if name != key}
    changed += 1
    if validator.is_valid(copied):
        problems.append(f"{key} may be missing")
print("\n".join(problems) or f"{changed} changed copies are refused")
sys.exit(1 if problems else 0)
