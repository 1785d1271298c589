"""Every modifier against its rule, computed here from the clean frames and the truth that it stores."""

import dataclasses
import math
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from slvm_data import RECIPES, Uniform, View, sample
from slvm_data.core.draws import Draws, uniform_of_each, words_of_each
from slvm_data.core.fields import limits_of
from slvm_data.core.json_tree import from_json, to_json
from slvm_data.observe.modifiers import (
    Background,
    BitFlips,
    CameraWalk,
    Canvas,
    Clutter,
    CorrelatedNoise,
    Distractors,
    Emission,
    Light,
    Missing,
    MissingBlock,
    Modifier,
    Occluder,
    PixelNoise,
    Sector,
    SignalNoise,
    StateNoise,
    check_all,
)
from slvm_data.observe.presets import PRESETS, observations
from slvm_data.observe.render.style import background, hues

SIZE, STEPS, MANY = 14, 6, 5_000
OWN = [kind for kind in Modifier.members.values() if kind.__module__.startswith("slvm_data.")]  # pages define others
GREY = 87  # of the background, floor(255 · 0.343)
RGB = (81, 88, 93)
EVERY = {
    "missing": Missing(p=0.5, keep=2, fill=0.4),
    "block": MissingBlock(length=2, count=2, keep=1, fill=1.0),
    "light": Light(drift=0.9, cycles=1.5),
    "noise": CorrelatedNoise(r=0.4, clean=2),
    "quarters": CorrelatedNoise(r=0.4, clean=1, quarters=True),
    "flat": Background(kind="flat", level=Uniform(0.1, 0.9)),
    "gradient": Background(kind="gradient", level=Uniform(0.0, 1.0)),
    "texture": Background(kind="texture"),
    "moving": Background(kind="moving", speed=3.0),
    "bar": Occluder(width=0.3, level=1.0),
    "moving bar": Occluder(width=0.2, moving=True, speed=2.0),
    "sector": Sector(share=0.4),
    "sectors": Sector(share=0.5, count=3, level=1.0),
    "before": Distractors(n=3, radius=Uniform(0.1, 0.3), speed=2.0),
    "behind": Distractors(n=4, radius=Uniform(0.2, 0.4), front=False),
    "first behind": Distractors(n=3, radius=Uniform(0.2, 0.4), clean=3, shade=Uniform(0, 1)),
    "squares": Clutter(n=5, size=Uniform(0.1, 0.4)),
    "squares before": Clutter(n=2, size=Uniform(0.1, 0.4), level=0.6, front=True),
    "walk": CameraWalk(step=2, reach=4),
}
FOR_BINARY = ("missing", "block", "bar", "moving bar", "sector", "sectors", "before", "behind", "first behind",
              "squares", "squares before", "walk")  # fmt: skip
CASES = [
    (name, color) for name in EVERY for color in ("grey", "rgb", "binary") if color != "binary" or name in FOR_BINARY
]
PENDULUM = dataclasses.replace(RECIPES["pendulum"], steps=STEPS)


@cache
def clean(color):
    """Frames [3 T C H W] of a pendulum, the hue of each [3], and the times [T]."""
    palette = 3 if color == "rgb" else 1  # of these, each hue has one full channel
    recipe = dataclasses.replace(PENDULUM, view=View(size=SIZE, color=color, palette=palette), record=("color_index",))
    arrays = sample(recipe, index=slice(0, 3))
    hue = hues(recipe.style_of(0))[arrays["color_index"][:, 0]]
    return arrays["image"].reshape(3, STEPS, -1, SIZE, SIZE), hue, arrays["time"][0]


def canvas(color):
    levels = {"binary": (1, (0,)), "grey": (255, (GREY,)), "rgb": (255, RGB)}[color]
    return Canvas(*levels, {}, np.array([3, 4], np.uint32))


def draws(*numbers):
    return Draws(np.array(numbers, np.uint32))


def share_of_body(frames, color, hue):
    """Share m of each pixel [T 1 H W] that the body covers, from a channel that is full in its hue."""
    if color == "binary":
        return frames.astype(float)
    channel, level = (int(hue.argmax()), RGB[hue.argmax()]) if color == "rgb" else (0, GREY)
    return (frames[:, [channel]] - level) / (255 - level)


