"""Make damaged or missing files of a dataset again, byte for byte, and leave all others as they are."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from slvm_data.core.errors import DamageError
from slvm_data.core.progress import progress
from slvm_data.recipe.recipe import Recipe
from slvm_data.run import preview
from slvm_data.run.generation import ahead, write
from slvm_data.run.plan import File, files_of
from slvm_data.run.verification import beside_faults
from slvm_data.simulation.batch import batch_size
from slvm_data.simulation.certificate import Tally
from slvm_data.store import formats, manifest
from slvm_data.store.folder import lay_over, workspace
from slvm_data.store.manifest import Manifest

OTHER = "though made again: by other software than wrote it; generate the dataset anew"


def mend(folder: Path, recipe: Recipe, content: Manifest) -> list[str]:
    """Make the damaged files of a dataset, or their damaged shards, again; return the names of what was made.

    Raises DamageError if a file made again is not, byte for byte, what the manifest says, as with other software.
    """
    if not content.format.own:
        raise ValueError(f"{folder} is a copy for other libraries: convert the dataset again with --overwrite")
    made, every = [], content.files | content.series
    for file in files_of(recipe, content.format):
        path, entry = folder / file.path, every[file.path.as_posix()]
        store = formats.store_of(path)
        if store.fault(path, entry) is None:
            continue
        if content.format.name == "zarr":
            made += _shards(folder, recipe, file)
        else:
            _file(folder, recipe, file)
            made.append(str(file.path))
        if fault := store.fault(path, entry):
            raise DamageError(f"{fault}, {OTHER}")
    if content.preview and content.preview.fault(folder / manifest.PREVIEW):
        preview.write(folder, recipe, content.format)
        made.append(manifest.PREVIEW)
        if fault := content.preview.fault(folder / manifest.PREVIEW):
            raise DamageError(f"{fault}, {OTHER}")
    for fault in beside_faults(folder, content):
        raise DamageError(fault)
    return made


def _file(folder: Path, recipe: Recipe, file: File) -> None:
    """Make one .npz again, as a whole."""
    batch, tally = batch_size(recipe), Tally(recipe.tasks[file.task])
    with (
        workspace(folder) as place,
        progress(recipe.count(file.split), str(file.path)) as bar,
        closing(ahead(recipe, batch, [file])) as made,
    ):
        (place / file.path).parent.mkdir(exist_ok=True)
        write(place, recipe, file, made, batch, tally, bar)
        lay_over(place / file.path, folder / file.path)


def _shards(folder: Path, recipe: Recipe, file: File) -> list[str]:
    """Make the damaged shards and metadata of one group again; return the names of what was made."""
    from slvm_data.run import shards  # which needs the package zarr
    from slvm_data.store import zarr

    plan, made = shards.Plan(recipe), []
    if zarr.metadata_damaged(folder / file.path):
        shards.make_metadata(plan, folder, file)
        made.append(f"{file.path} metadata")
    for shard in plan.shards():
        if shard.file == file and plan.layouts[file].is_damaged(folder / file.path, shard.number):
            shards.make_shard(plan, folder, shard, counted=False)
            made.append(str(shard))
    return made
