"""A dataset in the layout of other programs: planned from the table of layouts, written in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path, PurePosixPath

from slvm_data.arrays import info
from slvm_data.core.optional import optional
from slvm_data.core.progress import progress
from slvm_data.export import containers, values
from slvm_data.export.containers import Container
from slvm_data.export.layouts import PLACES, Column, Layout
from slvm_data.export.values import Values
from slvm_data.store import card, journal, manifest
from slvm_data.store.folder import replaceable
from slvm_data.store.manifest import Checksum, Copy, Manifest
from slvm_data.store.source import Source, sources
from slvm_data.store.unchanged import Unchanged

TOPS = (1, 255)  # the largest number of a frame


@dataclass(frozen=True)
class PlannedFile:
    """A file of a copy, or one for each sequence: its name, relative to the folder, and its columns."""

    name: str
    columns: list[Values]

    @property
    def sequences(self) -> int:
        """Number of sequences, or of uncut trajectories."""
        return self.columns[0].form.shape[0]


def plan(folder: Path, content: Manifest, layout: Layout, top: int | None) -> list[PlannedFile]:
    """The files of a copy; `top` is the largest number of a frame, if it is not the layout's.

    Raises ValueError, which says what is missing, if the dataset cannot fill the layout.
    """
    if top is not None and top not in TOPS:
        raise ValueError(f"range = {top} has to be 1 or 255, the largest number of a frame")
    _check_filled(content, layout)
    uncut = layout.uncut and bool(content.series)
    every = [source for source in sources(folder, content) if source.series == uncut]
    found = []
    for template, splits in layout.files.items():
        groups: dict[str, list[Source]] = {}
        for source in (one for split in splits for one in every if one.entry.split == split):
            groups.setdefault(_named(template, source, content), []).append(source)
        for path, parts in groups.items():
            found += _files(path, _columns(layout, content, parts, top))
    if not found:
        there = content.recipe.split_names()
        raise ValueError(f"layout {layout.name} holds none of the splits of {content.name}: {there}")
    return found


def _check_filled(content: Manifest, layout: Layout) -> None:
    """Raise ValueError if the dataset lacks arrays that the layout needs; they are all named."""
    needed = [column for column in layout.columns if not column.optional]
    if lacking := [column for column in needed if not any(name in content.arrays for name in column.array)]:
        wanted = ", and ".join(dict.fromkeys(" or ".join(one.array) for one in lacking))
        raise ValueError(
            f"layout {layout.name} needs the array {wanted}, which {content.name} lacks: choose another dataset, or "
            "another layout (slvm-data layouts)"
        )


def _named(template: str, source: Source, content: Manifest) -> str:
    """The name of the file that a source goes to; columns and sequences still have their places in it."""
    known = {
        "name": content.name,
        "i": str(source.entry.task),
        "folder": source.folder,
        "split": source.entry.split,
    }
    for place in PLACES:
        template = template.replace(f"{{{place}}}", known.get(place, f"{{{place}}}"))
    return PurePosixPath(template).as_posix()


def _columns(layout: Layout, content: Manifest, parts: list[Source], top: int | None) -> list[Values]:
    """The columns of a file from the sources that go to it; those named by split have the rows of that split alone."""
    splits = list(dict.fromkeys(part.entry.split for part in parts))
    found = []
    for column in layout.columns or _every(parts):
        for split in splits if "{split}" in column.key else [None]:
            own = [part for part in parts if split in (None, part.entry.split)]
            if not column.optional or values.fills(column, own, content):
                key = column.key.replace("{split}", split or "")
                found.append(values.of(column, key, own, layout, content, top))
    return found


def _every(parts: list[Source]) -> Iterator[Column]:
    """A column for each array, as it is."""
    for name, form in parts[0].arrays.items():
        letters = info(name).letters(len(form.shape))
        yield Column(key=name, array=(name,), axes=" ".join(letters), dtype="")


def _files(path: str, columns: list[Values]) -> list[PlannedFile]:
    """One file, or one for each column."""
    if "{key}" not in path:
        return [PlannedFile(path, columns)]
    return [PlannedFile(path.replace("{key}", one.key), [one]) for one in columns]


def write(
    folder: Path, target: Path, content: Manifest, layout: Layout, top: int | None, overwrite: bool
) -> tuple[str, ...]:
    """Write the copy of a dataset to the folder `target`; return the names of the arrays that it does not hold.

    The target appears when everything is complete. Raises ValueError as `plan` does, or if the target holds anything
    (unless `overwrite`); DamageError if a file of the dataset is not as it was written.
    """
    container = containers.TABLE[layout.container]
    files = plan(folder, content, layout, top)
    if container.needs:  # says what is missing before anything is read
        optional(container.needs, f"layout {layout.name}", container.extra)
    names = [name for file in files for name in containers.names(file.name, file.columns)]
    names += [layout.side] if layout.side else []
    every = [Path(name) for name in (*names, manifest.CARD, manifest.NAME)]
    total = sum(file.sequences for file in files)
    left_out = _left_out(content, files)
    with journal.staged(target, lambda: replaceable(target, every, overwrite)) as place:
        with Unchanged(folder, content).throughout(), progress(total, f"{content.name} as {layout.name}") as bar:
            for file in files:
                containers.write(container, place / file.name, file.columns, bar)
        if layout.side:
            (place / layout.side).write_text(containers.SIDE[layout.side](files[0].columns, content), encoding="utf-8")
        copy = Copy(
            name=content.name,
            layout=layout.name,
            largest=top,
            recipe=content.recipe,
            versions=_versions(content, container),
            files={name: Checksum.of(place / name) for name in names},
            left_out=left_out,
        )
        manifest.write(place, replace(copy, card=card.write_copy(place, copy, layout.readers, layout.note)))
    return left_out


def _left_out(content: Manifest, files: list[PlannedFile]) -> tuple[str, ...]:
    """Arrays of the dataset that no file holds."""
    held = {name for file in files for one in file.columns if not one.column.ones for name in one.arrays}
    return tuple(name for name in content.arrays if name not in held)


def _versions(content: Manifest, container: Container) -> dict[str, str]:
    """Versions of the software that made the numbers, and of what wrote the files."""
    return content.versions | ({container.package: version(container.package)} if container.package else {})
