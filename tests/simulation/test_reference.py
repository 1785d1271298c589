"""`render` and the contact rule against reference files: frames byte for byte and bit for bit.

They were written by the generators that the benchmarks are usually made with. The environment variable SLVM_GOLDEN may
name a folder with more of them.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from slvm_data import BallBox, DoublePendulum, MassSpring, Pendulum, TwoBody, render, simulate, uniform
from slvm_data.observe.render import debug

GOLDEN = Path(__file__).parents[1] / "golden"
FOLDERS = [GOLDEN, *map(Path, filter(None, [os.environ.get("SLVM_GOLDEN")]))]
if empty := [folder for folder in FOLDERS if not any(folder.glob("*.npz"))]:  # else nothing would be compared
    raise FileNotFoundError(f"{empty[0]} holds no reference files")
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("dm_*.npz"))]
BALLS = [path for folder in FOLDERS for path in sorted([*folder.glob("bouncing*.npz"), *folder.glob("gravity*.npz")])]
RASTERS = [folder / "raster_radius3.npz" for folder in FOLDERS]

POPULATIONS = {  # with the ranges that decide the canvas
    "dm_pendulum": Pendulum(m=0.5, l=1.0),
    "dm_mixed2023_pendulum_05": Pendulum(m=0.5, l=uniform(0.5, 1.0)),
    "dm_mass_spring_1k": MassSpring(m=uniform(0.4, 1.0)),
    "dm_double_pendulum": DoublePendulum(m=uniform(0.4, 0.6), l=uniform(0.75, 1.0)),
    "dm_two_body": TwoBody(m=uniform(0.5, 1.5), half_width=5.0),
}


def name(path):
    return f"{path.parent.name}-{path.stem}-{path.parent.parent.name}"


def parameters(data, i):
    """Parameters of trajectory i; those of two bodies stand under two names in some files."""
    found = {}
    for key in filter(lambda key: key.startswith("param_"), data):
        name = key.removeprefix("param_").removesuffix("_1").removesuffix("_2")
        found.setdefault(name, []).append(data[key][i])
    return {name: np.concatenate([np.atleast_1d(v) for v in values]).squeeze() for name, values in found.items()}


def test_every_kind_of_reference_is_there():
    """In the folder of this repository."""
    kinds = {*POPULATIONS, "bouncingball", "gravity_dir00", "gravity_dir04", "raster_radius3"}
    assert {path.stem for path in GOLDEN.glob("*.npz")} == kinds
    assert kinds <= {path.stem for path in (*FILES, *BALLS, *RASTERS)}


@pytest.mark.parametrize("path", FILES, ids=name)
def test_frames_are_those_of_the_reference(path):
    data = dict(np.load(path, allow_pickle=False))
    shape = tuple(data["image_bin_shape"])
    bits = np.unpackbits(data["image_bin"])[: np.prod(shape)].reshape(shape)
    population, (_, half), (_, full) = POPULATIONS[path.stem], data["canvas_bounds"], data["full_canvas_bounds"]
    assert population.extent() == pytest.approx(half, abs=1e-12)
    for i, states in enumerate(data["x"]):
        seen = {"jitter": full / half - 1, "palette": int(data["num_colors"]), "colors": data["color_index"][i]}
        seen["offset"] = np.broadcast_to(data["offset"][i], 2)
        frames = render(population, parameters(data, i), states, **seen)
        np.testing.assert_array_equal(frames, data["image_u8"][i])
        binary = render(population, parameters(data, i), states, color="binary", **seen)
        if binary.ndim == 3:
            assert not bits[i][..., 1:].any()
            np.testing.assert_array_equal(binary, bits[i][..., 0])
        else:
            np.testing.assert_array_equal(binary, bits[i].transpose(0, 3, 1, 2))


@pytest.mark.parametrize("path", BALLS, ids=name)
def test_balls_are_those_of_the_reference(path):
    """States by the contact rule to 1e-5, frames and their colours exactly, and which sequences are dropped."""
    data = dict(np.load(path, allow_pickle=False))
    ball = BallBox(g=tuple(data["gravity"].tolist()), margin=float(data["dd"]), motion="contact")
    for i in range(len(data["state64"])):
        start = np.concatenate([data["init_pos"][i], data["init_vel"][i]])
        states = simulate(ball, {}, start, np.arange(31) * float(data["dt"]))
        np.testing.assert_allclose(states[1:], data["state64"][i], atol=1e-5)
        drawn = np.concatenate([start[None], data["state64"][i]])[:-1]
        expected = data["image_code_values"][data["image_code"][i]]
        frames = render(ball, {}, drawn, style="debug")
        np.testing.assert_array_equal(frames @ np.array([2**16, 2**8, 1]), expected)
        binary = render(ball, {}, drawn, style="debug", color="binary")
        np.testing.assert_array_equal(binary, expected > 0)
        assert data["bad"][i] == (binary.reshape(30, -1).sum(axis=1) == 0).any()


@pytest.mark.parametrize("path", RASTERS, ids=name)
@pytest.mark.parametrize("kind", ["subpixel", "wide"])
def test_one_ball_is_drawn_as_in_the_reference(path, kind):
    data = dict(np.load(path, allow_pickle=False))
    for i, centre in enumerate(data[f"{kind}_centres_xy"]):
        body = debug.body(centre, 32)
        lined = debug.line(body, centre)
        shown = [body, lined, debug.walls(lined, 0.0), debug.walls(lined, 2.0)]
        names = ("disc_only", "debugdraw_nowalls", "debugdraw_walls_dd0", "debugdraw_walls_dd2")
        for codes, stage in zip(shown, names, strict=True):
            np.testing.assert_array_equal(np.asarray(codes) > 0, data[f"{kind}_{stage}"][i] > 0)
