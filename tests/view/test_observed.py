"""Modified observations in pages, figures and pictures: clean frames, missing frames, shades, curves, sliders."""

import base64
import dataclasses
import io
import shlex

import numpy as np
import pytest
import typer
from matplotlib.figure import Figure
from PIL import Image

from slvm_data import RECIPES, View, generate, sample
from slvm_data.cli import app
from slvm_data.export import animation, parquet
from slvm_data.observe import presets
from slvm_data.observe.modifiers import Missing, PixelNoise, StateNoise
from slvm_data.observe.presets import Preset
from slvm_data.observe.view import COLORS
from slvm_data.recipe.overrides import override
from slvm_data.script import values
from slvm_data.simulation import batch
from slvm_data.store import card, manifest
from slvm_data.view import animate, plot
from slvm_data.view.animation import _with_frames
from slvm_data.view.command_line import command
from slvm_data.view.curves import further, instants
from slvm_data.view.dataset import Dataset, of_folder, of_recipe
from slvm_data.view.facts import facts
from slvm_data.view.figure import _image
from slvm_data.view.payload import payload
from slvm_data.view.report import report
from slvm_data.view.sliders import moved, of_modifiers
from slvm_data.view.summary import summary

SMALL = {"train": 3, "val": 1, "test": 1, "steps": 12}
GREY = dataclasses.replace(
    RECIPES["pendulum"], **SMALL, view=View(color="grey"), observe=(PixelNoise(sigma=0.2), Missing(p=0.5, keep=2))
)
ORANGE = list(animation.MISSING)


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    """A folder that keeps the frames without modifiers, and further numbers for each frame."""
    record = ("clean", "angles", "dx_dt")
    return generate(dataclasses.replace(GREY, record=record), tmp_path_factory.mktemp("kept") / "x")


