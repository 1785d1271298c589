"""`render` meets frames of the generators that the benchmarks are usually made with, byte for byte and bit for bit.

The environment variable SLVM_GOLDEN may name a folder with more of such files.
"""

import os
from pathlib import Path

import numpy as np
import pytest

from slvm_data import DoublePendulum, MassSpring, Pendulum, TwoBody, render, uniform

FOLDERS = [Path(__file__).parent / "golden", *map(Path, filter(None, [os.environ.get("SLVM_GOLDEN")]))]
FILES = [path for folder in FOLDERS for path in sorted(folder.glob("dm_*.npz"))]

POPULATIONS = {  # with the ranges that decide the canvas
    "dm_pendulum": Pendulum(m=0.5, l=1.0),
    "dm_mixed2023_pendulum_05": Pendulum(m=0.5, l=uniform(0.5, 1.0)),
    "dm_mass_spring_1k": MassSpring(m=uniform(0.4, 1.0)),
    "dm_double_pendulum": DoublePendulum(m=uniform(0.4, 0.6), l=uniform(0.75, 1.0)),
    "dm_two_body": TwoBody(m=uniform(0.5, 1.5), half_width=5.0),
}


def constants(data, i):
    """Constants of trajectory i; those of two bodies stand under two names in some files."""
    found = {}
    for key in filter(lambda key: key.startswith("param_"), data):
        name = key.removeprefix("param_").removesuffix("_1").removesuffix("_2")
        found.setdefault(name, []).append(data[key][i])
    return {name: np.concatenate([np.atleast_1d(v) for v in values]).squeeze() for name, values in found.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}-{path.parent.parent.name}")
def test_frames_are_those_of_the_reference(path):
    data = dict(np.load(path, allow_pickle=False))
    shape = tuple(data["image_bin_shape"])
    bits = np.unpackbits(data["image_bin"])[: np.prod(shape)].reshape(shape)
    population, (_, half), (_, full) = POPULATIONS[path.stem], data["canvas_bounds"], data["full_canvas_bounds"]
    assert population.extent() == pytest.approx(half, abs=1e-12)
    for i, states in enumerate(data["x"]):
        seen = {"jitter": full / half - 1, "palette": int(data["num_colors"]), "colors": data["color_index"][i]}
        seen["offset"] = np.broadcast_to(data["offset"][i], 2)
        frames = render(population, constants(data, i), states, **seen)
        np.testing.assert_array_equal(frames, data["image_u8"][i])
        binary = render(population, constants(data, i), states, binary=True, **seen)
        if binary.ndim == 3:
            assert not bits[i][..., 1:].any()
            np.testing.assert_array_equal(binary, bits[i][..., 0])
        else:
            np.testing.assert_array_equal(binary, bits[i].transpose(0, 3, 1, 2))
