"""Where the forecasts of the splits and tasks of a dataset lie."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from slvm_data.evaluation.containers import ENDINGS, is_one
from slvm_data.evaluation.truth import splits_of
from slvm_data.store.manifest import Manifest

USUAL = "test"  # split of a forecast that is one file


def places(path: Path, content: Manifest, splits: list[str]) -> dict[str, dict[int, Path]]:
    """Path of each task's forecast, by split; of the splits that are asked for, or of all that the folder holds.

    Raises ValueError for a split that the dataset does not have, and for a forecast that is missing.
    """
    if odd := [split for split in splits if split not in splits_of(content)]:
        raise ValueError(
            f"split = {odd[0]!r} has no sequences in {content.name}, which has {', '.join(splits_of(content))}"
        )
    if not path.exists():
        raise ValueError(f"{path} is missing: a forecast is a file, or a folder with such files as test.npz")
    if is_one(path):
        return {(split := _only(path, content, splits)): {content.of_split(split)[0][1].task: path}}
    found = {split: of_split(path, content, split) for split in splits or splits_of(content)}
    if splits or any(found.values()):
        return {split: _whole(path, content, split, own) for split, own in found.items() if own or splits}
    raise ValueError(f"{path} holds no forecast: it has to have {_wanted(content, splits_of(content)[-1])[0]}")


def _only(path: Path, content: Manifest, splits: list[str]) -> str:
    """The split of a forecast that is one file: the one asked for, or that of its name, or the usual one."""
    if len(splits) > 1:
        raise ValueError(f"{path} is of one split, and not of {', '.join(splits)}: give one split, or a folder")
    split = (splits or [path.stem if path.stem in splits_of(content) else USUAL])[0]
    if split not in splits_of(content):
        names = ", ".join(splits_of(content))
        raise ValueError(f"{content.name} has no {USUAL}: say of which split {path} is, {names}")
    if len(wanted := _wanted(content, split)) > 1:
        names = ", ".join(wanted[:2])
        raise ValueError(f"{path} is of one task, and {content.name} has several: give a folder with {names}, …")
    return split


def of_split(path: Path, content: Manifest, split: str) -> dict[int, Path]:
    """Forecasts of the tasks of a split that a folder has."""
    found = {}
    for name, entry in content.of_split(split):
        stem = path / PurePosixPath(name).with_suffix("")
        there = [own for ending in ENDINGS if (own := stem.with_name(stem.name + ending)).exists()]
        if len(there) > 1:
            raise ValueError(f"{there[0]} and {there[1].name} are of the same sequences: leave one out")
        if there:
            found[entry.task] = there[0]
    return found


def _whole(path: Path, content: Manifest, split: str, found: dict[int, Path]) -> dict[int, Path]:
    """The forecasts of a split; raises ValueError if one of its tasks has none."""
    for (_, entry), name in zip(content.of_split(split), _wanted(content, split), strict=True):
        if entry.task not in found:
            raise ValueError(f"{path / name} is missing: a forecast of {split} has a file for each task")
    return found


def _wanted(content: Manifest, split: str) -> list[str]:
    """Names of the files of the tasks of a split, in a folder of forecasts."""
    return [str(PurePosixPath(name).with_suffix(".npz")) for name, _ in content.of_split(split)]
