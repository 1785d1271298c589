"""Run a model over a split, and write what it forecasts as a file that `slvm-data evaluate` scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import torch

from slvm_data.arrays import PARAMETER, TABLE, Role, info
from slvm_data.core.arguments import checked, whole_number
from slvm_data.core.files import at_home
from slvm_data.core.types import Arrays
from slvm_data.load.columns import open_manifest
from slvm_data.load.episodes import Episodes
from slvm_data.load.map_dataset import INDEX, MapDataset
from slvm_data.load.root import found
from slvm_data.load.sequences import Sequences
from slvm_data.load.windows import Windows
from slvm_data.store import npz
from slvm_data.store.manifest import Form

Model = Callable[[dict[str, torch.Tensor], int], Any]
"""From a batch and the number of frames to see, to a forecast: arrays [B …] by name, or the frames alone."""

HIDDEN = tuple(name for name, row in TABLE.items() if row.role in (Role.OBSERVATION, Role.CLEAN))
MASK, SEEN, IMAGE = "mask", "seen", "image"
LOADED = {IMAGE: 5}  # axes of arrays of which a loader gives one more than the file has


@dataclass(frozen=True)
class Asked:
    """A model and how it is run."""

    model: Model
    seen: int
    batch: int
    device: torch.device


@checked
def forecast(
    model: Any,
    dataset: Path | str,
    out: Path | str,
    *,
    seen: int,
    split: str = "test",
    context: int = 0,
    batch_size: int = 64,
    device: str | None = None,
) -> Path:
    """Run a model over all sequences of a split, in their order, and write its forecast.

    The model is called with a batch, as `Sequences` or `Windows` gives it, and with `seen`. In the batch, frames and
    signals from number `seen` on are zeros, and `mask` [B T] is true for the frames that are left, and not missing.
    Its truths (states, parameters) are as in the file. The model returns arrays or tensors by name, `image`
    [B T C H W] or [B T H W] from 0 to 1, `signal` [B T S], `state` [B T D], `latent` [B T K], `mode` [B T], `param_…`
    [B …], or the frames alone. Samples of a distribution are a first axis [S B …].

    Arguments:
        model: a `torch.nn.Module` or any other function. A module is in the mode of evaluation meanwhile, and then in
            the mode that it was in; no gradients are kept.
        dataset: folder of the dataset.
        out: folder of forecasts, to which `<split>.npz` is added, in a folder for each task as in the dataset; or of a
            dataset with one task, a file that ends in .npz. Each file is written whole or not at all.
        seen: number of frames that the model is given, from 1 to T.
        split: name of the split.
        context: number of other sequences of its task that come with each, as `Episodes` gives them, all their frames
            shown. These are the same for all sequences of a task, and have no forecast: `index` says which have one.
        batch_size: number of sequences in a batch.
        device: where batches are put; None: where the module's parameters are.

    Returns `out`. Raises ValueError for what the dataset does not have, and for arrays of the model that are not of
    the sequences of its batch. The forecast of one task is held in memory.

    """
    root, target = found(dataset), Path(at_home(out))
    content = open_manifest(root)
    recipe, several = content.recipe.of_split(split), len(content.of_split(split)) > 1  # raises for an unknown one
    whole_number("seen", seen, 1, recipe.length(), "frames")
    asked = Asked(model, seen, whole_number("batch_size", batch_size, 1), _device(model, device))
    loader = _loader(content.recipe.windows is not None, whole_number("context", context, 0, unit="sequence"))
    if target.suffix == ".npz" and several:
        raise ValueError(f"{out} is one file, and {root} has several tasks: give a folder")
    _ = loader(root, split, fields=(INDEX,))  # refuses an empty split, or one too small for the context
    for name, entry in content.of_split(split):
        sequences = loader(root, split, tasks=(entry.task,))
        path = target if target.suffix == ".npz" else target / PurePosixPath(name).with_suffix(".npz")
        with _evaluating(model), torch.no_grad():
            parts = [_part(asked, sequences, start) for start in range(0, len(sequences), asked.batch)]
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, parts)
    return target


def _loader(windows: bool, context: int) -> Callable[..., MapDataset]:
    """The loader of a split."""
    if context and windows:
        raise ValueError("context = is for sequences: each window has its own context, `domains`")
    return partial(Episodes, context=context) if context else Windows if windows else Sequences


def _device(model: Any, device: str | None) -> torch.device:
    module = _module(model)
    first = next(module.parameters(), None) if module else None
    return torch.device(device) if device else torch.device("cpu") if first is None else first.device


def _module(model: Any) -> torch.nn.Module | None:
    """The module that a model is, or a method of; None if it is something else."""
    return next((one for one in (model, getattr(model, "__self__", None)) if isinstance(one, torch.nn.Module)), None)


@contextmanager
def _evaluating(model: Any) -> Iterator[None]:
    """A block in which a module is in the mode of evaluation; afterwards each of its parts is in its own mode again."""
    module = _module(model)
    before = {part: part.training for part in module.modules()} if module else {}
    try:
        if module:
            module.eval()
        yield
    finally:
        for part, training in before.items():
            part.training = training


def _part(asked: Asked, sequences: MapDataset, start: int) -> Arrays:
    """The forecast of some sequences, the numbers of these, and how many frames the model was given."""
    items = sequences[start : min(start + asked.batch, len(sequences))]
    rows = items[INDEX].numpy().copy()
    batch = _hidden({name: own.to(asked.device) for name, own in items.items()}, asked.seen)
    given = asked.model(batch, asked.seen)
    named = given if isinstance(given, Mapping) else {IMAGE: given}
    arrays = {name: _plain(name, own) for name, own in named.items()}
    for name, own in arrays.items():
        _check_rows(name, own, len(rows))
    return arrays | {INDEX: rows, SEEN: np.full(len(rows), asked.seen)}


def _check_rows(name: str, array: np.ndarray, count: int) -> None:
    lead = _samples(name, array, count)
    if array.shape[lead : lead + 1] != (count,):
        raise ValueError(
            f"the model gives {name} of the shape {list(array.shape)} for a batch of {count} sequences: it has to be "
            f"[{count} …], or [S {count} …] with samples"
        )


def _hidden(batch: dict[str, torch.Tensor], seen: int) -> dict[str, torch.Tensor]:
    """A batch without what it shows from frame `seen` on, and with a mask of the frames that it shows."""
    observed = [name for name in HIDDEN if name in batch]
    for name in observed:
        batch[name][:, seen:] = 0
    first = batch[observed[0]]
    mask = batch.get(MASK, torch.ones(first.shape[:2], dtype=torch.bool, device=first.device)).clone()
    mask[:, seen:] = False
    return batch | {MASK: mask}


def _plain(name: str, value: Any) -> np.ndarray:
    """An array of the model as one of NumPy; of a type that NumPy lacks, as single precision."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        value = value.float() if value.dtype == torch.bfloat16 else value
        return value.numpy()
    if not isinstance(value, np.ndarray):
        raise ValueError(f"the model gives {name} as {type(value).__name__}, and it has to be an array or a tensor")
    return value


