"""Frames that are missing: as in the file, zeros or NaN, in every loader."""

import dataclasses

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from slvm_data import RECIPES, View, generate
from slvm_data.load import Episodes, EpisodeSampler, Sequences, Stream, Windows
from slvm_data.observe.modifiers import Emission, Missing

VALUES = {"keep": None, "zero": 0.0, "nan": float("nan")}
GAPS = (Missing(p=0.5, keep=1, fill=0.5),)


@pytest.fixture(scope="module")
def recipe():
    sizes = {"train": 8, "val": 1, "test": 1, "steps": 4, "view": View(size=8, color="grey")}
    tasks = RECIPES["pendulum3"].tasks[:2]
    return dataclasses.replace(RECIPES["pendulum3"], tasks=tasks, observe=GAPS, record=("clean",), **sizes)


@pytest.fixture(scope="module", params=["npz", "zarr"])
def folder(request, recipe, tmp_path_factory):
    return generate(recipe, tmp_path_factory.mktemp("gaps") / "set", format=request.param)


def expected(image, mask, missing):
    found = image.clone()
    if missing != "keep":
        found[~mask] = VALUES[missing]
    return found


@pytest.mark.parametrize("missing", VALUES)
@pytest.mark.parametrize("fields", [None, ("image",), ("clean", "image")])
def test_sequences(folder, missing, fields):
    plain, own = Sequences(folder)[:], Sequences(folder, missing=missing, fields=fields)
    assert 0 < (~plain["mask"]).float().mean() < 1
    assert (plain["image"][~plain["mask"]] == round(0.5 * 255) / 255).all()
    image = expected(plain["image"], plain["mask"], missing)
    single = [torch.stack(column) for column in zip(*own, strict=True)] if fields else own[:]
    for batch in (own[:], next(iter(DataLoader(own, batch_size=16))), single):
        found = batch if fields is None else dict(zip(fields, batch, strict=True))
        np.testing.assert_array_equal(found["image"], image)
        if fields != ("image",):
            np.testing.assert_array_equal(found["clean"], plain["clean"])


def test_windows_of_frames(folder):
    plain, own = (Sequences(folder, window=2, missing=missing)[:] for missing in ("keep", "nan"))
    np.testing.assert_array_equal(own["image"], expected(plain["image"], plain["mask"], "nan"))


def test_episodes(folder):
    sets = [Episodes(folder, context=3, missing=missing) for missing in ("keep", "zero")]
    for plain, own in zip(*(DataLoader(s, batch_sampler=EpisodeSampler(s, 4, steps=2)) for s in sets), strict=True):
        for prefix in ("", "context_"):
            image = expected(plain[f"{prefix}image"], plain[f"{prefix}mask"], "zero")
            np.testing.assert_array_equal(own[f"{prefix}image"], image)
    (image,) = Episodes(folder, context=3, missing="nan", fields=("context_image",))[0]
    assert image.isnan().any()


@pytest.mark.usefixtures("streams_as_files")
def test_the_stream_is_the_file(folder, recipe):
    first = next(iter(Stream(recipe, batch=16, missing="nan")))
    rows = torch.tensor([8 * (i % 2) + i // 2 for i in range(16)])
    for name in ("image", "clean", "mask"):
        np.testing.assert_array_equal(first[name], Sequences(folder, missing="nan")[rows][name])


@pytest.mark.parametrize(("observation", "name"), [("pixels", "image"), ("signals", "queries")])
def test_windows_with_context(tmp_path, observation, name):
    recipe = dataclasses.replace(RECIPES["nascar"], train=20, val=2, test=2, steps=400, observation=observation)
    recipe = dataclasses.replace(recipe, observe=(Missing(p=0.5, keep=0),))
    folder = generate(recipe, tmp_path / "windows")
    plain, own = (Windows(folder, missing=missing)[:] for missing in ("keep", "nan"))
    assert plain["mask"].shape == plain[name].shape[:2]
    np.testing.assert_array_equal(own[name], expected(plain[name], plain["mask"], "nan"))


@pytest.mark.usefixtures("streams_as_files")
def test_signals_of_whole_trajectories(recipe, tmp_path):
    """In the file, in an item's context, and in the stream."""
    recipe = dataclasses.replace(recipe, observation="signals", observe=(Emission(channels=3), *GAPS))
    folder = generate(recipe, tmp_path / "signals")
    plain, own = (Sequences(folder, missing=missing)[:] for missing in ("keep", "nan"))
    wanted = expected(plain["signal"], plain["mask"], "nan")
    assert wanted.isnan().any()
    np.testing.assert_array_equal(own["signal"], wanted)
    np.testing.assert_array_equal(own["clean_signal"], plain["clean_signal"])
    episode = Episodes(folder, context=3, missing="nan")[0]
    np.testing.assert_array_equal(episode["context_signal"].isnan().all(dim=-1), ~episode["context_mask"])
    first = next(iter(Stream(recipe, batch=16, missing="nan")))
    np.testing.assert_array_equal(first["signal"].isnan().all(dim=-1), ~first["mask"])


def test_what_cannot_be_asked(folder, pendulums, recipe):
    with pytest.raises(ValueError, match=r"missing = 'none' has to be one of keep, zero, nan"):
        Sequences(folder, missing="none")
    plain = dataclasses.replace(recipe, observe=(), record=())
    for make in (lambda: Sequences(pendulums, missing="nan"), lambda: Stream(plain, missing="nan")):
        with pytest.raises(ValueError, match=r"missing = 'nan' needs the array mask, and .* has none"):
            make()
