"""Small datasets with forecasts of them."""

import dataclasses

import numpy as np
import pytest

from slvm_data import RECIPES, Split, View, generate, uniform
from slvm_data.metrics import probes
from slvm_data.observe.modifiers import Missing

T, ROUNDS = 8, 10
SETS = {
    "pendulum": {},
    "mass_spring": {"test": 40},
    "pendulum3": {"tasks": RECIPES["pendulum3"].tasks[:2]},
    "nascar": {"steps": 3000, "train": 20, "test": 30},
    "gaps": {"observe": (Missing(p=0.4, keep=2),)},
    "clean": {"observe": (Missing(p=0.4, keep=2),), "record": ("clean",)},
    "named": {"splits": {"long": Split(count=4, steps=12), "far": Split(count=5, change={"g": uniform(9.0, 9.5)})}},
    "grey": {"view": View(color="grey", size=16)},
}


@pytest.fixture(autouse=True)
def quick_probes(monkeypatch):
    """Few rounds of the small network: its quality is tested with the metrics."""
    monkeypatch.setattr(probes, "ROUNDS", ROUNDS)


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """The folder of a small dataset, by its name in `SETS`."""
    place, done = tmp_path_factory.mktemp("sets"), {}

    def make(name):
        if name not in done:
            base = RECIPES[name if name in RECIPES else "pendulum"]
            recipe = dataclasses.replace(base, **{"train": 2, "val": 6, "test": 9, "steps": T} | SETS[name])
            done[name] = generate(recipe, place / name)
        return done[name]

    return make


@pytest.fixture(scope="session")
def stored(made):
    """The arrays of a split of a small dataset, of its first task."""

    def read(name, split="test"):
        with np.load(min(made(name).rglob(f"{split}.npz")), allow_pickle=False) as data:
            return dict(data)

    return read


@pytest.fixture(scope="session")
def noisy(stored):
    """A forecast that is somewhat wrong in every array, as a model would give it."""

    def make(name, split="test", seed=0):
        rng, truth = np.random.default_rng(seed), stored(name, split)
        state = truth.get("state", truth.get("latents"))
        found = {"latent": np.concatenate([np.sin(state), state**2, rng.normal(size=(*state.shape[:2], 3))], axis=2)}
        if "image" in truth:
            image = truth["image"] / truth["image"].max()
            found["image"] = (0.8 * np.roll(image, 1, axis=1) + 0.1 * rng.random(image.shape)).astype(np.float32)
        if "state" in truth:
            found["state"] = (state + rng.normal(0, 0.2, state.shape)).astype(np.float32)
        if "queries" in truth:
            found["signal"] = (truth["queries"] + rng.normal(0, 0.1, truth["queries"].shape)).astype(np.float32)
        if "labels" in truth:
            found["regime"] = np.roll(truth["labels"], 1, axis=1) + 3
        return found | {name: own + 0.1 for name, own in truth.items() if name.startswith("param_")}

    return make
