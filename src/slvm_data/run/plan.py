"""The files of a dataset: the sequences of each task and split, and the uncut trajectories where they are kept."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation.sequences import has_series
from slvm_data.store.formats import Format

SERIES = "series-"  # prefix of the names of files of uncut trajectories


@dataclass(frozen=True)
class File:
    """A file of arrays (with Zarr, a group) that has one row per sequence, or per uncut trajectory."""

    task: int
    split: str
    path: Path  # relative to the dataset's folder
    series: bool  # whether its rows are uncut trajectories

    def rows(self, recipe: Recipe) -> int:
        """Number of rows."""
        return recipe.trajectories(self.split) if self.series else recipe.count(self.split)


def files_of(recipe: Recipe, written: Format) -> list[File]:
    """The files of a dataset in this format, those of sequences first."""
    found = [File(task, split, path, False) for task, split, path in recipe.files(written.ending)]
    if not has_series(recipe):
        return found
    return found + [File(f.task, f.split, f.path.with_name(SERIES + f.path.name), True) for f in found]
