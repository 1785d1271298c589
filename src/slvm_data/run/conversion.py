"""A dataset in another format: in ours, as if it had been generated in it, or in one that other libraries read."""

from __future__ import annotations

import importlib
import shutil
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any

from slvm_data.core.errors import DamageError
from slvm_data.core.progress import Progress, counted, progress
from slvm_data.export import croissant
from slvm_data.run import preview
from slvm_data.store import card, formats, manifest
from slvm_data.store.folder import check_place, replaceable, staging
from slvm_data.store.npz import SERIES, altered
from slvm_data.store.source import Source, sources

FORMATS = {
    "npz": (".npz",),
    "zarr": (".zarr",),
    "hdf5": (".h5", ".hdf5"),
    "webdataset": (".tar",),
    "parquet": (".parquet",),
}  # and the endings that ask for them


def convert(source: Path | str, target: Path | str, *, to: str | None = None, overwrite: bool = False) -> Path:
    """Write the dataset in the folder `source` to the folder `target` in another format, and return the latter.

    The format is `to`, one of `FORMATS`, or what the target's ending says. In "npz" and "zarr" it is the dataset that
    `generate` would have written, in the others a copy for other libraries; each has a manifest, a card, and
    `croissant.json`. A target of that name is that description alone, of the dataset in the source. Memory is bounded,
    and nothing stands there before everything is complete.

    Raises ValueError for an unknown format or a missing package, or where the target holds anything (unless
    `overwrite`, which removes the dataset that stands there and nothing else); DamageError where a file of the source
    is not what was written.
    """
    folder, target = Path(source), Path(target)
    content = manifest.read(folder)
    if target.name == manifest.CROISSANT:
        return _describe(folder, target, content, overwrite)
    to = _format(target, to)
    if manifest.form(content) not in formats.FORMATS:
        raise ValueError(f"{folder} was exported, and only {' and '.join(formats.FORMATS)} are converted")
    if target.resolve() == folder.resolve():
        raise ValueError(f"{target} is the dataset to convert: choose another folder")
    if "preview" in content and (fault := preview.fault(folder, content["preview"])):
        raise DamageError(fault)
    _convert(sources(folder, content), folder, target, content, to, overwrite)
    return target


def _format(target: Path, to: str | None) -> str:
    """The format that is asked for."""
    if to is not None and to not in FORMATS:
        raise ValueError(f"to = {to!r} is unknown; there are {', '.join(FORMATS)}")
    named = next((name for name, endings in FORMATS.items() if target.suffix in endings), None)
    if found := to or named:
        return found
    endings = ", ".join(ending for endings in FORMATS.values() for ending in endings)
    raise ValueError(f"{target} ends in none of {endings}: give it one of them, or add --to {'|'.join(FORMATS)}")


def _describe(folder: Path, target: Path, content: dict[str, Any], overwrite: bool) -> Path:
    """Write the description alone; in the dataset's own folder its manifest lists it from then on."""
    if target.exists() and not overwrite:
        raise ValueError(f"{target} exists: add --overwrite to replace it")
    check_place(target)
    digest = croissant.write(target, content)
    if target.parent.resolve() == folder.resolve():
        manifest.write(folder, content | {"croissant": {"sha256": digest}})
    return target


def _convert(
    files: list[Source], folder: Path, target: Path, content: dict[str, Any], to: str, overwrite: bool
) -> None:
    form, ending = _form(to), FORMATS[to][0].removeprefix(".")
    places = [path for file in files for path in form.files(file)]
    shown = [Path(manifest.PREVIEW)] * ("preview" in content)
    pages = [*shown, Path(manifest.CARD), Path(manifest.CROISSANT), Path(manifest.NAME)]
    count = sum(file.sequences.count for file in files)
    replaceable(target, [*places, *pages], overwrite)  # else it would be found out after all is read
    _check(files, [(folder / path, content["preview"]) for path in shown])
    with staging(target, [*places, *pages], overwrite) as room, progress(count, f"{content['name']} as {to}") as bar:
        for path in places:
            (room / path).parent.mkdir(exist_ok=True)
        entries: dict[str, Any] = {}
        for file in files:
            entries |= form.write(room, file, content["recipe"], bar)
        for path in shown:
            shutil.copyfile(folder / path, room / path)
        made = _manifest(content, entries, ending)
        front = form.front_matter(made) if to == "parquet" else ""
        made["card"] = {"sha256": card.write(room, made, front)}
        made["croissant"] = {"sha256": croissant.write(room / manifest.CROISSANT, made)}
        manifest.write(room, made)


def _form(to: str) -> Any:
    """What writes a format: it has `files` and `write`. Raises ValueError where that needs a package more."""
    if to in formats.FORMATS:
        return _Own(to)
    try:
        return importlib.import_module(f"slvm_data.export.{to}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("slvm_data"):
            raise
        raise ValueError(f"{to} needs a package that is not installed: pip install 'slvm-data[{to}]'") from error


class _Own:
    """One of our own formats."""

    def __init__(self, form: str) -> None:
        self.form = form
        formats.of(Path(f"train.{form}"))  # says what is missing

    def files(self, source: Source) -> list[Path]:
        return [Path(source.name).with_suffix(f".{self.form}")]

    def write(self, room: Path, source: Source, recipe: dict[str, Any], bar: Progress) -> dict[str, Any]:
        (path,) = self.files(source)
        films, series = source.sequences, source.series
        chunks, once, rows = films.blocks(), films.shared(), {}
        if series:
            chunks, once, rows = chain(chunks, series.blocks()), series.shared(), dict.fromkeys(SERIES, series.count)
        bits = tuple(formats.FRAMES) if manifest.binary(recipe) else ()
        entry = formats.of(path).write(room / path, counted(chunks, bar), films.count, once, rows, bits)
        return {path.as_posix(): entry | source.paths}


def _check(files: list[Source], others: list[tuple[Path, dict[str, Any]]]) -> None:
    """What is to be converted is what was written."""
    found = [formats.of(file.path).fault(file.path, file.entry) for file in files]
    if faults := list(filter(None, [*found, *(altered(path, entry) for path, entry in others)])):
        raise DamageError(f"{faults[0]} (slvm-data repair)")


def _manifest(content: dict[str, Any], entries: dict[str, Any], ending: str) -> dict[str, Any]:
    """The manifest of the copy: what made the numbers is what made them, and what wrote the files is this process."""
    libraries = (formats.LIBRARIES | formats.EXPORTS)[ending]
    made = {name: number for name, number in content["versions"].items() if name in ("python", *manifest.LIBRARIES)}
    series = {name: entry for name, entry in entries.items() if Path(name).name.startswith("series-")}
    kept = {name: value for name, value in content.items() if name not in ("combined", "card", "croissant")}
    pillow = {name: number for name, number in content["versions"].items() if name == "pillow"}  # of the preview
    kept |= {"versions": made | {name: version(name) for name in libraries} | pillow}
    kept |= {"files": {name: entry for name, entry in entries.items() if name not in series}}
    return kept | ({"series": series} if series else {})
