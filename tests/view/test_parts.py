"""Parts of a page: pictures, the command, its modules, and its data."""

import dataclasses
import io
import re
import shlex
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from slvm_data import RECIPES, Pendulum, View, generate
from slvm_data.cli import app, find
from slvm_data.recipe.original import as_original
from slvm_data.recipe.overrides import override
from slvm_data.recipe.serialisation import from_stored
from slvm_data.script import command
from slvm_data.store import card, manifest
from slvm_data.view import command_line, page, png, report, saved, sliders
from slvm_data.view.dataset import of_folder, of_recipe
from slvm_data.view.facts import facts
from slvm_data.view.summary import summary


@pytest.mark.parametrize(("shape", "dtype"), [((7, 5, 9), bool), ((30, 8, 8), np.uint8), ((4, 3, 5, 3), np.uint8)])
def test_pictures_hold_the_frames(shape, dtype):
    """Pillow reads them back."""
    frames = np.random.default_rng(1).integers(0, 2 if dtype is bool else 256, shape).astype(dtype)
    sheet, columns = png.sheet(frames)
    with Image.open(io.BytesIO(png.encode(sheet))) as picture:
        assert picture.mode == {bool: "1"}.get(dtype, "RGB" if len(shape) == 4 else "L")
        pixels = np.asarray(picture)
    H, W = shape[1:3]
    for t, frame in enumerate(frames):
        y, x = H * (t // columns), W * (t % columns)
        np.testing.assert_array_equal(pixels[y : y + H, x : x + W], frame)


def _changed():
    pendulum, nascar = RECIPES["pendulum3"], RECIPES["nascar"]
    yield from RECIPES.values()
    yield override(pendulum, ["g=2,3,4,5", "m=0.5..0.7"], {"seed": 7, "train": 3, "record": ("energy", "dx_dt")})
    yield override(pendulum, ["g=2.25", "friction=0.1"], {"steps": 9, "dt": 0.2, "folder": "{name}_{i}", "size": 64})
    yield override(RECIPES["double_pendulum"], ["m=[0.5,0.75]", "uniform_annulus=false"])
    yield override(RECIPES["gravity3"], ["g=[0,2.5]"], {"style": "debug"})
    counts = {"train": 100, "val": 50, "test": 50}
    yield override(nascar, [], {**counts, "observation": "pixels", "stride": 2, "series": True})
    yield as_original(override(pendulum, [], {"train": 9}))
    yield as_original(override(RECIPES["gravity3"], ["restitution=0.9"], {"train": 9}))
    yield as_original(RECIPES["mixed_physics_iclr2023"])


@pytest.mark.parametrize("recipe", list(_changed()), ids=lambda recipe: recipe.name)
def test_the_command_gives_exactly_this_recipe(recipe, monkeypatch):
    line = shlex.split(command_line.command(of_recipe(recipe)))
    assert line[:3] == ["slvm-data", "generate", recipe.name]
    made = []
    monkeypatch.setattr("slvm_data.script._carry_out", lambda found, *_, **__: made.append(found))
    parser = typer.Typer(add_completion=False)
    parser.command()(command(RECIPES.__getitem__))
    typer.main.get_command(parser)(line[2:], standalone_mode=False)
    assert made == [recipe]


def test_where_no_words_do_the_manifest_does(tmp_path, monkeypatch):
    """Its path has the folder in it, so that the command can be run where the page was made."""
    other = dataclasses.replace(RECIPES["pendulum"], view=View(jitter=1.0), train=2, val=0, test=0, steps=4)
    assert command_line.command(of_recipe(other)) == ""
    monkeypatch.chdir(tmp_path)
    generate(other, "a b")
    assert command_line.command(of_folder(Path("a b"))) == "slvm-data generate 'a b/dataset.json'"
    assert find("a b/dataset.json") == other
    generate(dataclasses.replace(other, name="mine"), "c", format="zarr")
    assert command_line.command(of_folder(Path("c"))) == "slvm-data generate c/dataset.json --format zarr"


def test_the_command_of_a_file_of_ones_own(tmp_path, monkeypatch, own_system):
    monkeypatch.chdir(tmp_path)
    Path("my_dataset.py").write_text(own_system)
    base = find("my_dataset.py")
    changed = override(base, ["k=20"], {"train": 3, "val": 0, "test": 0, "steps": 4})
    known = ("my_dataset.py", base)
    line = "slvm-data generate my_dataset.py k=20 --steps 4 --train 3 --val 0 --test 0"
    assert command_line.command(of_recipe(changed, known)) == line
    generate(changed, "x")
    assert command_line.command(of_folder(Path("x"), base.tasks, known)) == line
    generate(dataclasses.replace(changed, view=View(jitter=1.0)), "y")
    mending = command_line.command(of_folder(Path("y"), base.tasks, known))
    assert mending == "slvm-data repair y --recipe my_dataset.py"
    app(shlex.split(mending)[1:], standalone_mode=False)


@pytest.mark.parametrize("recipe", list(RECIPES.values()), ids=lambda recipe: recipe.name)
def test_sliders_stay_within_bounds(recipe):
    for slider in sliders.sliders(recipe):
        for end in ("low", "high", "now"):
            values = [part[end] for part in slider["components"]]
            text = f"[{','.join(map(str, values))}]" if len(values) > 1 else str(values[0])
            override(recipe, [f"{slider['name']}={text}"])
        for part in slider["components"]:
            assert part["low"] <= part["now"] <= part["high"] != part["low"]
            assert (part["high"] - part["low"]) / part["step"] > 50


def test_sliders_stay_in_the_scene_that_frames_show():
    """Of ±2 m: a rod of 2 m less the disc's radius."""
    (found,) = (one for one in sliders.sliders(RECIPES["pendulum_hgn"]) if one["name"] == "l")
    assert found["components"][0]["high"] == pytest.approx(2 - (0.5 / np.pi) ** 0.5, abs=0.01)
    (wide,) = (one for one in sliders.sliders(RECIPES["pendulum"]) if one["name"] == "l")
    assert wide["components"][0]["high"] == 2


def test_splits_that_are_held_out_have_no_sliders():
    shown = summary(of_recipe(RECIPES["pendulum_ood"]))
    assert shown["sliders"] == []
    assert shown["fixed"] == "There are no sliders here: the splits are held out from the parameters of train."
    assert shown["changes"]["far_length"] == "l=shell(inner=0.1,outer=0.2)"
    assert shown["tasks"][0]["counts"]["far_length"] == 1000


def test_places_are_of_train_and_the_named_splits():
    recipe = dataclasses.replace(RECIPES["gravity16_gap"], steps=2, train=9, val=0, test=0)
    found = report.places(of_recipe(recipe))
    assert found["names"] == ["g[0]", "g[1]"]
    assert found["splits"].keys() == {"train", "gap"}
    trained, asked = (set(zip(*found["splits"][split], strict=True)) for split in ("train", "gap"))
    assert (len(trained), len(asked)) == (12, 4)
    assert not trained & asked
    assert report.places(of_recipe(RECIPES["gravity3"])) is None


def test_sliders_say_what_the_recipe_says():
    given = {s["name"]: [part["given"] for part in s["components"]] for s in sliders.sliders(RECIPES["pendulum3"])}
    assert given == {"friction": ["0"], "m": ["0.5 … 1"], "g": ["2, 3, 4"], "l": ["0.5 … 1"]}


def test_a_parameter_in_which_tasks_differ_moves_in_each_if_a_list_can_say_it():
    """Not a vector, and not one of two in which tasks differ without making a grid."""
    two = dataclasses.replace(RECIPES["pendulum3"], tasks=(Pendulum(g=2, l=1), Pendulum(g=3, l=2)))
    for recipe, name, each in (
        (RECIPES["mass_spring3"], "k", [1, 2, 3]),
        (RECIPES["gravity3"], "g", []),
        (two, "g", []),
    ):
        (found,) = (slider for slider in sliders.sliders(recipe) if slider["name"] == name)
        assert (found["apart"], found["each"]) == (True, each)
    assert not any(slider["apart"] for slider in sliders.sliders(RECIPES["pendulum"]))


def test_the_title_says_what_was_changed():
    base = RECIPES["pendulum3"]
    assert summary(of_recipe(base))["title"] == "pendulum3"
    changed = override(base, ["g=2.5", "l=1"], {"steps": 40, "train": 7})
    assert summary(of_recipe(changed))["title"] == "pendulum3 · g=2.5 · l=1 · steps 40 · train 7"
    assert summary(of_recipe(dataclasses.replace(base, about="mine")))["title"] == "pendulum3"


@pytest.mark.parametrize("name", ["gravity", "nascar"])
def test_arrays_are_told_before_there_are_files(name, folder):
    where = folder(name, "npz", ("energy", "events") if name == "gravity" else ())
    content = manifest.read(where)
    told = facts(of_recipe(from_stored(content.recipe)))
    assert told["arrays"] == card.array_rows(content) == facts(of_folder(where))["arrays"]
    assert dict(facts(of_folder(where))["sizes"])["files"].startswith(f"{len(content.every_file())}, ")


def test_only_papers_and_pages_are_links():
    source = (
        'arXiv:2111.05458, javascript:alert(1) http://x.org doi 10.1000/xyz-1. https://a.org/b?c=1 "https://user@evil"'
    )
    shown = dataclasses.replace(RECIPES["pendulum"], source=source)
    assert [address for _, address in facts(of_recipe(shown))["links"]] == [
        "https://arxiv.org/abs/2111.05458",
        "https://doi.org/10.1000/xyz-1",
        "https://a.org/b?c=1",
    ]


def test_only_parameters_with_a_range_are_called_drawn():
    """A vector is not, though its components differ."""
    for name, drawn in (("pendulum3", {"m", "l"}), ("gravity3", set()), ("double_pendulum", {"m", "l"})):
        for task in summary(of_recipe(RECIPES[name]))["tasks"]:
            assert {parameter["name"] for parameter in task["parameters"] if parameter["drawn"]} == drawn


def test_every_module_is_in_the_page_and_imports_come_first():
    own = [path.name for path in files("slvm_data.view").joinpath("page").iterdir() if path.name.endswith(".js")]
    assert sorted(own) == sorted(["uPlot.iife.min.js", *(f"{name}.js" for name in page.MODULES)])
    for i, name in enumerate(page.MODULES):
        text = files("slvm_data.view").joinpath("page", f"{name}.js").read_text("utf-8")
        for names, source in re.findall(r'import \{([^}]*)\} from "\./(\w+)\.js"', text):
            assert source in page.MODULES[:i]
            exports = files("slvm_data.view").joinpath("page", f"{source}.js").read_text("utf-8")
            for word in names.split(","):
                assert re.search(rf"export (async )?(function|class|const) {word.strip()}\b", exports), (name, word)
                assert text.count(word.strip()) > 1, f"{name}.js imports {word.strip()} and does not use it"
        assert "innerHTML" not in text
        assert "http" not in re.sub(r"http://www\.w3\.org/2000/svg", "", text)


def test_data_cannot_end_their_element(saved_data):
    text, policy = page.page({"about": {"name": "</script><script>alert(1)</script>"}})
    assert text.count(b"<script") == 3
    assert saved_data(text.decode())["about"]["name"].startswith("</script>")
    assert "connect-src 'none'" in policy
    assert policy.encode() in text


@pytest.mark.parametrize("count", [0, -1, 20_001, 10**30])
def test_a_page_has_to_fit_into_a_browser(tmp_path, count):
    with pytest.raises(ValueError, match=f"sequences = {count} has to lie from 1 to 20000"):
        saved.save(of_recipe(RECIPES["pendulum"]), tmp_path / "page.html", count)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "words",
    [("--port", "-1"), ("--port", "65536"), ("--port", "x"), ("--save", "x.html", "--sequences", "1.5")],
)
def test_numbers_of_the_command(words):
    with pytest.raises(typer.BadParameter):  # which names the option
        typer.main.get_command(app)(["view", "pendulum", *words, "--no-open"], standalone_mode=False)
