"""The batches that a Trainer takes from a DataModule, resumed or not, on one rank or two. Prints JSON.

python lightning_orders.py PACKAGE FOLDER {some,every,ranks}
"""

import importlib
import json
import sys
import tempfile
from itertools import product

import torch

pl = importlib.import_module(sys.argv[1])
from slvm_data.load import DataModule  # noqa: E402

QUIET = dict.fromkeys(("logger", "enable_progress_bar", "enable_model_summary"), False)
KINDS = {"sequences": {"batch_size": 30}, "episodes": {"batch_size": 30, "context": 4, "steps": 5}}


class Model(pl.LightningModule):
    """Notes the sequences of each batch, and the epoch that it came in."""

    def __init__(self):
        super().__init__()
        self.train_, self.val, self.predicted, self.layer = [], [], [], torch.nn.Linear(1, 1)

    def training_step(self, batch, _):
        self.train_.append([self.current_epoch, batch[0].tolist()])
        return self.layer(torch.ones(1)).mean()

    def validation_step(self, batch, _):
        self.val.append(batch[0].tolist())

    def predict_step(self, batch, _):
        self.predicted.append(batch[0].tolist())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


class Broken(Exception):  # noqa: N818
    """A run that is broken off."""


class Breaks(pl.Callback):
    """Saves a checkpoint and breaks off, after so many steps, or when so many epochs are over."""

    def __init__(self, place, step=None, epoch=None):
        self.place, self.step, self.epoch = place, step, epoch

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == self.step:
            trainer.save_checkpoint(self.place)
            raise Broken

    def on_train_epoch_end(self, trainer, _):
        if trainer.current_epoch == self.epoch:
            trainer.save_checkpoint(self.place)
            raise Broken


def fit(folder, options, place=None, resume=None, **trainer):
    model = Model()
    try:
        data = DataModule(folder, fields=("index",), **options)
        callbacks = [Breaks(place, **resume)] if resume else []
        more = QUIET | {"enable_checkpointing": False, "num_sanity_val_steps": 0, "accelerator": "cpu"}
        pl.Trainer(max_epochs=3, callbacks=callbacks, **more | trainer).fit(
            model, data, ckpt_path=None if resume else place
        )
    except Broken:
        pass
    return model.train_


def some(folder):
    """Every pair of: sequences or episodes, workers or not, loaders made anew for each epoch or not."""
    return resumed(folder, {"sequences": [(0, 0), (2, 1)], "episodes": [(0, 1), (2, 0)]})


def every(folder):
    """All of these together."""
    return resumed(folder, {kind: [*product((0, 2), (0, 1))] for kind in KINDS})


def resumed(folder, ways):
    """The cases in which the batches of a resumed run, or of one with workers, differ from those of a whole one."""
    failed, count = [], 0
    for kind, options in KINDS.items():
        whole = fit(folder, options)
        for workers, reload in ways[kind]:
            own = options | {"workers": workers}
            trainer = {"reload_dataloaders_every_n_epochs": reload}
            found = {"whole": fit(folder, own, **trainer) == whole}
            for end in [{"step": 7}] if reload else [{"step": 7}, {"epoch": 0}, {"step": 5}]:
                with tempfile.TemporaryDirectory() as place:
                    begun = fit(folder, own, f"{place}/x.ckpt", end, **trainer)
                    again = fit(folder, own, f"{place}/x.ckpt", **trainer)
                found[str(end)] = begun + again == whole
            count += len(found)
            failed += [f"{own} {trainer} {what}" for what, held in found.items() if not held]
    return {"failed": failed, "cases": count}


def ranks(folder):
    """What one of two ranks takes, where Lightning may put samplers of its own in the place of ours."""
    found = {}
    for name, options in KINDS.items():
        model, data = Model(), DataModule(folder, fields=("index",), **options)
        more = QUIET | {"enable_checkpointing": False, "num_sanity_val_steps": 0, "accelerator": "cpu"}
        trainer = pl.Trainer(max_epochs=2, devices=2, strategy="ddp", **more)
        trainer.fit(model, data)
        trainer.predict(model, data, return_predictions=False)
        gathered = [None, None]
        torch.distributed.all_gather_object(gathered, [model.train_, model.val, model.predicted])
        found[name] = gathered
    return found if trainer.global_rank == 0 else None


if __name__ == "__main__":
    import warnings

    warnings.simplefilter("ignore")
    if (found := {"some": some, "every": every, "ranks": ranks}[sys.argv[3]](sys.argv[2])) is not None:
        print(json.dumps(found))
