"""Carry out a recipe: begin, make the units that are missing, finish."""

from __future__ import annotations

import sys
from errno import ENOENT
from pathlib import Path

from slvm_data.core.arguments import checked, whole_number
from slvm_data.core.compiled import kept
from slvm_data.core.files import at_home
from slvm_data.core.progress import progress
from slvm_data.recipe.recipe import Recipe
from slvm_data.run import executors
from slvm_data.run.beginning import begin
from slvm_data.run.finish import finish_if_complete
from slvm_data.run.plan import Plan, Unit
from slvm_data.run.space import check_space
from slvm_data.run.unit import noted
from slvm_data.simulation.batch import programs
from slvm_data.store import formats, journal, manifest


@checked
def generate(
    recipe: Recipe,
    out: Path | str | None = None,
    *,
    overwrite: bool = False,
    batch: int | None = None,
    format: str | None = None,  # noqa: A002 - the word that users know from the command line
    workers: int | None = None,
    part: tuple[int, int] | None = None,
    dask: str | None = None,
    executor: str | None = None,
) -> Path:
    """Write a dataset to the folder `out` and return the folder; without `out`, it has the dataset's name.

    The folder holds one `.npz` per split, or one sharded group with the format "zarr", in `dataset_<i>` if there are
    several tasks; `dataset.json` with checksums, recipe and certificate; and `README.md`, the card, with `preview.gif`
    in it. Without `format`, the ending of the folder's name says which, or it is "npz". `batch`, the number of
    trajectories made at a time, does not change the data.

    The dataset is made in units: an .npz, or a shard. All stand in a hidden folder until everything is complete. If the
    same dataset was begun before, the missing units are made; if it is complete, nothing is written. Units are made by
    threads of this process, by `workers` processes, or by the workers of `dask` (the address of a scheduler, "local" or
    "slurm"); `executor` names another entry of `slvm_data.run.executors.TABLE`. If `part` is (i, N), only every N-th
    unit is made, starting at unit i, so that N jobs together make the dataset.

    Raises ValueError if the folder holds anything else (unless `overwrite`, which replaces the dataset in it and
    nothing else), or if a sequence cannot be made; OSError if the folder cannot be written; DamageError if the same
    dataset is complete, and damaged; WorkersError if processes die again and again.
    """
    folder = at_home(out) if out is not None else Path(recipe.name)
    meant = formats.wanted(folder, format)
    written = formats.own_format(meant.name if meant else formats.OWN[0])
    formats.module_of(written)  # says what is missing before anything is made
    _check(workers, batch, part, overwrite)
    chosen = executors.chosen(executor, workers, dask)
    plan = Plan(recipe, written, batch)
    with (
        executors.connected(chosen, workers, dask) as execute,  # before anything is written
        kept(programs(recipe)),
    ):
        own = plan.units[part[0] :: part[1]] if part else plan.units
        _check_space(plan, folder, own, overwrite)
        made = journal.missing(folder)
        if not begin(plan, folder, overwrite):
            print(f"{folder}: this dataset is there already, and complete", file=sys.stderr)
            return folder
        try:
            with journal.running(folder, made):
                _make(plan, folder, own, execute, chosen.here)
        except FileNotFoundError:  # also if another run has completed the dataset and removed what it no longer needs
            if not finish_if_complete(plan, folder, overwrite):
                raise
        if not finish_if_complete(plan, folder, overwrite) and not journal.plan_of(folder).is_file():
            raise FileNotFoundError(ENOENT, "removed while it was made: run the same command again", str(folder))
    return folder


def _make(plan: Plan, folder: Path, own: list[Unit], execute: executors.Execute, here: bool) -> None:
    """Make those of these units that are missing."""
    missing = [unit for unit in own if noted(plan, folder, unit) is None]
    with progress(sum(unit.sequences for unit in own), plan.recipe.name) as bar:
        bar.update(sum(unit.sequences for unit in own) - sum(unit.sequences for unit in missing))
        plan.bar = bar if here else None
        for unit in execute(plan, folder, missing):
            bar.update(0 if here else unit.sequences)


def _check_space(plan: Plan, folder: Path, own: list[Unit], overwrite: bool) -> None:
    """Raise ValueError if the units that are missing do not fit on the disk."""
    missing = [unit for unit in own if noted(plan, folder, unit) is None]
    if missing and (overwrite or not (folder / manifest.NAME).is_file()):
        check_space(plan.recipe, folder, plan.format, len(missing) / len(plan.units))


def _check(workers: int | None, batch: int | None, part: tuple[int, int] | None, overwrite: bool) -> None:
    if sys.flags.optimize > 1:
        raise ValueError("python -OO has no docstrings, which hold the equations of a dataset: use -O instead")
    for name, value in (("workers", workers), ("batch", batch)):
        if value is not None:
            whole_number(name, value, 1)
    if part and not 0 <= part[0] < part[1]:
        raise ValueError(f"shards = {part[0]}/{part[1]} has to be i/N, with i from 0 to N - 1")
    if part and overwrite:
        raise ValueError(f"overwrite is not for shards = {part[0]}/{part[1]}: a job would remove what others have made")
