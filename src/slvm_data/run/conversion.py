"""A dataset in another format: in one of ours, as if it had been generated in it, or as a copy for other libraries."""

from __future__ import annotations

import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

from slvm_data.core.arguments import checked
from slvm_data.core.errors import DamageError
from slvm_data.core.files import at_home, check_place
from slvm_data.core.progress import Progress, counted, progress
from slvm_data.core.types import Arrays
from slvm_data.export import croissant, layouts
from slvm_data.export.layouts import Layout
from slvm_data.recipe.outline import StoredRecipe
from slvm_data.run import layout_copy
from slvm_data.run.finish import finish
from slvm_data.run.order import in_order
from slvm_data.store import formats, journal, manifest
from slvm_data.store.folder import replaceable
from slvm_data.store.formats import Format
from slvm_data.store.manifest import FileEntry, Manifest
from slvm_data.store.source import Source, sources
from slvm_data.store.unchanged import Unchanged


@checked
def convert(
    source: Path | str,
    target: Path | str,
    *,
    to: str | None = None,
    layout: str | None = None,
    range: int | None = None,  # noqa: A002 - the word that users know from the command line
    shard_size: float | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the dataset in the folder `source` to the folder `target` in another format, and return the latter.

    `to` is the name of the format; without it, the ending of the target says which. "npz" and "zarr" give the dataset
    that `generate` would have written, other formats a copy for other libraries; each has a manifest, a card, and
    `croissant.json`. If the target itself is called `croissant.json`, only that description of the source is written.
    Memory is bounded, and the target appears when everything is complete. `shard_size` [MB] is about the size of each
    of the files that a split is divided into, before compression: for WebDataset and Parquet, so that several workers
    have files to read.

    `layout` names a row of `slvm_data.export.layouts`: the files and arrays that other programs read, or, for formats
    of our own, the folders of the tasks. With a `range` of 255, frames of 0 and 1 are written as 0 and 255; that is a
    copy for other programs, in the layout "plain" if no other is named.

    Raises ValueError for an unknown format or layout, for a layout that the dataset cannot fill, for a missing package
    or a shard size that cannot be, or if the target holds anything (unless `overwrite`, which removes the dataset in
    the target and nothing else); DamageError if a file of the source is not as it was written, or if the source is
    changed meanwhile.
    """
    folder, target = at_home(source), at_home(target)
    content = journal.settled(folder) if target.parent.resolve() == folder.resolve() else manifest.read(folder)
    if target.name == manifest.CROISSANT:
        if to:
            raise ValueError(f"{target} is a description, in no format of data: leave --to {to} out")
        return _describe(folder, target, content, overwrite)
    chosen = layouts.chosen(layout, range)
    if chosen and not chosen.own:
        _check_copy(folder, target, content, chosen, to, shard_size)
        layout_copy.write(folder, target, content, chosen, range, overwrite)
        return target
    if not (written := formats.wanted(target, to) or (content.format if chosen else None)):
        endings = ", ".join(ending for entry in formats.TABLE for ending in entry.endings)
        raise ValueError(f"{target} ends in none of {endings}: choose one of them, or say the format with --to")
    _check_folders(folder, target, content)
    formats.module_of(written)  # says what is missing before anything is read
    content = in_order(content)
    recipe = replace(content.recipe, folder=chosen.folder) if chosen else content.recipe
    _convert(folder, target, content, recipe, written, _shard(written, shard_size), overwrite)
    return target


def _check_folders(folder: Path, target: Path, content: Manifest) -> None:
    if not content.format.own:
        raise ValueError(f"{folder} is a copy for other libraries: only {' and '.join(formats.OWN)} are converted")
    if target.resolve() == folder.resolve():
        raise ValueError(f"{target} is the dataset to convert: choose another folder")


def _check_copy(
    folder: Path, target: Path, content: Manifest, layout: Layout, to: str | None, shard_size: float | None
) -> None:
    """Raise ValueError for what cannot be asked of a copy in a layout of other programs; DamageError as `convert`."""
    for option, given in (("--to", to), ("--shard-size", shard_size)):
        if given is not None:
            raise ValueError(f"layout {layout.name} decides the files by itself: leave {option} {given} out")
    _check_folders(folder, target, content)
    _check(folder, sources(folder, content), content)


def _shard(written: Format, size: float | None) -> int | None:
    """Bytes of a shard of this size [MB]; raises ValueError if it cannot be."""
    if size is None:
        return None
    if not written.several:
        several = " and ".join(entry.name for entry in formats.TABLE if entry.several)
        raise ValueError(f"shard_size = {size:g} is only for {several}, not for {written.name}: leave it out")
    if not 0 < size < math.inf:
        raise ValueError(f"shard_size = {size:g} has to be above 0 and finite, in MB")
    return math.ceil(size * 1e6)


def _describe(folder: Path, target: Path, content: Manifest, overwrite: bool) -> Path:
    """Write the description alone; in the dataset's own folder its manifest lists it from then on."""
    check_place(target)
    if target.parent.resolve() != folder.resolve():
        _check_free(target, overwrite)
        croissant.write(target, content)
        return target

    def old() -> list[Path]:
        journal.still(folder, content)
        _check_free(target, overwrite)
        return []

    with journal.staged(folder, old) as place:
        checksum = croissant.write(place / manifest.CROISSANT, content)
        manifest.write(place, replace(content, croissant=checksum))
    return target


def _check_free(target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise ValueError(f"{target} exists: add --overwrite to replace it")


def _convert(
    folder: Path,
    target: Path,
    content: Manifest,
    recipe: StoredRecipe,
    written: Format,
    shard: int | None,
    overwrite: bool,
) -> None:
    """Write the copy; `recipe` may name other folders of the tasks than that of `content`."""
    files = [replace(file, place=recipe.folders()[file.entry.task]) for file in sources(folder, content, shard)]
    places = [path for file in files for path in _paths(file, written)]
    shown = [manifest.PREVIEW] if content.preview else []
    every = [*places, *map(Path, (*shown, manifest.CARD, manifest.CROISSANT, manifest.NAME))]
    count = sum(entry.rows for entry in content.files.values())
    with journal.staged(target, lambda: replaceable(target, every, overwrite)) as place:
        entries: dict[str, FileEntry] = {}
        with Unchanged(folder, content).throughout(), progress(count, f"{content.name} as {written.name}") as bar:
            _check(folder, files, content)
            for file in files:
                entries |= _write(place, file, content, written, bar)
            for name in shown:
                shutil.copyfile(folder / name, place / name)
        series = {path.as_posix() for file in files if file.series for path in _paths(file, written)}
        finish(place, _manifest(replace(content, recipe=recipe), entries, series, written), for_programs=True)


def _paths(file: Source, written: Format) -> list[Path]:
    """The files that a file becomes, relative to the dataset's folder."""
    if written.own:
        return [Path(file.folder) / f"{file.stem}.{written.ending}"]
    return formats.module_of(written).files(file)


def _write(place: Path, file: Source, content: Manifest, written: Format, bar: Progress) -> dict[str, FileEntry]:
    """Write the files that a file becomes to a folder, and return their entries by name."""
    module, paths = formats.module_of(written), _paths(file, written)
    for path in paths:
        (place / path).parent.mkdir(parents=True, exist_ok=True)
    if written.own:
        blocks, packed = _counted(file, bar), content.recipe.of_split(file.entry.split).bit_packed()
        found = [module.write(place / paths[0], blocks, file.entry.rows, packed, one_by_one=file.series)]
    else:
        found = module.write(place, file, content.recipe, bar)
    old = file.entry
    entries = (FileEntry.of(one, old.task, old.split, old.trajectories) for one in found)
    return dict(zip((path.as_posix() for path in paths), entries, strict=True))


def _counted(file: Source, bar: Progress) -> Iterator[Arrays]:
    """Yield the rows of a file in chunks; the progress bar counts only sequences."""
    return file.blocks() if file.series else counted(file.blocks(), bar)


def _check(folder: Path, files: list[Source], content: Manifest) -> None:
    """Raise DamageError where a file of the source is not as it was written."""
    found = [file.fault() for file in files]
    if content.preview:
        found.append(content.preview.fault(folder / manifest.PREVIEW))
    if faults := list(filter(None, found)):
        raise DamageError(faults[0], folder / manifest.NAME)


def _manifest(content: Manifest, entries: dict[str, FileEntry], series: set[str], written: Format) -> Manifest:
    """Manifest of the copy: versions of the software that made the numbers are kept, those that wrote files are new.

    The entries named in `series` are those of uncut trajectories.
    """
    made = {name: content.versions[name] for name in ("python", *manifest.LIBRARIES)}
    versions = made | {name: version(name) for name in written.libraries}
    if content.preview:
        versions["pillow"] = content.versions["pillow"]
    return replace(
        content,
        versions=versions,
        files={name: entry for name, entry in entries.items() if name not in series},
        series={name: entry for name, entry in entries.items() if name in series},
        combined={},
        croissant=None,
    )
