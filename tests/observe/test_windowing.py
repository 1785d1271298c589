"""Windows against loops written by hand, and the promise that no split sees a frame of another."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slvm_data import RECIPES, Recipe, Windowing
from slvm_data.core.types import SPLITS
from slvm_data.recipe.overrides import override

shapes = st.builds(
    Windowing,
    length=st.integers(1, 9),
    stride=st.integers(1, 5),
    contexts=st.integers(0, 4),
    spacing=st.integers(1, 12),
    segment=st.sampled_from([0, 0, 30, 64]),
    shares=st.sampled_from([(0.8, 0.1, 0.1), (0.5, 0.5, 0.0), (0.2, 0.4, 0.4)]),
    gap=st.integers(0, 40),
    separate=st.booleans(),
)


def frames(windows, start):
    """Every frame that the window whose query begins at `start` needs, by the description of section and figure."""
    query = list(range(start, start + windows.length))
    last = start - windows.length  # of the contexts, ends right before the query
    context = [
        list(range(last - i * windows.spacing, last - i * windows.spacing + windows.length))
        for i in reversed(range(windows.contexts))
    ]
    return query, context


@settings(max_examples=300)
@given(windows=shapes, steps=st.integers(1, 400))
def test_parts_and_starts(windows, steps):
    seen = {}
    for split in SPLITS:
        starts, part = windows.starts(split, steps), windows.part(split, steps)
        assert list(starts) == sorted(set(starts))
        shown = set()
        for start in starts:
            query, context = frames(windows, start)
            every = {*query, *(frame for window in context for frame in window)}
            assert min(every) >= max(0, part.start)
            assert max(every) < min(part.stop, steps)
            assert not windows.segment or len({frame // windows.segment for frame in (min(every), max(every))}) == 1
            assert every == {start + offset for offset in windows.offsets()}
            shown |= every
        seen[split] = shown
    if not windows.separate:
        assert not (seen["train"] & seen["val"] | seen["train"] & seen["test"] | seen["val"] & seen["test"])
        for early, late in (("train", "val"), ("val", "test"), ("train", "test")):
            if seen[early] and seen[late]:
                assert min(seen[late]) - max(seen[early]) > windows.gap


@given(windows=shapes, steps=st.integers(60, 300))
def test_every_place_is_used(windows, steps):
    """Stride 1, one segment: a window begins wherever one fits; with a stride, from the first of these on."""
    windows = dataclasses.replace(windows, stride=1, segment=0)
    for split in SPLITS:
        strided = dataclasses.replace(windows, stride=7).starts(split, steps)
        np.testing.assert_array_equal(strided, windows.starts(split, steps)[::7])
        part = windows.part(split, steps)
        fits = [
            start
            for start in range(steps)
            if start - windows.lead >= part.start and start + windows.length <= part.stop
        ]
        assert list(windows.starts(split, steps)) == fits


@settings(max_examples=50)
@given(windows=shapes)
def test_cut_by_hand(windows):
    rng = np.random.default_rng(0)
    trajectories = {
        "signal": rng.normal(size=(3, 200, 2)),
        "latent": rng.normal(size=(3, 200, 4)),
        "mode": rng.integers(0, 5, (3, 200)),
        "state": rng.normal(size=(3, 200, 5)),
        "image": rng.integers(0, 2, (3, 200, 2, 2)),
        "energy": rng.normal(size=(3, 200)),
    }
    row, start = np.array([2, 0, 2, 1]), np.array([190, 150, 60, 150])
    found = windows.cut(trajectories, row, start)
    assert list(found) == ["image", "domain_image", "queries", "domains", "labels", "latents", "energy"]
    for i in range(4):
        query, context = frames(windows, start[i])
        names = {"queries": "signal", "latents": "latent", "labels": "mode", "image": "image", "energy": "energy"}
        for name, array in names.items():
            np.testing.assert_array_equal(found[name][i], trajectories[array][row[i]][query])
        assert found["domains"].shape == (4, windows.contexts, windows.length, 2)
        for j, window in enumerate(context):
            np.testing.assert_array_equal(found["domains"][i, j], trajectories["signal"][row[i]][window])
            np.testing.assert_array_equal(found["domain_image"][i, j], trajectories["image"][row[i]][window])


def test_as_the_original_scripts_place_them():
    """Query at i; contexts at i-9, i-8, i-7."""
    assert frames(Windowing(), 9) == ([*range(9, 16)], [[*range(7)], [*range(1, 8)], [*range(2, 9)]])
    assert Windowing(separate=True).starts("train", 10_000)[0] == 9


def test_trajectories_are_shared_out():
    windows = Windowing(shares=(0.8, 0.1, 0.1))
    assert windows.shared_out(3) == {"train": 1, "val": 1, "test": 1}
    assert windows.shared_out(100) == {"train": 80, "val": 10, "test": 10}
    for shares in ((0.0, 0.5, 0.5), (0.1, 0.45, 0.45), (1.0, 0.0, 0.0), (1 / 3, 1 / 3, 1 / 3)):
        for trajectories in range(3, 20):
            found = Windowing(shares=shares).shared_out(trajectories)
            assert sum(found.values()) == trajectories
            assert min(found.values()) >= 1
    assert hash(Windowing(shares=[0.8, 0.1, 0.1])) == hash(windows)
    with pytest.raises(ValueError, match="trajectories = 2 has to be at least 3"):
        windows.shared_out(2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"length": 0}, "length = 0"),
        ({"stride": 0}, "stride = 0"),
        ({"contexts": -1}, "contexts = -1"),
        ({"spacing": 1.5}, "spacing = 1.5"),
        ({"gap": True}, "gap = True"),
        ({"shares": (0.5, 0.5)}, "shares"),
        ({"shares": (0.5, 0.6, -0.1)}, "shares"),
        ({"shares": (0.5, 0.5, 0.5)}, "sum is 1"),
        ({"shares": (np.nan, 0.5, 0.5)}, "shares"),
        ({"shares": 0.5}, "shares"),
        ({"shares": ("a", "b", "c")}, "shares"),
        ({"separate": "no"}, "separate = 'no' has to be True or False"),
    ],
)
def test_impossible_windows_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Windowing(**change)


def test_recipes_whose_windows_do_not_fit_are_refused():
    nascar = RECIPES["nascar"]
    with pytest.raises(
        ValueError, match=r"train = 8000 windows do not fit .* 2000 steps: .* 16 frames.*at most there are train 1461"
    ):
        dataclasses.replace(nascar, steps=2_000)
    with pytest.raises(ValueError, match="test = 900 windows do not fit"):
        dataclasses.replace(nascar, test=900)
    with pytest.raises(ValueError, match="windows are cut from the signals of switching systems"):
        dataclasses.replace(RECIPES["pendulum"], windows=Windowing())
    with pytest.raises(ValueError, match="steps = 1000000000 are more than"):
        dataclasses.replace(nascar, steps=10**9)
    with pytest.raises(ValueError, match="no training part to normalise by"):
        dataclasses.replace(RECIPES["lorenz"], train=0, windows=Windowing(shares=(0.0, 0.5, 0.5)))
    with pytest.raises(ValueError, match="trajectories = 10000000 have more than 4294967295 windows"):
        override(nascar, (), {"trajectories": 10**7})
    with pytest.raises(ValueError, match=r"val = 500 windows do not fit .* 100 steps"):
        dataclasses.replace(RECIPES["three_mode"], steps=100, train=0)
    with pytest.raises(
        ValueError, match="observation = signals: Pendulum has no signal of its own: add --observe 'emission"
    ):
        override(RECIPES["pendulum"], (), {"observation": "signals"})


def counts(recipe: Recipe) -> tuple[int, ...]:
    return tuple(map(recipe.count, SPLITS))


def test_counts_follow_what_is_cut():
    nascar, three = RECIPES["nascar"], RECIPES["three_mode"]
    assert counts(override(nascar, (), {"seed": 3})) == (8_000, 850, 850)
    assert counts(override(nascar, (), {"train": 10})) == (10, 850, 850)
    assert counts(override(nascar, (), {"steps": 2_000})) == (1_461, 147, 147)
    assert counts(override(nascar, (), {"steps": 2_000, "val": 3})) == (1_461, 3, 147)
    assert counts(override(nascar, (), {"steps": 20_000})) == (8_000, 850, 850)
    assert counts(override(nascar, (), {"series": True, "gap": 100})) == (8_000, 850, 850)
    assert counts(override(nascar, (), {"length": 20, "stride": 10})) == (800, 85, 85)
    assert counts(override(nascar, (), {"trajectories": 10})) == (8 * 9_985, 9_985, 9_985)
    assert counts(override(nascar, (), {"train": 5, "trajectories": 3, "series": True})) == (5, 9_985, 9_985)
    assert counts(override(three, (), {"steps": 400})) == (10_000, 500, 500)
    assert counts(override(three, (), {"trajectories": 100})) == (80, 10, 10)
    with pytest.raises(ValueError, match=r"steps = 300 leave no window for val: one takes 16 frames .*--val 0"):
        override(nascar, (), {"steps": 300})
    assert counts(override(nascar, (), {"steps": 300, "val": 0, "test": 0})) == (67, 0, 0)
    with pytest.raises(ValueError, match="pendulum has whole trajectories, not windows: leave --window out"):
        override(RECIPES["pendulum"], (), {"length": 3})
