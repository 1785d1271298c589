"""The figure of one sequence shows what is stored of it."""

import dataclasses
import itertools
import subprocess
import sys

import numpy as np
import pytest

import slvm_data.view
from slvm_data import RECIPES, sample
from slvm_data.view import plot
from slvm_data.view.dataset import of_folder, of_recipe


def panels(figure):
    return {axes.get_label(): axes for axes in figure.axes}


def curves(axes):
    """Lines over time, by their label."""
    return {line.get_label(): line for line in axes.get_lines() if len(line.get_xdata()) > 2}


@pytest.fixture(scope="module")
def pendulum(folder):
    return folder("pendulum3")


def test_a_pendulum(pendulum):
    figure = plot(pendulum, index=1, task=2)
    with np.load(pendulum / "dataset_2/train.npz") as data:
        state, time, image = data["state"][1], data["time"][1], data["image"][1]
        mass = data["param_m"][1]
    found = panels(figure)
    assert set(found) == {"frames", "state 0", "state 1", "portrait", "energy"}
    for i, name in enumerate("qp"):
        line = curves(found[f"state {i}"])[name]
        assert (line.get_ydata() == state[:, i]).all()
        assert (line.get_xdata() == time).all()
    (portrait,) = curves(found["portrait"]).values()
    assert (portrait.get_xydata() == state).all()
    assert found["portrait"].get_xlabel() == "q [rad]"
    assert found["state 1"].get_ylabel() == "p [kg m²/s]"
    assert found["energy"].get_ylabel() == "energy [J]"
    assert f"m = {mass:.3g} kg, g = 4 m/s²" in figure.get_suptitle()
    assert "pendulum3, train 1 of task 2: g 4" in figure.get_suptitle()
    strip = found["frames"].get_images()[0].get_array()
    assert (strip[1:33, 1:33] == 255 * image[0, ::-1, :, None]).all()
    assert (strip[1:33, -33:-1] == 255 * image[-1, ::-1, :, None]).all()


def test_a_conserved_energy_is_level(pendulum):
    axes = panels(plot(pendulum))["energy"]
    low, high = axes.get_ylim()
    assert np.ptp(axes.get_lines()[0].get_ydata()) < 1e-3 * (high - low)


def test_impacts_are_where_a_velocity_turns():
    arrays = sample(RECIPES["gravity"], "train", slice(0, 8))
    index = next(i for i in range(8) if len(_turns(arrays, i)))
    found = panels(plot("gravity", index=index))
    times = [line.get_xdata()[0] for line in found["state 1"].get_lines() if line.get_linestyle() == ":"]
    for t in _turns(arrays, index):
        assert any(t <= impact <= t + 0.25 for impact in times)
    assert "impact" in [text.get_text() for text in found["state 0"].get_legend().get_texts()]
    assert found["portrait"].yaxis.get_inverted()  # y points down
    assert found["portrait"].get_aspect() == 1


def _turns(arrays, i):
    """Instants after which the horizontal velocity has another sign: only a wall turns it."""
    return arrays["time"][i, :-1][np.diff(np.sign(arrays["state"][i, :, 2])) != 0].tolist()


def test_two_bodies_in_the_plane_and_in_colour():
    found = panels(plot("two_body", "test"))
    arrays = sample(RECIPES["two_body"], "test", 0)
    state, image = arrays["state"], arrays["image"]
    lines = curves(found["portrait"])
    assert (lines["q2y against q2x"].get_xydata() == state[:, 2:4]).all()
    assert list(curves(found["state 0"])) == ["q1x", "q1y", "q2x", "q2y"]
    styles = {(line.get_color(), line.get_linestyle()) for line in curves(found["state 1"]).values()}
    assert len({style for _, style in styles}) == 4  # told apart without colours
    strip = found["frames"].get_images()[0].get_array()
    assert (strip[1:33, 1:33] == 255 * image[0].transpose(1, 2, 0)[::-1]).all()


