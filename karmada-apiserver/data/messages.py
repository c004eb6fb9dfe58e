#!/usr/bin/env python3
"""Makes messages.tsv.zst: the protobuf messages of the built-in kinds. See ORIGIN.md for the inputs and the format.

usage: messages.py DIR-WITH-THE-PUBLISHED-MODULES OPENAPI-V2.JSON.GZ
"""

import gzip
import json
import pathlib
import re
import subprocess
import sys

MODULES = pathlib.Path(sys.argv[1])
OPENAPI = sys.argv[2]
TARGET = pathlib.Path(__file__).parent / "messages.tsv.zst"
SCALARS = ["bool", "bytes", "double", "int32", "int64", "string"]
META = "k8s.io.apimachinery.pkg.apis.meta.v1"
FIELD = re.compile(
    r"\s*(?:optional |repeated )?\s*(?:map<\s*string\s*,\s*(?P<value>[\w.]+)\s*>|(?P<type>[\w.]+))"
    r"\s+(?P<name>\w+)\s*=\s*(?P<number>\d+).*;"
)
# Messages that are an array in JSON, and those that code converts.
SPECIAL = {"Time", "MicroTime", "IntOrString", "RawExtension", "Quantity", "FieldsV1", "JSON", "JSONSchemaPropsOrBool",
           "JSONSchemaPropsOrArray", "JSONSchemaPropsOrStringArray", "Verbs", "ExtraValue"}
# Kinds besides those of the OpenAPI document.
ROOTS = [f"{META}.{kind}" for kind in
         ("APIGroup", "APIGroupList", "APIResourceList", "APIVersions", "DeleteOptions", "PartialObjectMetadata",
          "PartialObjectMetadataList", "Status", "WatchEvent")]
ROOTS += ["k8s.io.apimachinery.pkg.runtime.Unknown"]
ROOTS += [f"k8s.io.api.apidiscovery.{version}.APIGroupDiscoveryList" for version in ("v2", "v2beta1")]
GROUPS = {("meta.k8s.io", "v1"): META, ("meta.k8s.io", "v1beta1"): META,
          ("apidiscovery.k8s.io", "v2"): "k8s.io.api.apidiscovery.v2",
          ("apidiscovery.k8s.io", "v2beta1"): "k8s.io.api.apidiscovery.v2beta1"}


def read_messages():
    """Returns {full name: [(number, name, shape, type as written)]}."""
    messages = {}
    for path in sorted(MODULES.glob("*/**/generated.proto")):
        package, stack = None, []
        for line in path.read_text().splitlines():
            line = line.split("//")[0].rstrip()
            if line.startswith("package "):
                package = line.split()[1].rstrip(";")
            elif opened := re.match(r"\s*message (\w+) \{", line):
                stack.append(opened.group(1))
                messages[".".join([package, *stack])] = []
            elif line.strip() == "}":
                stack.pop()
            elif stack and (field := FIELD.match(line)):
                shape = "map" if field["value"] else "many" if "repeated " in line else "one"
                entry = (int(field["number"]), field["name"], shape, field["value"] or field["type"])
                messages[".".join([package, *stack])].append(entry)
    return messages


def definition_of(message):
    name = "io.k8s." + message.removeprefix("k8s.io.")
    return name.replace("apiextensions_apiserver", "apiextensions-apiserver").replace("kube_aggregator", "kube-aggregator")


def resolve(messages, owner, written):
    if written in SCALARS:
        return written
    if written.startswith("."):
        return written[1:]
    package = owner.rsplit(".", 1)[0]
    while f"{package}.{written}" not in messages:
        package = package.rsplit(".", 1)[0]
    return f"{package}.{written}"


def json_name(name, properties):
    """Returns the field's name in JSON, None where it is inlined."""
    kebab = re.sub(r"([A-Z])", lambda match: "-" + match[1].lower(), name)
    same = [known for known in properties if known.lower() == name.lower()]
    for candidate in [name, "$" + name, kebab, *same]:
        if candidate in properties:
            return candidate
    return None


def main():
    messages = read_messages()
    with gzip.open(OPENAPI) as file:
        definitions = json.load(file)["definitions"]
    roots, groups = list(ROOTS), dict(GROUPS)
    by_definition = {definition_of(message): message for message in messages}
    for name, definition in definitions.items():
        message = by_definition.get(name)
        for gvk in definition.get("x-kubernetes-group-version-kind", []) if message else []:
            package = message.rsplit(".", 1)[0]
            roots.append(message)
            if package != META:
                assert groups.setdefault((gvk["group"], gvk["version"]), package) == package, gvk

    lines, seen, todo = [], set(), sorted(set(roots))
    inlined = {}
    while todo:
        message = todo.pop(0)
        if message in seen:
            continue
        seen.add(message)
        lines.append(f"M\t{message}")
        definition = definitions.get(definition_of(message), {})
        properties = definition.get("properties") or inlined.get(message)
        for number, name, shape, written in messages[message]:
            kind = resolve(messages, message, written)
            if message.rsplit(".", 1)[1] in SPECIAL or not properties:
                shown = name
            else:
                shown = json_name(name, properties)
                if shown is None:
                    assert kind not in SCALARS and shape == "one", (message, name)
                    shown, shape = name, "inline"
                    inlined.setdefault(kind, {}).update(properties)
            lines.append(f"{number}\t{shown}\t{shape}\t{kind}")
            if kind not in SCALARS:
                todo.append(kind)
    packages = {message.rsplit(".", 1)[0] for message in seen}
    lines += [f"G\t{group}\t{version}\t{package}" for (group, version), package in sorted(groups.items())
              if package in packages]
    text = "".join(line + "\n" for line in lines)
    subprocess.run(["zstd", "-q", "-19", "-f", "-o", TARGET], input=text.encode(), check=True)


main()
