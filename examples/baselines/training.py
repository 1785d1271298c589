"""What the baselines share: arguments, batches, the training loop, and the forecasts that they write."""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from networks import Model
from torch import Tensor, nn
from torch.utils.data import DataLoader

from slvm_data.load import Episodes, EpisodeSampler, Sequences, Windows, forecast
from slvm_data.store import manifest

FIRST = 5  # frames that are always shown in training
WEIGHT = 0.1  # of the divergence in the bound
OBSERVED = ("image", "signal", "queries")  # names that what a model sees may have
Batch = dict[str, Tensor]


def arguments(text: str | None, steps: int = 0, fit: Sequence[str] = ()) -> argparse.Namespace:
    """Options, also of a baseline that is trained on `steps` batches, or has several ways to fit."""
    parser = argparse.ArgumentParser(description=(text or "").splitlines()[0])
    parser.add_argument("folder", help="of the dataset")
    parser.add_argument("--out", default="forecast", help="folder of the forecasts")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seen", type=int, default=5, help="frames that the model is given; 0 for all")
    if steps:
        parser.add_argument("--steps", type=int, default=steps, help="batches to train on")
        parser.add_argument("--batch", type=int, default=32, help="sequences in a batch")
        parser.add_argument("--context", type=int, default=0, help="other sequences of the task that come with each")
    if fit:
        parser.add_argument("--fit", choices=fit, default=fit[0], help="how regimes are found")
    options = parser.parse_args()
    options.seen = options.seen or manifest.read(Path(options.folder)).recipe.length()
    torch.manual_seed(options.seed)
    return options


def sequences(folder: str) -> Sequences | Windows:
    """What a model is trained on."""
    return (Windows if manifest.read(Path(folder)).recipe.windows else Sequences)(folder, "train")


def observed(batch: Batch) -> str:
    """Name of what a model sees of a batch."""
    return next(name for name in OBSERVED if name in batch)


def there(batch: Batch) -> Tensor:
    """Which frames are not missing [B T]."""
    frames = batch[observed(batch)]
    return batch.get("mask", torch.ones(frames.shape[:2], dtype=torch.bool))


def batches(options: argparse.Namespace) -> Iterator[Batch]:
    """Random batches of `train`, without end; with a context, a new episode for each."""
    if options.context:
        episodes = Episodes(options.folder, "train", context=options.context, seed=options.seed)
        loader = DataLoader(episodes, batch_sampler=EpisodeSampler(episodes, options.batch))
    else:
        data = sequences(options.folder)
        loader = DataLoader(data, options.batch, shuffle=True, drop_last=len(data) > options.batch)
    while True:
        yield from loader


def given(batch: Batch, seen: int) -> Tensor:
    """The frames [B T] that a model is shown in training.

    These are the frames that it will see later, but of those after the first few a random part alone, so that it learns
    to go on by itself.
    """
    mask = there(batch)
    number = torch.arange(mask.shape[1])
    kept = torch.rand(mask.shape) < torch.rand(len(mask), 1)
    return mask & (number < seen) & (kept | (number < FIRST))


def loss_of(model: Model, batch: Batch, seen: int) -> Tensor:
    """The negative evidence bound per frame: of all frames that are not missing, shown to the model or not."""
    frames, mask = batch[observed(batch)], there(batch)
    decoded, _, divergence = model(batch, given(batch, seen), seen)
    missed = (model.observation.missed(decoded, frames) * mask).sum(1) / mask.sum(1)
    return (missed + WEIGHT * divergence / mask.sum(1)).mean()


def train(model: Model, options: argparse.Namespace, rate: float = 2e-3) -> None:
    """Train a model, and print how its loss falls."""
    optimiser = torch.optim.Adam(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=options.steps + 1, pct_start=0.05)
    start = time.monotonic()
    for step, batch in enumerate(islice(batches(options), options.steps), 1):
        optimiser.zero_grad()
        (loss := loss_of(model.train(), batch, options.seen)).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 100.0)  # a rare leap of a long chain of steps
        optimiser.step()
        schedule.step()
        if step in (1, options.steps) or step % (options.steps // 6 or 1) == 0:
            print(f"step {step:5d}: loss {loss.item():7.2f}, {time.monotonic() - start:4.0f} s", flush=True)


def forecaster(model: Model) -> Callable[[Batch, int], dict[str, Tensor]]:
    """A trained model as `slvm_data.load.forecast` takes it."""

    def run(batch: Batch, seen: int) -> dict[str, Tensor]:
        decoded, latents, _ = model.eval()(batch, there(batch), seen)
        return {model.observation.name: model.observation.shown(decoded), "latent": latents}

    return run


def write(model: Callable[[Batch, int], Any], options: argparse.Namespace) -> None:
    """Write forecasts of all splits that were not trained on."""
    splits = [split for split in manifest.read(Path(options.folder)).recipe.split_names() if split != "train"]
    for split in splits:
        more = {"split": split, "context": vars(options).get("context", 0)}
        forecast(model, options.folder, options.out, seen=options.seen, **more)
    print(f"{options.out}: {', '.join(splits)}")