class Expected:
    """Unrounded frames by the rule of each modifier, pixel by pixel where that is simple."""

    def __init__(self, modifier, frames, truth, color, hue):
        self.m, self.p, self.t, self.color = modifier, frames.astype(float), truth, color
        self.top = 1 if color == "binary" else 255
        self.cover = share_of_body(frames, color, hue)
        self.b = np.array(canvas(color).background, float)[:, None, None]
        self.pixels = [(r, c) for r in range(SIZE) for c in range(SIZE)]

    def frames(self):
        return np.clip(getattr(self, self.m.name())(), 0, self.top)

    def missing(self):
        return np.where(self.t["mask"][:, None, None, None], self.p, round(self.m.fill * self.top))

    missing_block = missing

    def light(self):
        return np.clip(self.p * self.t["light"][:, None, None, None], 0, 255)

    def background(self):
        shifts = self.t.get("background_shift", np.zeros((STEPS, 2), int))
        new = np.stack([np.roll(self.t["background"], (down, right), (0, 1)) for right, down in shifts])[:, None]
        return self.p + (1 - self.cover) * (new - self.b)

    def occluder(self):
        out = self.p.copy()
        for t, first in enumerate(self.t["occluder"]):
            assert 0 <= first <= SIZE - round(self.m.width * SIZE)
            out[t, :, :, first : first + round(self.m.width * SIZE)] = self.m.level * self.top
        return out

    def sector(self):
        out = self.p.copy()
        for r, c in self.pixels:
            turn = np.angle(complex(c - (SIZE - 1) / 2, r - (SIZE - 1) / 2)) - float(self.t["sector"])
            if math.modf(turn / (2 * math.pi) * self.m.count + 10 * self.m.count)[0] < self.m.share:
                out[:, :, r, c] = self.m.level * self.top
        return out

    def over(self, things, before):
        """Things (cover [T H W], shade [C]) before or behind the body, by what the eye sees of each layer."""
        out = np.empty_like(self.p)
        for t in range(STEPS):
            if before[t]:
                out[t] = self.p[t]
                for cover, shade in things:
                    out[t] = (1 - cover[t]) * out[t] + cover[t] * shade[:, None, None]
                continue
            ground = self.b + np.zeros_like(self.p[t])
            for cover, shade in things:
                ground = (1 - cover[t]) * ground + cover[t] * shade[:, None, None]
            out[t] = self.p[t] - (1 - self.cover[t]) * self.b + (1 - self.cover[t]) * ground
        return out

    def distractors(self):
        places = self.t["distractors"].astype(float)
        shades = self.t["distractor_shade"].reshape(self.m.n, -1).astype(float)
        assert (np.hypot(0, places[..., 2]) <= np.minimum(places[..., 0], SIZE - places[..., 0]) + 1e-5).all()
        things = []
        for i in range(self.m.n):
            cover = np.zeros((STEPS, SIZE, SIZE))
            for t, (x, y, radius) in enumerate(places[:, i]):
                for r, c in self.pixels:
                    inside = 0.5 + radius - math.hypot(c + 0.5 - x, r + 0.5 - y)
                    cover[t, r, c] = inside >= 0.5 if self.top == 1 else min(1, max(0, inside))
            things.append((cover, shades[i]))
        return self.over(things, [self.m.front and t >= self.m.clean for t in range(STEPS)])

    def clutter(self):
        cover = np.zeros((STEPS, SIZE, SIZE))
        for x, y, side in self.t["clutter"]:
            assert min(x, y) >= 0
            assert max(x, y) + side <= SIZE
            cover[:, y : y + side, x : x + side] = 1
        return self.over([(cover, np.full(1, round(self.m.level * self.top)))], [self.m.front] * STEPS)

    def camera_walk(self):
        out = np.broadcast_to(self.b, self.p.shape).copy()
        for t, (right, up) in enumerate(self.t["camera_walk"]):
            for r, c in self.pixels:
                if 0 <= r + up < SIZE and 0 <= c + right < SIZE:
                    out[t, :, r + up, c + right] = self.p[t, :, r, c]
        return out


