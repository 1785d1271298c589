"""The validation report of a page: the certificate, and how many pixels are lit."""

from __future__ import annotations

from typing import Any

import numpy as np

from slvm_data.core.json_tree import to_json
from slvm_data.observe.render.style import LIT
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation.batch import make, prepare
from slvm_data.simulation.certificate import Tally, certify
from slvm_data.store.manifest import Certificate
from slvm_data.view.dataset import Dataset

FIRST = 64  # sequences that are measured: for lit pixels, and for a recipe, which has no certificate yet
PIXELS = 2**25  # of frames that are measured, at most
BINS = 16
MEASURED = "From dataset.json: measured when the sequences were generated."
NOW = f"Measured now, on the first {FIRST} sequences of each task."
ONE = "Measured now, on the first trajectory of each task."


def report(dataset: Dataset) -> dict[str, Any]:
    """The certificate of each task, from the manifest or measured on first sequences of a recipe; and lit pixels."""
    tasks = range(len(dataset.recipe.tasks))
    content = dataset.content
    entries = content.certificate if content else [_measured(dataset.recipe, task) for task in tasks]
    return {
        "entries": [_plain(entry) for entry in entries],
        "measured": MEASURED if content else ONE if dataset.recipe.windows else NOW,
        "lit": [_lit(dataset, task) for task in tasks] if dataset.recipe.has_frames() else [],
    }


def _plain(entry: Certificate) -> dict[str, Any]:
    """A certificate as JSON values; a missing value is null."""
    plain = {"substeps": None, "error": None, "horizon": None, "energy_drift": None, "regimes": None} | to_json(entry)
    if plain["regimes"]:
        plain["regimes"] = {"signal_to_noise_db": None, "leakage": None} | plain["regimes"]
    return plain


def _measured(recipe: Recipe, task: int) -> Certificate:
    split, tally = recipe.splits()[0], Tally(recipe.tasks[task])
    count = 1 if recipe.windows else min(FIRST, recipe.count(split))
    tally.add(make(recipe, task, split, prepare(recipe, task, split), np.arange(count)))
    return certify(recipe, task, tally)


def _lit(dataset: Dataset, task: int) -> dict[str, Any]:
    """How many pixels are lit in a frame, as a histogram over the frames of the first sequences, without modifiers.

    Of a folder that does not keep the frames without modifiers, those with them.
    """
    recipe = dataset.recipe
    split = recipe.splits()[0]
    most = max(1, PIXELS // (recipe.length() * recipe.view_of(task).size ** 2))
    count = min(FIRST, most, dataset.count(task, split))
    rows = dataset.rows(task, split, range(count))
    frames = rows.get("clean", rows["image"]) >= _least(recipe, task)
    lit = np.count_nonzero(frames.any(axis=2) if frames.ndim == 5 else frames, axis=(2, 3)).ravel()
    low, high = int(lit.min()), int(lit.max())
    width = max(1, -(-(high - low + 1) // BINS))
    counts = np.bincount((lit - low) // width)
    return {
        "sequences": count,
        "low": low,
        "width": width,
        "counts": counts.tolist(),
        "pixels": recipe.view_of(task).size ** 2,
    }


def _least(recipe: Recipe, task: int) -> int:
    """The least number of a pixel that is lit: in frames of shades, one that would be 1 in a binary frame."""
    return 1 if recipe.view_of(task).binary else LIT.get(recipe.style_of(task).name, 1)
