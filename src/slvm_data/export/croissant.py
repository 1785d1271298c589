"""Croissant 1.1: what a dataset is and where it lies, for programs that look for datasets. `mlcroissant` reads it.

A pure function of the manifest. There is no date in it, since the same dataset made again has to be the same; no
licence, which is its owner's to give. Specification: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from slvm_data.store import card
from slvm_data.store.manifest import CROISSANT
from slvm_data.store.npz import SERIES, sha256, stands_once, whole

CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}  # the standard's own, in full
TYPES = {
    "npz": "application/zip",
    "zarr": "application/vnd+zarr",
    "h5": "application/x-hdf5",
    "tar": "application/x-tar",
    "parquet": "application/x-parquet",
}
SEVERAL = ("tar", "parquet")  # whose splits may have several files
Group = dict[str, dict[str, Any]]  # entries by file name
DTYPES = {"bool": "sc:Boolean", "float": "cr:Float", "int": "cr:Int", "uint": "cr:UInt"}


def write(path: Path, content: dict[str, Any]) -> str:
    """Write the description of a dataset from its manifest; the file's sha256."""
    with whole(path) as file:
        file.write(text(content).encode())
    return sha256(path)


def fault(folder: Path, entry: dict[str, Any]) -> str | None:
    """What is wrong with the description that a manifest lists, in a sentence; None if it is as it was written."""
    path = folder / CROISSANT
    if path.is_file() and sha256(path) == entry["sha256"]:
        return None
    wrong = "is damaged: its checksum does not fit" if path.is_file() else "is missing"
    return f"{path} {wrong} (slvm-data convert {folder} {path} --overwrite)"


def text(content: dict[str, Any]) -> str:
    """The description as JSON; markup in it is harmless in a page too."""
    return json.dumps(describe(content), indent=1, ensure_ascii=True).replace("<", "\\u003c") + "\n"


def describe(content: dict[str, Any]) -> dict[str, Any]:
    """The description as JSON-LD."""
    recipe = content["recipe"]
    systems = dict.fromkeys(task["system"] for task in recipe["tasks"])
    every = content["files"] | content.get("combined", {}) | content.get("series", {})
    groups = _groups(every)
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "name": content["name"],
        "description": f"{recipe['about'].strip()}\n\n{content['equation']}",
        **({"citeAs": recipe["source"]} if recipe["source"] else {}),
        "version": content["versions"]["slvm-data"],
        "keywords": ["slvm-data", "physics", "simulation", *systems],
        "distribution": [node for group in groups.items() for node in _distribution(*group)],
        "recordSet": [record for group in groups.items() for record in _records(*group)],
    }


def _groups(files: Group) -> dict[str, Group]:
    """The files of each task and split together, however many; by the name of their records."""
    found: dict[str, Group] = {}
    for name, entry in files.items():
        path = PurePosixPath(name)
        stem = path.name[: path.name.index("-0")] if "-0" in path.name else path.stem
        found.setdefault("-".join((*path.parts[:-1], stem)), {})[name] = entry
    return found


def _ending(group: Group) -> str:
    return PurePosixPath(next(iter(group))).suffix.removeprefix(".")


def _distribution(name: str, group: Group) -> list[dict[str, Any]]:
    """Each file with its checksum, and sets of files where the records of a split are in more than one."""
    kind = _ending(group)
    if kind == "zarr":
        (path,) = group
        markers = PurePosixPath(path).with_suffix(".shards")
        note = f"{markers} has the sha256 of each of its files; frames of zeros and ones lie eight pixels to the octet"
        return [{**_file_set(path, [f"{path}/**"], TYPES[kind]), "description": note}]
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": file,
            "name": file,
            "contentUrl": file,
            "contentSize": f"{entry['bytes']} B",
            "encodingFormat": TYPES[kind],
            "sha256": entry["sha256"],
        }
        for file, entry in group.items()
    ]
    return objects + [_file_set(f"{name}-files", list(group), TYPES[kind])] * (kind in SEVERAL)


def _file_set(name: str, includes: list[str], kind: str) -> dict[str, Any]:
    return {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": kind, "includes": includes}


def _records(name: str, group: Group) -> list[dict[str, Any]]:
    """What has a row for each sequence, for each uncut path, and what stands there once."""
    arrays = next(iter(group.values()))["arrays"]
    kinds: dict[str, dict[str, Any]] = {name: {}, f"{name}-series": {}, f"{name}-once": {}}
    for key, array in arrays.items():
        once = stands_once(key, array["shape"], arrays)
        kind = name if not once else f"{name}-series" if key in SERIES else f"{name}-once"
        kinds[kind][key] = array["dtype"], array["shape"] if kind.endswith("-once") and once else array["shape"][1:]
    if _ending(group) in SEVERAL:
        kinds[name]["label"] = kinds[name]["label"][0], []  # a number there, not a row of one
    origin = _origin(name, group)
    return [
        {
            "@type": "cr:RecordSet",
            "@id": kind,
            "name": kind,
            "field": [_field(kind, key, dtype, shape, origin(key)) for key, (dtype, shape) in forms.items()],
        }
        for kind, forms in kinds.items()
        if forms
    ]


def _origin(name: str, group: Group) -> Callable[[str], dict[str, Any]]:
    """Where an array comes from, by its name."""
    kind, first = _ending(group), next(iter(group))
    place = {"fileSet": {"@id": f"{name}-files"}} if kind in SEVERAL else {}
    place = place or {"fileSet" if kind == "zarr" else "fileObject": {"@id": first}}

    def column(key: str) -> str:
        return {"label": "label.cls"}.get(key, f"{key}.npy") if kind == "tar" else key

    return lambda key: {"source": {**place, "extract": {"column": column(key)}}}


def _field(record: str, name: str, dtype: str, shape: list[int], source: dict[str, Any]) -> dict[str, Any]:
    bits = "".join(filter(str.isdigit, dtype))
    form = {"isArray": True, "arrayShape": ",".join(map(str, shape))} if shape else {}
    return {
        "@type": "cr:Field",
        "@id": f"{record}/{name}",
        "name": name,
        "description": card.meaning(name),
        "dataType": DTYPES[dtype.removesuffix(bits)] + bits,
        **form,
        **source,
    }