@pytest.mark.parametrize(("name", "color"), [case for case in CASES if case[0] not in ("noise", "quarters")])
def test_frames_follow_from_clean_frames_and_stored_truth(name, color, in_the_table):
    frames, hues_, time = clean(color)
    for i in range(len(frames)):
        seen, truth = EVERY[name].apply(frames[i].copy(), time, draws(i, 7), canvas(color))
        assert (seen.dtype, seen.shape) == (np.uint8, frames[i].shape)
        expected = Expected(EVERY[name], frames[i], truth, color, hues_[i]).frames()
        np.testing.assert_allclose(seen, expected, rtol=0, atol=0.5 + 2e-3)
        in_the_table({key: value[None] for key, value in truth.items()}, 1, STEPS)
        fixed = {"background_shift"} if name in ("flat", "gradient", "texture") else set()
        assert {*truth} == {*EVERY[name].recorded} - fixed


def test_the_background_of_a_canvas_is_that_of_frames():
    for color in ("binary", "grey", "rgb"):
        recipe = dataclasses.replace(PENDULUM, view=View(size=SIZE, color=color))
        own = canvas(color)
        assert background(recipe.style_of(0), color) == (own.top, own.background)
        assert (clean(color)[0][:, :, :, 0, 0] == own.background).all()


def test_things_behind_each_other_and_then_before():
    """A background, squares on it, a disc behind the body: as if they had been painted from behind to front."""
    frames, _, time = clean("grey")
    own = dataclasses.replace(canvas("grey"), clean=frames[0])
    seen, truths = frames[0].copy(), {}
    for k, one in enumerate((EVERY["gradient"], EVERY["squares"], EVERY["behind"])):
        seen, truth = one.apply(seen, time, draws(k, 1), own)
        truths |= truth
    ground = np.broadcast_to(truths["background"].astype(float), (STEPS, 1, SIZE, SIZE)).copy()
    for x, y, side in truths["clutter"]:
        ground[:, :, y : y + side, x : x + side] = 255
    r, c = np.arange(SIZE)[:, None] + 0.5, np.arange(SIZE) + 0.5
    for i, shade in enumerate(truths["distractor_shade"]):
        x, y, radius = truths["distractors"][:, i].T[:, :, None, None].astype(float)
        cover = np.clip(0.5 + radius - np.hypot(r - y, c - x), 0, 1)[:, None]
        ground = (1 - cover) * ground + cover * shade
    m = (frames[0] - GREY) / (255 - GREY)
    np.testing.assert_allclose(seen, frames[0] + (1 - m) * (ground - GREY), rtol=0, atol=2)  # rounded three times


# Noise


@pytest.mark.parametrize("n", [1, 3, 4, 5, 30, 257])
def test_streams_at_once_are_those_one_by_one(n):
    """NumPy's own Philox gives the same bits."""
    keys = np.random.default_rng(3).integers(0, 2**32, (40, 2), dtype=np.uint32)
    keys[:4] = [[0, 0], [0, 2**32 - 1], [2**32 - 1, 0], [2**32 - 1, 2**32 - 1]]
    np.testing.assert_array_equal(words_of_each(keys, n), [Draws(key).words(n) for key in keys])
    np.testing.assert_array_equal(uniform_of_each(keys, n), [Draws(key).uniform(n) for key in keys])


class Noted(Draws):
    """Draws that note what they gave."""

    def __init__(self, *numbers):
        super().__init__(np.array(numbers, np.uint32))
        self.noted = []

    def uniform(self, *shape, low=0.0, high=1.0):
        self.noted.append(super().uniform(*shape, low=low, high=high))
        return self.noted[-1]

    def shorts(self, n):
        self.noted.append(super().shorts(n))
        return self.noted[-1]


def reference_factor(start, steps, t1, t2, clean):
    """The factor of CRU's and RKN's noise, one number after the other."""
    f, factor = start, []
    for t in range(len(steps) + 1):
        if t:
            f = min(max(f + steps[t - 1], 0.0), 1.0)
        factor.append(1.0 if t < clean else min(max((f - t1) / (t2 - t1), 0.0), 1.0))
    return factor