def panels(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def test_by_name_the_clean_frames_stand_beside_the_observed_ones():
    """They are not in the files that the command writes, and so neither in the command nor in the list of arrays."""
    (shown,) = payload(of_recipe(GREY), 0, "train", [2])
    made = sample(dataclasses.replace(GREY, record=("clean",)), "train", 2)
    for word, name in (("frames", "image"), ("clean", "clean")):
        sheet = shown[word]
        pixels = np.asarray(Image.open(io.BytesIO(_decoded(sheet["png"]))))
        cells = pixels.reshape(pixels.shape[0] // 32, 32, sheet["columns"], 32).swapaxes(1, 2).reshape(-1, 32, 32)
        np.testing.assert_array_equal(cells[:12], made[name][:, ::-1])
    assert shown["mask"] == made["mask"].tolist()
    assert "clean" not in command(of_recipe(GREY))
    assert "clean" not in {row[0] for row in facts(of_recipe(GREY))["arrays"]}


def _decoded(address):
    return base64.b64decode(address.partition(",")[2])


def test_numbers_of_each_frame_are_curves(driven):
    system = GREY.tasks[0]
    row = {name: array[0] for name, array in driven.items()} | {
        "dx_dt": np.zeros((12, 2), np.float32),
        "angles": np.zeros((12, 2), np.float32),
        "image": np.zeros((12, 8, 8), np.uint8),
        "state": np.zeros((12, 2)),
        "latent": np.zeros((12, 2)),
    }
    found = further(system, row)
    assert [(curves.title, curves.names, curves.units) for curves in found] == [
        ("Control", ("torque",), ("N m",)),
        ("Drift of g", ("g",), ("m/s²",)),
        ("noise_factor", ("1", "2", "3", "4"), ("",) * 4),
        ("occluder", ("occluder",), ("",)),
        ("dx_dt", ("dq/dt", "dp/dt"), ("rad/s", "kg m²/s/s")),
        ("angles", ("sin q", "cos q"), ("", "")),
    ]
    assert [(curves.held, curves.drives) for curves in found[:3]] == [(True, True), (False, True), (False, False)]
    assert [instants({"drift_time": times}) for times in driven["drift_time"]] == [[pytest.approx(1.2)], [], [0.7]]


def test_a_figure_has_them_too(driven):
    figure = plot(GREY, index=0)
    found = panels(figure)
    assert [axes.get_ylabel() for name, axes in found.items() if name.startswith("further")] == [
        "Control [N m]",
        "Drift of g [m/s²]",
        "noise_factor",
        "occluder",
    ]
    control, *_ = found["further 0"].get_lines()
    assert control.get_drawstyle() == "steps-post"
    assert (control.get_xdata() == driven["time"][0]).all()
    made = sample(dataclasses.replace(GREY, record=("clean",)), "train", 0)
    strips = {name: found[name].get_images()[0].get_array() for name in ("frames", "clean")}
    for name, array in (("frames", "image"), ("clean", "clean")):
        assert (strips[name][1:33, 1:33] == made[array][0, ::-1, :, None]).all()
        assert found[name].get_ylabel() == {"frames": "observed"}.get(name, name)
    chosen = np.unique(np.linspace(0, 11, 10).astype(int))
    for i, there in enumerate(made["mask"][chosen]):
        assert (strips["frames"][0, 33 * i + 16].tolist() == ORANGE) == (not there)
    assert len(found["frames"].texts) == (~made["mask"][chosen]).sum()
    assert not found["clean"].texts
    marks = next(line for line in found["state 0"].get_lines() if line.get_label() == "_frames")
    assert (marks.get_xdata() == driven["time"][0][made["mask"]]).all()
    drift = [line.get_xdata()[0] for line in found["energy"].get_lines() if line.get_label() == "drift"]
    assert drift == [1.2]


@pytest.mark.parametrize("frames", [np.ones((1, 9, 4, 4), np.uint8), np.zeros((1, 9, 3, 4, 4), np.uint8)])
def test_dark_frames_of_shades_stay_dark(frames):
    """They are not taken for binary ones."""
    dark, white = animation.colours(frames, 255), animation.colours(frames, 1)
    assert dark.max() == frames.max()
    assert white.max() == 255 * frames.max()
    for top in (1, 255):
        shown = np.asarray(Image.open(io.BytesIO(parquet.preview(frames[0], top))))
        assert shown.max() == frames.max() * (255 // top)


def test_missing_frames_are_marked_in_animations(kept, tmp_path):
    with np.load(kept / "train.npz") as data:
        image, mask = data["image"], data["mask"]
    sheet = animate(kept, tmp_path / "x.gif", scale=1)
    assert sheet.shape[:2] == (12, 34)
    with Image.open(kept / "preview.gif") as preview:
        assert preview.size == (2 * (3 * 33 + 1), 2 * 34)
        for t in (0, 5, 11):
            preview.seek(t)
            around = np.asarray(preview.convert("RGB"))
            for i in range(3):
                frame = sheet[t, 1:33, 33 * i + 1 : 33 * i + 33]
                np.testing.assert_array_equal(frame, np.repeat(image[i, t, ::-1, :, None], 3, axis=2))
                assert (sheet[t, 0, 33 * i + 16].tolist() == ORANGE) == (not mask[i, t])
                assert (around[0, 2 * (33 * i + 16)].tolist() == ORANGE) == (not mask[i, t])


def test_a_gif_of_signals_leaves_their_modifiers_out(monkeypatch):
    monkeypatch.setattr(PixelNoise, "stage", "signal")
    monkeypatch.setattr(PixelNoise, "shades", False, raising=False)
    recipe = dataclasses.replace(RECIPES["lorenz"], observe=(PixelNoise(), Missing()))
    assert _with_frames(of_recipe(recipe)).recipe.observe == (Missing(),)


def test_lit_pixels_of_shades_are_those_of_binary_frames(kept):
    """A background is not lit, and neither is noise where the frames without it are kept."""
    binary, grey, colour = (
        report(of_recipe(dataclasses.replace(GREY, view=View(color=color), observe=())))["lit"] for color in COLORS
    )
    assert colour == binary
    assert binary[0]["low"] <= grey[0]["low"] <= 1.1 * binary[0]["low"]
    assert report(of_recipe(GREY))["lit"] == report(of_folder(kept))["lit"] == grey


def test_the_card_says_what_is_seen(kept):
    text = card.text(manifest.read(kept))
    section = text.partition("## Observation\n\n")[2].partition("\n\n## ")[0].splitlines()
    assert section[0] == "* Frames are grey: of 0 to 255, in one channel."
    assert section[1].startswith("* `pixel_noise(sigma=0.2)`: Gaussian noise on every pixel")
    assert section[2].startswith("* `missing(keep=2)`: Frames are missing independently")
    assert section[3] == "* Array `mask`: true for frames that are there, false for missing ones."
    assert section[4] == "* Array `clean`: frames without modifiers."
    assert [f"* {line}" for line in facts(of_folder(kept))["observation"]] == section
    assert facts(of_folder(kept))["motion"] == []


def test_the_command_line_says_what_is_seen(monkeypatch):
    seen = []
    monkeypatch.setattr("slvm_data.view.server.serve", lambda dataset, *_: seen.append(dataset.recipe))
    line = ["view", "pendulum", "g=4", "--color", "grey", "--observe", "pixel_noise(sigma=0.2)", "--observe", "missing"]
    typer.main.get_command(app)([*line, "--no-open"], standalone_mode=False)
    expected = override(RECIPES["pendulum"], ["g=4"], {"color": "grey", "observe": (PixelNoise(sigma=0.2), Missing())})
    assert seen == [expected]
    assert shlex.split(command(of_recipe(expected)))[2:] == ["pendulum", "g=4", *line[5:], *line[3:5]]


def test_what_is_given_goes_before_what_a_preset_chooses(monkeypatch):
    monkeypatch.setitem(presets.PRESETS, "x", Preset(observe=(Missing(),), fields=(("color", "grey"),), source=""))
    assert values({"observe": ["x"], "color": None}) == {"observe": (Missing(),), "color": "grey"}
    assert values({"observe": ["x"], "color": "rgb"})["color"] == "rgb"


def test_where_modifiers_are_taken_away_no_words_do():
    """No option does that; a file of one's own may have them."""
    without = dataclasses.replace(GREY, observe=(), name="mine")
    assert command(of_recipe(without, ("mine.py", dataclasses.replace(GREY, name="mine")))) == ""
    with_record = dataclasses.replace(without, record=("energy",))
    assert command(of_recipe(without, ("mine.py", with_record))) == ""


SLIDERS = {
    "pixel_noise.sigma": (0, 1, 0.01, 0.2),
    "missing.p": (0, 1, 0.01, 0.5),
    "missing.keep": (0, 20, 1, 2),
    "missing.fill": (0, 1, 0.01, 0),
}


def test_each_number_of_a_modifier_has_a_slider():
    found = {one["name"]: one["components"] for one in of_modifiers(GREY)}
    ends = {name: tuple(part[key] for key in ("low", "high", "step", "now")) for name, (part,) in found.items()}
    assert ends == SLIDERS
    assert [one["name"] for one in summary(of_recipe(GREY))["sliders"]][-4:] == list(SLIDERS)


def test_a_slider_of_a_modifier_moves_it_and_the_parameters_too():
    twice = dataclasses.replace(GREY, observe=(*GREY.observe, Missing(p=0.1)))
    made = moved(twice, ["missing.p=0.3", "g=4", "missing2.keep=1", "missing2.p=0.2", "pixel_noise.sigma=0.05"], 64)
    assert made.observe == (PixelNoise(sigma=0.05), Missing(p=0.3, keep=2), Missing(p=0.2, keep=1))
    assert made.tasks == override(GREY, ["g=4"]).tasks
    assert "--observe 'missing(p=0.2,keep=1)'" in command(of_recipe(made))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("missing.p=2", r"missing.p = 2: its slider goes from 0 to 1; give it to slvm-data view on the command line"),
        ("missing.keep=21", "its slider goes from 0 to 20"),
        ("missing.keep=1.5", r"missing.keep: '1.5' is not a whole number"),
        ("missing.p=x", r"missing.p: 'x' is not a number"),
        ("missing.p=nan", "p = nan has to be finite"),
        ("missing.p=", "'' is not a number"),
        ("missing2.p=1", r"missing2.p has no slider: give it to slvm-data view on the command line"),
        ("missing.stage=1", "has no slider"),
        (".=1", "has no slider"),
    ],
)
def test_what_a_slider_of_a_modifier_cannot_do(change, message):
    with pytest.raises(ValueError, match=message):
        moved(GREY, [change], 64)


def test_no_slider_of_a_modifier_compiles_anew():
    recipe = dataclasses.replace(GREY, observe=(*GREY.observe, StateNoise(sigma=0.1)))
    highest = {one["name"]: one["components"][0]["high"] for one in of_modifiers(recipe)}
    changes = [f"{name}={high}" for name, high in highest.items() if name != "missing.keep"]
    assert "state_noise.sigma=1.0" in changes
    changed = moved(recipe, changes, 64)
    assert changed.observe != recipe.observe
    assert batch.program(changed, 0) == batch.program(recipe, 0)


@pytest.fixture
def irregular(folder, monkeypatch, listed):
    """A window with contexts, whose frames are irregular in time and partly missing; and what its dataset says."""
    dataset = of_folder(folder("three_mode", train=3, val=1, test=0, steps=200))
    contexts, length = dataset.recipe.windows.contexts, dataset.recipe.windows.length
    rng = np.random.default_rng(0)
    instants = np.cumsum(rng.uniform(0.1, 2.0, (contexts + 1) * length)).reshape(contexts + 1, length)
    there = rng.random(instants.shape) < 0.6
    more = {"domain_time": instants[:-1], "time": instants[-1], "domain_mask": there[:-1], "mask": there[-1]}
    for name in ("domain_time", "domain_mask"):
        listed(name, "N K T")
    stored = Dataset.rows
    repeated = {name: array[None] for name, array in more.items()}
    monkeypatch.setattr(Dataset, "rows", lambda self, *place: stored(self, *place) | repeated)
    return dataset, more


def test_contexts_have_their_own_times_and_gaps(irregular):
    dataset, more = irregular
    (shown,) = payload(dataset, 0, "train", [1])
    for k, window in enumerate(shown["context"]):
        times = np.frombuffer(base64.b64decode(window["time"]["f4"]), "<f4")
        np.testing.assert_array_equal(times, more["domain_time"][k].astype("f4"))
        assert window["mask"] == more["domain_mask"][k].tolist()
    found = panels(plot(dataset, index=1))
    line = next(line for line in found["signal"].get_lines() if line.get_label() == "channel 0")
    times, there = (np.concatenate([more[f"domain_{name}"].ravel(), more[name]]) for name in ("time", "mask"))
    assert (line.get_xdata() == times).all()
    assert (np.isnan(line.get_ydata()) == ~there).all()
    texts = found["state 0"].texts
    assert all(more["time"][0] - 1 < text.get_position()[0] < more["time"][-1] + 1 for text in texts)


def test_columns_of_an_image_are_as_wide_as_their_time():
    axes = Figure().subplots()
    time, signal = np.array([0.0, 1.0, 3.0, 3.5]), np.arange(8.0).reshape(4, 2)
    _image(axes, time, signal)
    (image,) = axes.collections
    assert image.get_coordinates()[0, :, 0].tolist() == pytest.approx([-7 / 12, 0.5, 2.0, 3.25, 3.5 + 7 / 12])
    assert (image.get_array() == signal.T).all()
