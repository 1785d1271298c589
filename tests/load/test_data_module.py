"""The adapter for Lightning, by either name of the package, with a real Trainer."""

import re
import subprocess
import sys
from dataclasses import replace

import pytest

from slvm_data import generate
from slvm_data.load import DataModule, Sequences

SCRIPT = """
import importlib, sys, warnings
pl = importlib.import_module(sys.argv[1])
import torch
from slvm_data.load import DataModule, Episodes, Sequences, Windows

class Model(pl.LightningModule):
    def __init__(self, key):
        super().__init__()
        self.key, self.seen, self.layer = key, {"train": [], "val": [], "test": []}, torch.nn.LazyLinear(1)
    def training_step(self, batch, _):
        self.seen["train"].append(batch["index"].tolist())
        return self.layer(batch[self.key].flatten(1)).mean()
    def validation_step(self, batch, _):
        self.seen["val"].append(batch["index"].tolist())
    def test_step(self, batch, _):
        self.seen["test"].append(batch["index"].tolist())
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

def run(key, *arguments, epochs=2, broken_off=False, **options):
    names = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    quiet = dict.fromkeys(names, False) | {"num_sanity_val_steps": 0}
    trainer, model = pl.Trainer(max_epochs=2 if broken_off else epochs, accelerator="cpu", **quiet), Model(key)
    data = DataModule(*arguments, **options)
    assert isinstance(data, pl.LightningDataModule)
    model.layer(data.dataset("train").__getitems__([0]).arrays[key].flatten(1))
    trainer.fit(model, data)
    if broken_off:  # and taken up by another process, as it were
        trainer.save_checkpoint("there.ckpt")
        model.seen["train"].clear()
        trainer, data = pl.Trainer(max_epochs=epochs, accelerator="cpu", **quiet), DataModule(*arguments, **options)
        trainer.fit(model, data, ckpt_path="there.ckpt")
    trainer.test(model, data, verbose=False)
    return model.seen

if __name__ == "__main__":
    sequences, windows = sys.argv[2:4]
    seen = run("state", sequences, batch_size=30)
    assert sorted(sum(seen["train"][:5], [])) == list(range(150)) == sorted(sum(seen["train"][5:], []))
    assert seen["train"][:5] != seen["train"][5:]
    assert seen["train"] == run("state", sequences, batch_size=30)["train"]
    assert seen["val"][:2] == seen["val"][2:] and sum(seen["test"], []) == list(range(60))
    seen = run("context_image", sequences, batch_size=30, context=4)
    assert [len(batch) for batch in seen["train"]] == [30] * 10 and seen["val"][:2] == seen["val"][2:]
    seen = run("context_image", sequences, context=4, ways=2, queries=3)
    assert {len(batch) for batch in seen["train"] + seen["val"]} == {6}
    half = len(seen["val"]) // 2
    assert seen["val"][:half] == seen["val"][half:]
    for options in ({"batch_size": 30}, {"batch_size": 30, "context": 4}):
        whole = run("state", sequences, epochs=3, **options)["train"]
        assert whole[10:] == run("state", sequences, epochs=3, broken_off=True, **options)["train"]
    assert DataModule(sys.argv[4]).val_dataloader() == []
    assert len(run("queries", windows, batch_size=6)["train"]) == 4
"""


@pytest.mark.parametrize("package", ["lightning.pytorch", pytest.param("pytorch_lightning", marks=pytest.mark.slow)])
def test_a_trainer_runs(package, pendulums, make, small, tmp_path):
    """By the other name, which takes as long, `test_orders.py` lets a Trainer run and resume."""
    one_split = generate(replace(small("pendulum"), val=0), tmp_path / "one")
    (tmp_path / "run.py").write_text(SCRIPT)
    command = [sys.executable, "run.py", package, str(pendulums), str(make("nascar")), str(one_split)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize(
    ("missing", "name", "message"),
    [
        (("lightning", "pytorch_lightning"), "DataModule", r"pip install 'slvm-data\[lightning\]'"),
        (("torch",), "Sequences", r"pip install 'slvm-data\[torch\]'"),
    ],
)
def test_a_missing_package_is_named_with_its_extra(missing, name, message):
    hide = "; ".join(f"sys.modules[{package!r}] = None" for package in missing)
    check = f"import sys; {hide}; from slvm_data.load import {name}"
    run = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert run.returncode == 1
    assert re.search(message, run.stderr)


def test_options_of_episodes_want_a_context(pendulums):
    with pytest.raises(ValueError, match="ways = 2 is no option of Sequences: give context too"):
        DataModule(pendulums, ways=2)
    with pytest.raises(ValueError, match="widnow = 2 is no option of Sequences"):
        DataModule(pendulums, widnow=2)
    with pytest.raises(ValueError, match="does not exist"):
        DataModule(pendulums / "nothing")


def test_splits_may_differ(pendulums):
    module = DataModule(pendulums, 8, context=3, steps=5, tasks={"train": [0, 1], "val": [2], "test": [2]})
    assert {int(label) for batch in module.train_dataloader() for label in batch["label"]} == {0, 1}
    assert len(module.train_dataloader()) == 5
    assert {int(label) for batch in module.val_dataloader() for label in batch["label"]} == {2}


def test_public_names():
    from slvm_data import load

    assert sorted(load.__all__, key=str.casefold) == load.__all__
    assert set(dir(load)) == {*load.__all__, "DataModule", "Stream"}
    assert load.Sequences is Sequences
    for name in dir(load):
        assert getattr(load, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        load.nothing  # noqa: B018