@pytest.mark.parametrize(("preset", "quarters"), [("cru_regression", False), ("rkn_quarters", True)])
@pytest.mark.parametrize("color", ["grey", "rgb"])
def test_correlated_noise_is_that_of_cru_and_rkn(preset, quarters, color):
    (modifier,) = PRESETS[preset].observe
    frames, noted = np.repeat(clean(color)[0][0], 5, axis=0), Noted(5, 6)
    seen, truth = modifier.apply(frames.copy(), np.arange(len(frames)), noted, canvas(color))
    start, steps, t1, t2, noise = noted.noted
    assert abs(steps).max() <= 0.2
    assert t1.min() >= 0
    assert t1.max() <= 0.25
    assert t2.min() >= 0.75
    factor = np.transpose([reference_factor(start[0, q], steps[:, q], t1[q], t2[q], 5) for q in range(start.shape[1])])
    stored = truth["noise_factor"].reshape(factor.shape)
    assert truth["noise_factor"].shape == ((len(frames), 4) if quarters else (len(frames),))
    np.testing.assert_allclose(stored, factor, rtol=0, atol=1e-6)
    alpha, half = np.empty(frames.shape), SIZE // 2
    parts = slice(half), slice(half, None)
    for q, (rows, columns) in enumerate((r, c) for r in parts for c in parts):
        alpha[:, :, rows, columns] = factor[:, min(q, factor.shape[1] - 1), None, None, None]
    mixed = alpha * frames + (1 - alpha) * (noise.reshape(frames.shape) + 0.5) / 65536 * 255
    np.testing.assert_allclose(seen, mixed, rtol=0, atol=0.5 + 1e-3)
    assert (seen[:5] == frames[:5]).all()
    assert (seen != frames).any()


def test_factors_and_thresholds_over_many_sequences():
    """Steps that are not clipped are uniform, as is the start; what they are mixed with is uniform in 0 … 255."""
    plain = CorrelatedNoise(r=0.2, low=Uniform(0, 0), high=Uniform(1, 1), clean=0)  # α is f itself
    every = np.stack([plain.factor(12, 1, draws(i, 0))[:, 0] for i in range(MANY)]).astype(float)
    assert fits(every[:, 0], "uniform")
    inner = (every[:, :-1] >= 0.2) & (every[:, :-1] <= 0.8)  # from where no step is clipped
    assert fits(np.diff(every, axis=1)[inner], "uniform", -0.2, 0.4)
    dark = np.zeros((1, 1, 1, 1), np.uint8)
    only = CorrelatedNoise(low=Uniform(0.999, 0.9995), high=Uniform(1, 1), clean=0)  # α = 0, all is noise
    noise = [only.apply(dark, np.zeros(1), draws(i, 1), canvas("grey"))[0].item() for i in range(MANY)]
    assert fits(np.array(noise) + draws(1, 1).uniform(MANY, low=-0.5, high=0.5), "uniform", 0, 255)
    assert abs(np.mean(noise) - 127.5) < 4 * 255 / math.sqrt(12 * MANY)  # cut off to whole numbers, it would be 127