def test_a_window_with_its_context_and_regimes(folder):
    windows = folder("three_mode", train=3, val=1, test=0, steps=200)
    figure = plot(windows, "train", index=1)
    with np.load(windows / "train.npz") as data:
        queries, domains, time = data["queries"][1], data["domains"][1], data["time"][1]
        latents, labels = data["latents"][1], data["labels"][1]
    found = panels(figure)
    assert set(found) == {"signal", "state 0", "portrait"}
    signal = curves(found["signal"])["channel 0"]
    assert (signal.get_ydata() == np.concatenate([*domains, queries])[:, 0]).all()  # 9 contexts, end to end
    assert signal.get_xdata()[-1] == time[-1]
    assert np.allclose(np.diff(signal.get_xdata()), 1.0)
    assert (curves(found["state 0"])["x2"].get_ydata() == latents[:, 1]).all()
    numbers = [text.get_text() for text in found["state 0"].texts]
    changes = np.flatnonzero(np.diff(labels)) + 1
    assert numbers == [str(labels[i]) for i in (0, *changes)]


def test_many_channels_become_an_image():
    recipe = dataclasses.replace(RECIPES["lorenz"], train=4, val=1, test=1, steps=800)
    found = panels(plot(recipe, index=2))
    arrays = {name: array[0] for name, array in of_recipe(recipe).rows(0, "train", [2]).items()}
    drawn = found["signal"].get_images()[0].get_array()
    assert drawn.shape == (10, 16)  # three contexts of seven, a frame apart, then the query
    assert (drawn[:, 9:] == arrays["queries"].T).all()
    for k in range(3):
        assert (drawn[:, k : k + 7] == arrays["domains"][k].T).all()


def test_a_sequence_of_one_frame():
    """Dots are drawn instead of lines without length."""
    figure = plot(dataclasses.replace(RECIPES["pendulum"], steps=1))
    for name in ("state 0", "state 1", "portrait", "energy"):
        assert any(line.get_marker() == "o" and len(line.get_xdata()) == 1 for line in panels(figure)[name].get_lines())


@pytest.mark.parametrize("name", ["nascar", "lorenz"])
def test_numbers_of_channels_do_not_overlap(name):
    figure = plot(name)
    figure.canvas.draw()
    boxes = [label.get_window_extent() for label in panels(figure)["signal"].get_yticklabels() if label.get_text()]
    inside = [box for box in boxes if box.y0 >= 0]
    assert len(inside) >= 3
    assert all(below.y1 <= above.y0 for below, above in itertools.pairwise(inside))


def test_datasets_and_names_are_taken_too(pendulum):
    figure = plot(of_folder(pendulum), task=1)
    assert "pendulum3, train 0 of task 1" in figure.get_suptitle()
    with pytest.raises(ValueError, match=r"there is no dataset and no folder .pendlum.; did you mean pendulum"):
        plot("pendlum")
    with pytest.raises(ValueError, match="index = 70 does not exist: train of task 0 has 70 sequences"):
        plot(pendulum, index=70)


def test_it_saves_and_a_notebook_shows_it(pendulum, tmp_path):
    figure = plot(pendulum)
    figure.savefig(tmp_path / "x.svg")
    assert (tmp_path / "x.svg").stat().st_size > 5_000
    assert figure._repr_png_().startswith(b"\x89PNG")


def test_pyplot_is_left_alone():
    odd = "{'matplotlib.pyplot', 'torch'}"
    check = f"import sys, slvm_data.view; slvm_data.view.plot; assert not {odd} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)


def test_without_matplotlib(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "slvm_data.view.figure")
    with pytest.raises(ModuleNotFoundError, match=r"^plots need matplotlib: pip install 'slvm-data\[plot\]'$"):
        slvm_data.view.plot  # noqa: B018 - it is imported when it is first used


@pytest.mark.parametrize("where", [{"index": i} for i in (-1, 3, 10**30, float("nan"))] + [{"task": 3}, {"task": -1}])
def test_what_does_not_exist_is_refused(pendulum, where):
    for dataset in (pendulum, dataclasses.replace(RECIPES["pendulum3"], test=3, steps=4)):
        with pytest.raises(ValueError, match="does not exist"):
            plot(dataset, **({"split": "test"} | where))
