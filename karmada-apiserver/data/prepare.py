#!/usr/bin/env python3
"""Makes the compressed tables of this folder. See ORIGIN.md for the inputs and the formats.

usage: prepare.py DIR-WITH-THE-RECORDED-DOCUMENTS
"""

import gzip
import json
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(sys.argv[1])
TARGET = pathlib.Path(__file__).parent
SCHEMA_REF = "#/definitions/"
PATCH_TYPES = [
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
]


def load(name):
    return json.loads((SOURCE / name).read_text())


def compact(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True)


def write(name, lines):
    text = "".join(line + "\n" for line in lines)
    subprocess.run(["zstd", "-q", "-19", "-f", "-o", TARGET / name], input=text.encode(), check=True)


def resources(definitions):
    kinds = {}
    for name, schema in definitions.items():
        for gvk in schema.get("x-kubernetes-group-version-kind", []):
            # Options kinds are registered in every group: the first name wins, lists keep their own.
            kinds.setdefault((gvk["group"], gvk["version"], gvk["kind"]), name)
    columns = {(c["group"], c["version"], c["resource"]): c["columns"] for c in load("table-columns.json")}
    fields = {(f["group"], f["version"], f["resource"]): f["fields"] for f in load("selectable-fields.json")}
    hashes = {}
    for path, document in load("discovery-legacy.json").items():
        for resource in document.get("resources", []):
            hashes[(document["groupVersion"], resource["name"])] = resource.get("storageVersionHash")
    for document in (load("discovery-api.json"), load("discovery-apis.json")):
        for item in document["items"]:
            group = item["metadata"].get("name", "")
            for version in item["versions"]:
                group_version = f"{group}/{version['version']}" if group else version["version"]
                for resource in version["resources"]:
                    key = (group, version["version"], resource["resource"])
                    kind = resource["responseKind"]["kind"]
                    yield {
                        "group": group,
                        "version": version["version"],
                        "kind": kind,
                        "plural": resource["resource"],
                        "singular": resource["singularResource"],
                        "namespaced": resource["scope"] == "Namespaced",
                        "verbs": resource["verbs"],
                        "shortNames": resource.get("shortNames", []),
                        "categories": resource.get("categories", []),
                        "subresources": [
                            {
                                "name": sub["subresource"],
                                "group": sub["responseKind"]["group"],
                                "version": sub["responseKind"]["version"],
                                "kind": sub["responseKind"]["kind"],
                                "verbs": sub["verbs"],
                            }
                            for sub in resource.get("subresources", [])
                        ],
                        "storageVersionHash": hashes.get((group_version, resource["resource"])) or "",
                        "columns": columns.get(key, []),
                        "selectableFields": fields.get(key, ["metadata.name", "metadata.namespace"]),
                        "definition": kinds.get((group, version["version"], kind), ""),
                    }


def v3_refs(value):
    if isinstance(value, dict):
        return {
            key: "#/components/schemas/" + item[len(SCHEMA_REF):]
            if key == "$ref" and isinstance(item, str) and item.startswith(SCHEMA_REF)
            else v3_refs(item)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [v3_refs(item) for item in value]
    return value


def v3_operation(operation, shared):
    result = {key: operation[key] for key in operation if key in ("tags", "operationId") or key.startswith("x-")}
    parameters, body = v3_parameters(operation.get("parameters", []), shared)
    if parameters:
        result["parameters"] = parameters
    if body:
        consumed = operation.get("consumes", ["*/*"])
        types = PATCH_TYPES if operation.get("x-kubernetes-action") == "patch" else consumed
        result["requestBody"] = {"content": {media: {"schema": v3_refs(body["schema"])} for media in types}}
        if body.get("required"):
            result["requestBody"]["required"] = True
    result["responses"] = {}
    for code, response in operation.get("responses", {}).items():
        answer = {"description": "OK" if code.startswith("2") else "Unauthorized"}
        if "schema" in response:
            schema = v3_refs(response["schema"])
            answer["content"] = {media: {"schema": schema} for media in operation.get("produces", [])}
        result["responses"][code] = answer
    return result


def v3_parameters(parameters, shared):
    result, body = [], None
    for parameter in parameters:
        if "$ref" in parameter:
            parameter = shared[parameter["$ref"].rsplit("/", 1)[1]]
        if parameter["in"] == "body":
            body = parameter
            continue
        schema = {key: parameter[key] for key in ("type", "uniqueItems") if key in parameter}
        entry = {"name": parameter["name"], "in": parameter["in"], "schema": schema}
        if parameter.get("required"):
            entry["required"] = True
        result.append(entry)
    return result, body


def without_descriptions(value):
    if isinstance(value, dict):
        return {
            key: without_descriptions(item)
            for key, item in value.items()
            if key != "description" or not isinstance(item, str)
        }
    if isinstance(value, list):
        return [without_descriptions(item) for item in value]
    return value


def v3_documents(openapi, recorded):
    groups = {}
    for path, item in openapi["paths"].items():
        parts = path.strip("/").split("/")
        if parts[0] == "api" and len(parts) > 1:
            groups.setdefault("/".join(parts[:2]), {})[path] = item
        elif parts[0] == "apis" and len(parts) > 2:
            groups.setdefault("/".join(parts[:3]), {})[path] = item
    for group, paths in sorted(groups.items()):
        converted = {}
        for path, item in paths.items():
            entry = {}
            for key, value in item.items():
                if key == "parameters":
                    entry[key] = v3_parameters(value, openapi["parameters"])[0]
                else:
                    entry[key] = v3_operation(value, openapi["parameters"])
            converted[path] = entry
        schemas = without_descriptions(recorded[group]["components"]["schemas"])
        yield group, {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": "v1.36.2"},
            "paths": converted,
            "components": {"schemas": schemas},
        }


def main():
    with gzip.open(SOURCE / "openapi-v2.json.gz") as file:
        openapi = json.load(file)
    with gzip.open(SOURCE / "openapi-v3.json.gz") as file:
        recorded = json.load(file)
    write("resources.jsonl.zst", (compact(r) for r in resources(openapi["definitions"])))
    write("definitions.tsv.zst", (f"{n}\t{compact(d)}" for n, d in sorted(openapi["definitions"].items())))
    rest = {k: v for k, v in openapi.items() if k in ("parameters", "securityDefinitions", "security")}
    lines = [f"v2.paths\t{compact(openapi['paths'])}", f"v2.rest\t{compact(rest)}"]
    lines += [f"{group}\t{compact(document)}" for group, document in v3_documents(openapi, recorded)]
    write("documents.tsv.zst", lines)


main()