def test_pixel_noise_has_its_deviation_and_no_bias():
    grey, time = np.full((10, 1, 10, 10), 120, np.uint8), np.arange(10.0)
    for sigma in (0.02, 0.1):
        one = PixelNoise(sigma=sigma)
        every = np.stack([one.apply(grey, time, draws(i, 2), canvas("grey"))[0] for i in range(MANY // 10)])
        error, deviation = every.astype(float) - 120, 255 * sigma
        assert abs(error.mean()) < 4 * deviation / math.sqrt(error.size)
        assert error.var() == pytest.approx(deviation**2 + 1 / 12, rel=5 * math.sqrt(2 / error.size))  # of rounding
        smooth = error.ravel() + draws(8, 8).uniform(error.size, low=-0.5, high=0.5)
        assert fits(smooth[::10], "norm", 0, math.hypot(deviation, 12**-0.5))
    loud = PixelNoise(sigma=0.5)
    dark, bright = (loud.apply(0 * grey + np.uint8(v), time, draws(1, 2), canvas("grey"))[0] for v in (0, 255))
    assert abs((dark == 0).mean() - 0.5) < 0.08  # clipped, not wrapped
    assert abs((bright == 255).mean() - 0.5) < 0.08


def test_shares_of_missing_frames_and_flipped_pixels():
    frames, time = np.ones((20, 1, 2, 2), np.uint8), np.arange(20.0)
    one = Missing(p=0.3, keep=5)
    masks = [one.apply(frames.copy(), time, draws(i, 3), canvas("binary"))[1]["mask"] for i in range(MANY)]
    masks = np.stack(masks)
    assert masks[:, :5].all()
    assert within(~masks[:, 5:], 0.3)
    both = ~masks[:, 5:-1] & ~masks[:, 6:]  # neighbours are independent
    assert within(both[:, ::2], 0.09)
    flips = np.stack([BitFlips(p=0.02).apply(frames, time, draws(i, 4), canvas("binary"))[0] for i in range(MANY)])
    assert set(np.unique(flips)) == {0, 1}
    assert within(flips == 0, 0.02)


def fits(found, law, *numbers):
    """Whether a sample is of this law, by Kolmogorov and Smirnov."""
    return stats.kstest(found, law, args=numbers).pvalue > 1e-3


def within(found, p):
    """Whether the share of a sample is p, to four standard errors."""
    return abs(found.mean() - p) < 4 * math.sqrt(p * (1 - p) / found.size)


def test_blocks_of_missing_frames_have_their_length_and_every_place():
    frames, time = np.ones((9, 1, 1, 1), np.uint8), np.arange(9.0)
    block = MissingBlock(length=3, count=2, keep=1)
    masks = np.stack([block.apply(frames.copy(), time, draws(i, 5), canvas("binary"))[1]["mask"] for i in range(MANY)])
    assert masks[:, 0].all()
    assert ((~masks).sum(axis=1) == 6).all()
    kinds, counts = np.unique(masks, axis=0, return_counts=True)
    expected = [
        [not any(a <= t < a + 3 for a in (i, j)) for t in range(9)] for i in range(1, 7) for j in range(i + 3, 7)
    ]
    assert sorted(map(tuple, kinds.tolist())) == sorted(map(tuple, expected))
    assert stats.chisquare(counts).pvalue > 1e-3


def test_walks_lights_and_places_over_many_sequences():
    frames, time = np.zeros((5, 1, 8, 8), np.uint8), np.arange(5.0)
    found = {name: [] for name in ("camera_walk", "light", "sector", "occluder", "clutter")}
    for one in (CameraWalk(step=2, reach=50), Light(), Sector(), Occluder(), Clutter(n=1, size=Uniform(0.1, 0.1))):
        for i in range(2_000):
            found[one.recorded[0]].append(one.apply(frames, time, draws(i, 6), canvas("grey"))[1][one.recorded[0]])
    walk, light, sector, bar, square = (np.stack(found[name]) for name in found)
    assert not walk[:, 0].any()
    assert stats.chisquare(np.bincount((np.diff(walk, axis=1) + 2).ravel())).pvalue > 1e-3
    np.testing.assert_allclose(((light - 1) / 0.3)[:, [0, -1]].sum(axis=1), 0, atol=1e-5)  # half a cycle
    assert fits(np.arcsin(np.clip((light[:, 0] - 1) / 0.3, -1, 1)), "uniform", -math.pi / 2, math.pi)
    assert fits(sector, "uniform", 0, 2 * math.pi)
    assert (bar == bar[:, :1]).all()
    assert set(bar.ravel().tolist()) == set(range(7))
    assert stats.chisquare(np.bincount(square[:, 0, 0], minlength=8)).pvalue > 1e-3


def test_the_camera_stays_in_reach_and_discs_move_evenly_between_the_borders():
    frames, time = np.zeros((40, 1, 8, 8), np.uint8), np.linspace(0, 4, 40)
    _, truth = CameraWalk(step=1, reach=2).apply(frames, time, draws(1, 1), canvas("grey"))
    assert abs(truth["camera_walk"]).max() == 2
    _, truth = Distractors(n=6, speed=0.5).apply(frames, time, draws(1, 2), canvas("grey"))
    places = truth["distractors"].astype(float)
    pace = np.diff(places[..., :2], axis=0) / np.diff(time)[:, None, None]
    assert abs(pace).max() <= 0.5 * 8 + 1e-4
    fastest = abs(pace).max(axis=0)
    even = abs(abs(pace) - fastest) < 1e-3
    assert even.mean() > 0.9  # all but the steps in which a disc turns
    assert (np.sign(pace).min(axis=0) < np.sign(pace).max(axis=0)).any()
    assert (places[..., 2] == places[:1, :, 2]).all()


# Signals


@pytest.mark.parametrize("kind", ["linear", "mlp", "state"])
def test_emissions(kind):
    x = np.random.default_rng(0).normal(size=(9, 3)).astype(np.float32)
    own = dataclasses.replace(canvas("binary"), arrays={"state": x})
    one = Emission(kind=kind, channels=4)
    signal, stored = one.apply(np.zeros((0, 0), np.float32), np.arange(9.0), draws(0, 0), own)
    w = one.weights(3, own.shared)
    expected = {
        "linear": lambda: x.astype(float) @ w["emission_C"],
        "mlp": lambda: np.tanh(x.astype(float) @ w["emission_V"] + w["emission_b"]) @ w["emission_W"],
        "state": lambda: x,
    }[kind]()
    np.testing.assert_allclose(signal, expected, rtol=0, atol=1e-12)
    assert stored == {}
    assert signal.shape == (9, one.width(3))
    assert all(array.shape[0] in (3, 32) for array in w.values())
    big = Emission(kind=kind, channels=2_000).weights(3, own.shared)
    assert all(array.size < 100 or array.std() == pytest.approx(len(array) ** -0.5, rel=0.05) for array in big.values())


def test_noise_on_a_signal_is_gaussian_and_not_biased():
    signal = np.zeros((MANY, 3), np.float32)
    noise, stored = SignalNoise(sigma=0.05).apply(signal, np.arange(MANY), draws(0, 9), canvas("grey"))
    assert stored == {}
    assert fits(noise.ravel() / 0.05, "norm")
    for one in (Missing(p=0.5, fill=0.5), MissingBlock(fill=0.5)):
        seen, stored = one.apply(
            np.ones((30, 2), np.float32), np.arange(30), draws(0, 1), Canvas(1, (), {}, np.zeros(2))
        )
        assert (seen[stored["mask"]] == 1).all()
        assert (seen[~stored["mask"]] == 0.5).all()
        assert not stored["mask"].all()


# Text, JSON, mistakes


def values(field, kind):
    """Values that a field may have."""
    limits = limits_of(kind, field.name)
    low, high = max(limits.minimum, -50), min(limits.maximum, 50)
    if limits.choices:
        return st.sampled_from(limits.choices)
    if isinstance(field.default, bool):
        return st.booleans()
    if isinstance(field.default, int):
        return st.integers(int(low), int(high))
    numbers = st.floats(low, high)
    if isinstance(field.default, Uniform):
        return st.tuples(numbers, numbers).map(lambda ends: Uniform(min(ends), max(ends)))
    return numbers


def modifiers():
    def of(kind):
        return st.fixed_dictionaries({field.name: values(field, kind) for field in dataclasses.fields(kind)}).map(
            lambda given: (kind, given)
        )

    return st.sampled_from(OWN).flatmap(of)


@settings(max_examples=150)
@given(modifiers())
def test_text_and_json_give_the_same_modifier_again(made):
    kind, given_ = made
    if kind is CorrelatedNoise and given_["low"].high >= given_["high"].low:
        with pytest.raises(ValueError, match=r"low = .* has to end below the start of high"):
            kind(**given_)
        return
    one = kind(**given_)
    assert Modifier.parse(str(one)) == one
    assert from_json(Modifier, to_json(one), "observe") == one


PAGE = (Path(__file__).parents[2] / "docs/observation.md").read_text()


def test_the_page_has_every_modifier_with_its_defaults_and_every_preset():
    rows = {line.split("`")[1]: line for line in PAGE.splitlines() if line.startswith("| `")}
    for kind in OWN:
        row = rows[kind._form()]
        assert all(f"`{name}`" in row for name in kind.recorded), row
        assert ("b g" in row or "| b |" in row) == (
            kind.colors[0] == "binary" and kind.stage in ("frames", "state", "any")
        )
    for name, preset in PRESETS.items():
        assert f"`{name}`" in PAGE or (f"`{name[:-1]}1`" in PAGE and f"`_{name[-1]}`" in PAGE), name
        if len(preset.observe) == 1 and not name.startswith("robust"):
            row = next(line for line in PAGE.splitlines() if line.startswith(f"| `{name}`"))
            shown = re.search(r"`([a-z_]+\(.*?\))`", row)
            assert shown
            assert Modifier.parse(shown[1]) == preset.observe[0]


def test_every_kind_is_tested_here_and_says_what_it_does():
    tested = {type(one) for one in EVERY.values()} | {PixelNoise, BitFlips, StateNoise, SignalNoise, Emission}
    assert set(OWN) == tested
    assert all(kind.__doc__ and kind.apply.__doc__ for kind in tested)
    for name, kind in [(kind.name(), kind) for kind in tested]:
        assert str(kind()) == name
        assert Modifier.parse(f" {name} ( ) ") == kind()


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({}, "observe has to be an object of one modifier, by its name"),
        ({"missing": {}, "light": {}}, "observe has to be an object of one modifier"),
        ({"mising": {}}, "observe: modifier 'mising' is unknown; did you mean missing?"),
        ({"missing": 3}, "observe: 'missing' has to be an object, and is 3"),
        ({"missing": {"q": 1}}, "observe: missing has no option 'q'; it has p, keep, fill"),
        ({"missing": {"p": "x"}}, "observe: missing: p = 'x' has to be a number"),
        ({"distractors": {"radius": {"low": 1}}}, "distractors: radius = {'low': 1} has to be a range"),
        ({"distractors": {"radius": {"low": "a", "high": 1}}}, "observe: low = 'a' of a range has to be a number"),
    ],
)
def test_json_that_is_none(value, sentence):
    with pytest.raises(ValueError, match=sentence.replace("(", r"\(").replace("?", r"\?")):
        from_json(Modifier, value, "observe")


@pytest.mark.parametrize(
    ("observe", "colors", "signal", "sentence"),
    [
        (
            [PixelNoise()],
            ["binary"],
            False,
            "pixel_noise is for frames that are grey or rgb, not binary: choose --color",
        ),
        ([Light()], ["binary", "grey"], False, "light is for frames that are grey or rgb, not binary"),
        ([BitFlips()], ["grey"], False, "bit_flips is for frames that are binary, not grey: choose --color binary"),
        ([BitFlips()], [], True, "bit_flips changes frames, and there are none: choose --observation pixels"),
        ([StateNoise()], [], True, "state_noise changes frames, and there are none"),
        ([SignalNoise()], ["grey"], False, "signal_noise changes a signal, and there is none: put --observe 'emission"),
        ([SignalNoise(), Emission()], ["grey"], False, "signal_noise changes a signal, and there is none"),
        ([Missing(), Emission()], [], False, "missing changes a signal, and there is none"),
        ([Missing(p=1, keep=0)], ["grey"], False, "leaves no frame: choose p below 1, or keep above 0"),
        ([MissingBlock(length=3, count=4)], ["grey"], False, "leaves no frame of 12 steps: choose fewer or shorter"),
        ([MissingBlock(length=3, count=3, keep=4)], ["grey"], False, "leaves no frame of 12 steps"),
        ([Light(), Light()], ["grey"], False, "observe has two modifiers that store light: leave one out"),
        ([Emission(), Emission()], ["grey"], False, "observe has two modifiers that store signal"),
        ([PixelNoise(), Background()], ["grey"], False, "background goes behind the bodies: put it before pixel_noise"),
        ([Distractors(clean=2), Clutter()], ["grey"], False, r"clutter goes behind .* before distractors\(clean=2\)"),
    ],
)
def test_modifiers_that_do_not_fit(observe, colors, signal, sentence):
    with pytest.raises(ValueError, match=sentence):
        check_all(observe, 12, colors, signal)


def test_modifiers_that_fit():
    check_all([Background(), Clutter(), Distractors(), Missing(), MissingBlock(), PixelNoise()], 12, ["grey"], False)
    check_all([StateNoise(), Emission(), SignalNoise(), Missing(), BitFlips()], 12, ["binary"], False)
    check_all([SignalNoise(), Missing()], 12, [], True)


@pytest.mark.parametrize("name", PRESETS)
def test_presets_fit_what_they_are_for(name):
    preset = PRESETS[name]
    assert preset.source
    assert observations([name]) == {**dict(preset.fields), "observe": preset.observe}
    color = dict(preset.fields).get("color", "binary")
    dataclasses.replace(PENDULUM, steps=30, view=View(color=color), observe=(Emission(), *preset.observe))
    assert all(Modifier.parse(str(one)) == one for one in preset.observe)


def test_words_of_several_presets_and_modifiers_are_put_together():
    found = observations(["tracking", "missing(p=0.1)", "cru_regression"])
    assert [one.name() for one in found["observe"]] == ["distractors", "missing", "correlated_noise"]
    assert found["color"] == "grey"  # the last word counts
    with pytest.raises(ValueError, match="unknown; did you mean cru_interpolation"):
        observations(["cru_interpolaton"])
    with pytest.raises(ValueError, match="modifier 'misssing' is unknown; did you mean missing"):
        observations(["misssing"])
