"""What is damaged or missing in a dataset is made again, byte for byte, and nothing else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from slvm_data.core.errors import DamageError
from slvm_data.core.progress import progress
from slvm_data.export import croissant
from slvm_data.recipe.recipe import Recipe
from slvm_data.run.generation import ahead, preview, write
from slvm_data.simulation.batch import batch_size
from slvm_data.simulation.certificate import Tally
from slvm_data.store import formats, manifest
from slvm_data.store.folder import lay_over, room

OTHER = "though made again: by other software than wrote it; generate the dataset anew"


def mend(folder: Path, recipe: Recipe, content: dict[str, Any]) -> list[str]:
    """Make the damaged files of a dataset again, of what is in shards the damaged shards; what was made, in words.

    Raises DamageError where what is made is not, byte for byte, what the manifest says, as with other software.
    """
    made, form = [], manifest.form(content)
    if form in formats.EXPORTS:
        raise ValueError(f"{folder} is a copy for other libraries: convert the dataset again with --overwrite")
    for task, split, path in recipe.files(form):
        entry = content["files"][path.as_posix()]
        if formats.of(path).fault(folder / path, entry) is None:
            continue
        if form == "zarr":
            made += _shards(folder, recipe, path)
        else:
            _file(folder, recipe, task, split, path)
            made.append(str(path))
        if fault := formats.of(path).fault(folder / path, entry):
            raise DamageError(f"{fault}, {OTHER}")
    if "preview" in content and preview.fault(folder, content["preview"]):
        preview.write(folder, recipe, form)
        made.append(manifest.PREVIEW)
        if fault := preview.fault(folder, content["preview"]):
            raise DamageError(f"{fault}, {OTHER}")
    if "croissant" in content and (fault := croissant.fault(folder, content["croissant"])):
        raise DamageError(fault)
    return made


def _file(folder: Path, recipe: Recipe, task: int, split: str, path: Path) -> None:
    """One file, as a whole."""
    batch, tally = batch_size(recipe), Tally(recipe.tasks[task])
    with (
        room(folder) as place,
        progress(recipe.count(split), str(path)) as bar,
        closing(ahead(recipe, batch, [(task, split, path)])) as made,
    ):
        (place / path).parent.mkdir(exist_ok=True)
        write(place / path, recipe, task, split, made, batch, tally, bar)
        lay_over(place / path, folder / path)


def _shards(folder: Path, recipe: Recipe, path: Path) -> list[str]:
    """The damaged shards of one group, and what belongs to none."""
    from slvm_data.run import shards  # which needs the package zarr
    from slvm_data.store import zarr

    plan, made = shards.Plan(recipe), []
    if zarr.rest_is_damaged(folder / path):
        shards.make_rest(plan, folder, path)
        made.append(f"{path} metadata")
    for shard in plan.shards():
        if shard.path == path and plan.layouts[path][shard.kind].is_damaged(folder / path, shard.kind, shard.number):
            shards.make_shard(plan, folder, shard, counted=False)
            made.append(str(shard))
    return made
