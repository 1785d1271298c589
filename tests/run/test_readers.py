"""Copies and files of one tiny dataset, opened by the libraries of others, by the lines that the documentation shows.

Libraries too large to be installed for tests run in `scripts/try_readers.py`.
"""

import dataclasses

import numpy as np
import pytest

from slvm_data import RECIPES, generate
from slvm_data.export import croissant, parquet
from slvm_data.run.conversion import convert
from slvm_data.store import card, manifest

SIZES = {"train": 5, "val": 3, "test": 2}
NASCAR = RECIPES["nascar"]
SETS = {
    "pendulum3": dataclasses.replace(RECIPES["pendulum3"], **SIZES, steps=4),
    "windows": dataclasses.replace(
        NASCAR, name="windows", **SIZES, steps=400, windows=dataclasses.replace(NASCAR.windows, series=True, gap=5)
    ),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder of a set in some format, written once."""
    place, found = tmp_path_factory.mktemp("sets"), {}

    def folder(name, ending="npz"):
        if (name, ending) not in found:
            path = place / f"{name}.{ending}"
            own = ending == "npz"
            found[name, ending] = generate(SETS[name], path) if own else convert(folder(name), path)
        return found[name, ending]

    return folder


@pytest.fixture(scope="module")
def load_dataset(tmp_path_factory):
    """`datasets.load_dataset` without a network, and with a cache of its own."""
    with pytest.MonkeyPatch.context() as patch:
        cache = str(tmp_path_factory.mktemp("hugging_face"))
        for name, value in {"HF_HOME": cache, "HF_DATASETS_OFFLINE": "1"}.items():
            patch.setenv(name, value)
        import datasets

        patch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)  # if it was imported before
        yield lambda *words, **options: datasets.load_dataset(*words, **options, cache_dir=cache)


def arrays_of(folder, split):
    """The arrays of each file of a split, in the order of tasks."""
    found = []
    for name, _ in manifest.read(folder).of_split(split):
        with np.load(folder / name, allow_pickle=False) as data:
            found.append(dict(data))
    return found


def together(folder, split):
    """The arrays of all tasks, one after the other."""
    every = arrays_of(folder, split)
    return {name: np.concatenate([arrays[name] for arrays in every]) for name in every[0]}


@pytest.mark.parametrize("split", SIZES)
def test_a_folder_of_parquet_is_one_split_of_all_tasks(made, split):
    """Read by pandas and Arrow without a word about files; what is nested becomes an array in one line."""
    import pandas
    from pyarrow import parquet as arrow

    folder, expected = made("pendulum3", "parquet") / split, together(made("pendulum3"), split)
    table = pandas.read_parquet(folder)
    assert table["label"].tolist() == [0] * SIZES[split] + [1] * SIZES[split] + [2] * SIZES[split]
    np.testing.assert_array_equal(table["param_l"], expected["param_l"])
    frames = np.stack([np.stack([*map(np.stack, rows)]) for rows in table["image"]])
    assert frames.dtype == np.uint8
    np.testing.assert_array_equal(frames, expected["image"])
    np.testing.assert_array_equal(np.stack([np.stack(rows) for rows in table["state"]]), expected["state"])
    np.testing.assert_array_equal(np.stack(table["time"]), expected["time"])
    nested = arrow.read_table(folder, columns=["image"])["image"].to_pylist()
    np.testing.assert_array_equal(np.array(nested, np.uint8), expected["image"])


def test_uncut_trajectories_of_parquet_have_folders_of_their_own(made):
    import pandas

    folder = made("windows", "parquet")
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}
    assert files == {f"{kind}{split}/data-00000-of-00001.parquet" for kind in ("", "series-") for split in SIZES}
    assert len(pandas.read_parquet(folder / "train")) == SIZES["train"]
    assert "signal" in pandas.read_parquet(folder / "series-train")
    content = manifest.read(folder)
    assert {name.split("/")[0] for name in content.series} == {f"series-{split}" for split in SIZES}


@pytest.mark.parametrize("folders", ["series-{i}", "run-0{i}", "{i}-00001-of-00002"])
@pytest.mark.parametrize("ending", ["parquet", "tar"])
def test_folders_of_tasks_may_look_like_names_of_ours(tmp_path, folders, ending):
    """Their numbers are not those of parts, and their sequences are no uncut trajectories."""
    recipe = dataclasses.replace(SETS["pendulum3"], folder=folders, train=2, val=0, test=0, steps=2)
    content = manifest.read(convert(generate(recipe, tmp_path / "x"), tmp_path / f"y.{ending}"))
    assert not content.series
    assert [entry.task for entry in content.files.values()] == [0, 1, 2]
    names = [record["name"] for record in croissant.describe(content)["recordSet"]]
    order = "train-{}" if ending == "parquet" else "{}-train"
    assert names == [order.format(task) for task in recipe.folders()]
    if ending == "parquet":
        assert [config.name for config in parquet.configs(content)] == ["default", *recipe.folders()]


def test_datasets_gives_small_integers(made, load_dataset):
    """With `dtype=None`, where its formats otherwise make 64 bits of each pixel and 32 of each time."""
    torch = pytest.importorskip("torch")
    table = load_dataset(str(made("pendulum3", "parquet")), split="train").remove_columns("preview")
    batch = next(iter(torch.utils.data.DataLoader(table.with_format("torch", dtype=None), batch_size=15)))
    for name, array in together(made("pendulum3"), "train").items():
        expected = array[:, 0] if name == "label" else array
        assert str(batch[name].dtype) == f"torch.{expected.dtype}", name
        np.testing.assert_array_equal(batch[name].numpy(), expected, err_msg=name)


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.parametrize("ending", ["parquet", "h5", "tar"])
def test_the_lines_of_the_card_run(made, monkeypatch, load_dataset, ending):
    """In the copy's own folder; they read the first file."""
    monkeypatch.chdir(made("pendulum3", ending))
    exec(card.reading(manifest.read(made("pendulum3", ending))), found := {})
    expected = arrays_of(made("pendulum3"), "train")[0]
    last = (-1,) if ending == "tar" else (slice(None),)  # a loop over samples
    for name in ("image", "state"):
        assert found[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(found[name], expected[name][last])
