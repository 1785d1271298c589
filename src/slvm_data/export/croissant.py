"""Croissant 1.1: a description of a dataset for programs that search for datasets. `mlcroissant` reads it.

A pure function of the manifest. Its date is that of the release of slvm-data that made the files, and not that of a
clock, since the same dataset made again has to give the same bytes.
Specification: https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html.
"""

from __future__ import annotations

import json
from pathlib import Path, PurePosixPath

from slvm_data.arrays import info
from slvm_data.core.files import atomic
from slvm_data.core.json_tree import Json
from slvm_data.export.parts import without_number
from slvm_data.export.responsibility import responsibility
from slvm_data.recipe.bibliography import RELEASES, bibtex
from slvm_data.store import formats
from slvm_data.store.formats import Format
from slvm_data.store.manifest import Checksum, FileEntry, Manifest

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
DTYPES = {"bool": "sc:Boolean", "float": "cr:Float", "int": "cr:Int", "uint": "cr:UInt"}
Group = dict[str, FileEntry]  # entries by file name


def write(path: Path, content: Manifest) -> Checksum:
    """Write the description of a dataset from its manifest."""
    with atomic(path) as file:
        file.write(text(content).encode())
    return Checksum.of(path)


def text(content: Manifest) -> str:
    """The description as JSON, without `<`, so that it can be put in an HTML page."""
    return json.dumps(describe(content), indent=1, ensure_ascii=True).replace("<", "\\u003c") + "\n"


def describe(content: Manifest) -> Json:
    """The description as JSON-LD."""
    recipe = content.recipe
    systems = dict.fromkeys(task.system for task in recipe.tasks)
    groups = _groups(content.every_file())
    version = content.versions["slvm-data"]
    own = recipe.license.startswith("LicenseRef-")
    return {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"],
        "name": content.name,
        "description": f"{recipe.about.strip()}\n\n{content.equation}",
        "license": recipe.license if own else f"https://spdx.org/licenses/{recipe.license}",
        "citeAs": bibtex(recipe.source, version),
        "version": version,
        **({"datePublished": RELEASES[version]} if version in RELEASES else {}),
        **responsibility(recipe, version),
        "keywords": ["slvm-data", "physics", "simulation", *systems],
        "distribution": [node for group in groups.items() for node in _distribution(*group)],
        "recordSet": [_record(*group) for group in groups.items()],
    }


def _groups(files: Group) -> dict[str, Group]:
    """The files of each task and split, grouped by the name of their record set."""
    found: dict[str, Group] = {}
    for name, entry in files.items():
        path = PurePosixPath(name)
        stem = without_number(path.stem) if formats.of_path(path).several else path.stem
        found.setdefault("-".join((*path.parts[:-1], stem)), {})[name] = entry
    return found


def _format(group: Group) -> Format:
    return formats.of_path(PurePosixPath(next(iter(group))))


def _distribution(name: str, group: Group) -> list[Json]:
    """Each file with its checksum; also a set of files if the records of a split may be in several files."""
    written = _format(group)
    if written.name == "zarr":
        (path,) = group
        markers = PurePosixPath(path).with_suffix(".shards")
        note = f"{markers} has the sha256 of each of its files; binary frames are bit-packed, 8 pixels per byte"
        return [{**_file_set(path, [f"{path}/**"], written.media_type), "description": note}]
    objects = [
        {
            "@type": "cr:FileObject",
            "@id": file,
            "name": file,
            "contentUrl": file,
            "contentSize": f"{entry.bytes} B",
            "encodingFormat": written.media_type,
            "sha256": entry.sha256,
        }
        for file, entry in group.items()
    ]
    return [*objects, _file_set(f"{name}-files", list(group), written.media_type)] if written.several else objects


def _file_set(name: str, includes: list[str], kind: str) -> Json:
    return {"@type": "cr:FileSet", "@id": name, "name": name, "encodingFormat": kind, "includes": includes}


def _record(name: str, group: Group) -> Json:
    """The records of a group of files: one for each sequence, or uncut trajectory."""
    arrays = next(iter(group.values())).arrays
    numbers = ("label",) if _format(group).several else ()  # there, labels are numbers, not rows of one
    fields = [
        _field(name, key, () if key in numbers else form.row, form.dtype) | _origin(name, group, key)
        for key, form in arrays.items()
    ]
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "field": fields}


def _origin(name: str, group: Group, key: str) -> Json:
    """Source of an array: its file or set of files, and its column."""
    written, first = _format(group), next(iter(group))
    if written.several:
        place = {"fileSet": {"@id": f"{name}-files"}}
    else:
        place = {"fileSet" if written.name == "zarr" else "fileObject": {"@id": first}}
    column = key
    if written.name == "webdataset":
        column = "label.cls" if key == "label" else f"{key}.npy"
    return {"source": {**place, "extract": {"column": column}}}


def _field(record: str, name: str, shape: tuple[int, ...], dtype: str) -> Json:
    bits = "".join(filter(str.isdigit, dtype))
    axes = {"isArray": True, "arrayShape": ",".join(map(str, shape))} if shape else {}
    return {
        "@type": "cr:Field",
        "@id": f"{record}/{name}",
        "name": name,
        "description": info(name).meaning,
        "dataType": DTYPES[dtype.removesuffix(bits)] + bits,
        **axes,
    }