def _samples(name: str, array: np.ndarray, count: int) -> int:
    """Number of axes of samples before that of sequences, 0 or 1."""
    known = TABLE.get(name) or (info(name) if name.startswith(PARAMETER) else None)
    most = LOADED.get(name, len(known.axes.split()) if known else array.ndim)
    return int(array.ndim > most or (array.shape[:1] != (count,) and array.shape[1:2] == (count,)))


def _write(path: Path, parts: list[Arrays]) -> None:
    """Write the arrays of all batches one after the other; raises ValueError if they do not fit together."""
    columns = []
    for name, first in parts[0].items():
        lead = _samples(name, first, len(parts[0][INDEX]))
        rest = (first.dtype, first.shape[:lead], first.shape[lead + 1 :])
        arrays = [part.get(name) for part in parts]
        if any(own is None or (own.dtype, own.shape[:lead], own.shape[lead + 1 :]) != rest for own in arrays):
            raise ValueError(f"the model gives {name} of another type or shape in another batch, or not at all")
        count = sum(own.shape[lead] for own in arrays if own is not None)
        form = Form((*first.shape[:lead], count, *first.shape[lead + 1 :]), str(first.dtype))
        columns.append((name, form, _blocks(arrays, lead)))
    npz.write_columns(path, columns)


def _blocks(arrays: list[Any], lead: int) -> Iterator[np.ndarray]:
    """Rows in the order of a file: of each sample, all sequences."""
    if not lead:
        yield from arrays
        return
    for sample in range(len(arrays[0])):
        yield from (own[sample] for own in arrays)
