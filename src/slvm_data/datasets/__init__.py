"""The datasets, one file each; every file is also a script. To add a dataset to the package, add its name here."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

from slvm_data.core.named import Named
from slvm_data.core.names import MANIFEST
from slvm_data.datasets import dysts_flows
from slvm_data.recipe.bibliography import cited
from slvm_data.recipe.recipe import Recipe

NAMES = {
    "hamiltonian": (
        *("bouncingball", "gravity", "gravity3", "gravity6", "gravity16"),
        *("pendulum", "pendulum3", "mass_spring", "mass_spring3"),
        *("double_pendulum", "double_pendulum3", "two_body", "two_body3"),
        *("mixed_physics_iclr2023", "mixed_physics_iclr2025", "mixed_physics_iclr2025_readme"),
    ),
    "balls": (
        *("balls3_sutskever", "ball_monode", "balls3_msvi", "kvae_box", "kvae_box_gravity"),
        *("kvae_polygon", "kvae_pong", "pong_citris"),
        *("phyworld_uniform", "phyworld_parabola", "phyworld_collision"),
    ),
    "rods": (
        *("pendulum_cru", "pendulum_cru_regression", "pendulum_msvi", "pendulum_goku", "pendulum_hnn", "pendulum_nsv"),
        *("cartpole", "acrobot", "elastic_double_pendulum_nsv"),
    ),
    "generalisation": (
        *("pendulum_ood", "gravity16_gap", "double_pendulum_long", "two_body_ood", "mixed_physics_held_out"),
        *("pendulum_sdvae", "lotka_volterra_coda", "glycolytic_coda"),
    ),
    "worlds": (
        *("lotka_volterra_monode", "sine_monode", "lotka_volterra_sdvae", "driven_pendulum_geps"),
        *("van_der_pol", "fitzhugh_nagumo", "henon_heiles", "matching_pennies", "rock_paper_scissors"),
        *("matching_pennies_tiles", "rock_paper_scissors_tiles"),
    ),
    "networks": ("springs5_nri", "charged5_nri", "lennard_jones_4", "lennard_jones_16"),
    "fields": ("gray_scott_coda", "lambda_omega_nsv"),
    "switching": (
        *("nascar", "lorenz", "switching_double_pendulum", "three_mode", "bouncing_ball_1d"),
        *("switching_pendulum", "switching_mass_spring"),
        *("switching_cosine", "switching_cosine5", "switching_cosine8"),
    ),
    "suite": (
        *("mass_spring_colors", "pendulum_colors", "double_pendulum_colors", "two_body_colors", "three_body"),
        *("mass_spring_colors_friction", "pendulum_colors_friction", "double_pendulum_colors_friction"),
    ),
    "hgn": ("pendulum_hgn", "mass_spring_hgn", "two_body_hgn", "three_body_hgn"),
}
"""The datasets by family, in the order in which they are listed."""


SOURCES = {"dysts": dysts_flows}
"""Modules of datasets that are made when they are asked for, by SOURCE:NAME."""


class Recipes(Named[Recipe]):
    """Recipes by name; for a name that is none of them, the KeyError says which was probably meant.

    The file of a dataset is read when it is first asked for: all of them take a tenth of a second.
    """

    def __init__(self) -> None:
        late: list[tuple[str, Any]] = [(name, partial(_read, own, name)) for own in NAMES for name in NAMES[own]]
        super().__init__(late, {name: module.recipe for name, module in SOURCES.items()})

    def __getitem__(self, name: str) -> Recipe:
        found: Any = super().__getitem__(name)
        if isinstance(found, partial):
            self[name] = found = found()
        return found

    def __missing__(self, name: str) -> Recipe:
        if name not in self:
            raise KeyError(f"there is no dataset {name!r}; {suggestion(str(name))}")
        return super().__missing__(name)


def _read(family: str, name: str) -> Recipe:
    return import_module(f"slvm_data.datasets.{family}.{name}").RECIPE


RECIPES = Recipes()
"""Every dataset of this package, by name; those of a source by SOURCE:NAME."""


def chosen(family: str | None, system: str | None, paper: str | None) -> list[tuple[str, Recipe]]:
    """The datasets, each with its family: of one family, with one system, with a text in what they cite; None for any.

    Case does not matter. Raises ValueError if there is none, and names those that there are.
    """
    every = [(own, RECIPES[name]) for own, names in NAMES.items() for name in names]
    found = _with(every, "family", family, lambda own, _: [own])
    found = _with(found, "system", system, lambda _, recipe: [type(one).__name__ for one in recipe.tasks])
    found = [pair for pair in found if (paper or "").lower() in cited(pair[1].source).lower()]
    if not found:
        raise ValueError(f"no dataset of these has {paper!r} in its source or BibTeX, such as arXiv:2111.05458 or KVAE")
    return found


def _with(
    every: list[tuple[str, Recipe]], kind: str, wanted: str | None, words: Callable[[str, Recipe], list[str]]
) -> list[tuple[str, Recipe]]:
    """Those of the datasets that have the word that is wanted among theirs; None for any."""
    found = [pair for pair in every if wanted is None or wanted.lower() in map(str.lower, words(*pair))]
    if not found:
        known = dict.fromkeys(word for pair in every for word in sorted(words(*pair)))
        raise ValueError(f"no dataset has the {kind} {wanted!r}; there are {', '.join(known)}")
    return found


def suggestion(word: str) -> str:
    """A question with the name that was probably meant; if none is close, how to see all of them."""
    names = {_plain(name): name for name in RECIPES}
    near = difflib.get_close_matches(_plain(word), names, n=1, cutoff=0.75)
    return f"did you mean {names[near[0]]}?" if near else "`slvm-data list` shows all (a file of your own ends in .py)"


def _plain(word: str) -> str:
    """A name as people misspell it: without regard to case, spaces and dashes."""
    return "".join(letter for letter in word.lower() if letter.isalnum())


def standing(word: str) -> Path | None:
    """The folder that a word means: one that stands here is preferred to the dataset of this name, which is said.

    None if the word is to be the name of a dataset or file: there is no such folder, or it holds no dataset and a
    dataset has this name.
    """
    folder = Path(word)
    if not folder.is_dir():
        return None
    held = (folder / MANIFEST).is_file()
    if word in RECIPES:
        note = f"is shown; from another directory, {word} is the dataset of this name" if held else "holds no dataset"
        print(f"note: the folder {word} in this directory {note}", file=sys.stderr)
    return folder if held or word not in RECIPES else None
