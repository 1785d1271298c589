"""The certificate as a page shows it, and how many pixels are lit."""

from __future__ import annotations

from typing import Any

import numpy as np

from slvm_data.core.types import SPLITS
from slvm_data.recipe.recipe import Recipe
from slvm_data.simulation.batch import make, prepare
from slvm_data.simulation.certificate import Tally, certify
from slvm_data.view.dataset import Films

FIRST = 64  # sequences that are measured: of frames, and of a recipe that has no certificate
PIXELS = 2**25  # of frames that are measured, at most
BINS = 16
MEASURED = "As it stands in the manifest: measured on the sequences themselves when they were made."
NOW = f"Measured now, on the first {FIRST} sequences of each task."
ONE_PATH = "Measured now, on the first path of each task."


def quality(films: Films) -> dict[str, Any]:
    """The certificate of each task, as the manifest has it, or of the first films of a recipe; and lit pixels."""
    tasks = range(len(films.recipe.tasks))
    entries = films.content["certificate"] if films.content else [_measured(films.recipe, task) for task in tasks]
    return {
        "entries": entries,
        "measured": MEASURED if films.content else ONE_PATH if films.recipe.windows else NOW,
        "lit": [_lit(films, task) for task in tasks] if films.recipe.view_of(0).kind == "pixels" else [],
    }


def _measured(recipe: Recipe, task: int) -> dict[str, Any]:
    split, tally = _split(recipe), Tally(recipe.tasks[task])
    count = 1 if recipe.windows else min(FIRST, recipe.count(split))
    tally.add(make(recipe, task, split, prepare(recipe, task, split), np.arange(count)))
    return certify(recipe, task, tally)


def _lit(films: Films, task: int) -> dict[str, Any]:
    """How many pixels are lit in a frame, as a histogram over the frames of the first sequences."""
    split, recipe = _split(films.recipe), films.recipe
    length = recipe.windows.length if recipe.windows else recipe.steps
    most = max(1, PIXELS // (length * recipe.view_of(task).size ** 2))
    count = min(FIRST, most, films.count(task, split))
    frames = films.rows(task, split, range(count))["image"]
    lit = np.count_nonzero(frames.max(axis=2) if frames.ndim == 5 else frames, axis=(2, 3)).ravel()
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


def _split(recipe: Recipe) -> str:
    return next(split for split in SPLITS if recipe.count(split))
