#!/usr/bin/env python3
"""The speed of the loaders, beside that of a plain dataset of float64 arrays, and of copying a batch in memory.

    python3 benchmarks/load.py [--train 3000]

On pendulum3, 64 sequences a batch, through PyTorch's DataLoader without workers. Each contender runs in a process of
its own, so that its peak memory is its own, beyond that of the imports. The plain dataset holds float64 arrays as the
original scripts write them, with three channels or, to its advantage, with one, and stacks items one by one; for
episodes it draws as the field's loaders do. A copy takes a float32 batch to memory that was touched before: the same
batch over and over, which lies in the cache, or another one each time.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from slvm_data.load import Episodes, EpisodeSampler, Sequences

BATCH, CONTEXT, SECONDS = 64, 15, 3.0
FIELDS = ("image", "state", "label")
EPISODE_FIELDS = ("image", "context_image", "state", "context_state", "label")


class Plain(Dataset[Any]):
    """All frames as float64; an item at a time."""

    def __init__(self, root: Path, channels: int, context: int = 0) -> None:
        paths = sorted(root.glob("dataset_*/train.npz"))
        first = np.load(paths[0])["state"]
        frames = (channels, 32, 32) if channels > 1 else (32, 32)
        self.image = np.empty((len(paths) * len(first), first.shape[1], *frames))
        self.state = np.empty((len(self.image), *first.shape[1:]), np.float32)
        self.label = np.empty((len(self.image), 1), np.int64)
        for k, path in enumerate(paths):
            rows = slice(k * len(first), (k + 1) * len(first))
            with np.load(path) as data:
                self.image[rows] = data["image"] if channels > 1 else data["image"][:, :, 0]
                self.state[rows], self.label[rows] = data["state"], data["label"]
        self.context, self.groups = (
            context,
            [np.arange(k, k + len(first)) for k in range(0, len(self.image), len(first))],
        )
        self.split()

    def split(self) -> None:
        """New context of each group, and the rest as queries."""
        self.support = {k: np.random.permutation(rows)[: self.context] for k, rows in enumerate(self.groups)}  # noqa: NPY002
        self.queries = np.setdiff1d(np.concatenate(self.groups), np.concatenate(list(self.support.values())))

    def __len__(self) -> int:
        return len(self.queries)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, ...]:
        i = int(self.queries[i])
        item = self._float(self.image[i]), self._float(self.state[i]), torch.from_numpy(self.label[i])
        if not self.context:
            return item
        rows = self.support[int(self.label[i, 0])]
        return *item, self._float(self.image[rows]), self._float(self.state[rows])

    def _float(self, array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(array).float()


def peak() -> float:
    """Most memory that this program has held so far [MiB]; Linux's other count goes on from the parent's."""
    return int(re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())[0]) / 1024


def rate(passes: Callable[[], Iterable[Any]]) -> float:
    """Batches per second: the best of three runs of some seconds each, after a first one."""
    found = []
    for _ in range(4):
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < SECONDS:
            for _ in passes():
                count += 1
                if time.perf_counter() - start >= SECONDS:
                    break
        found.append(count / (time.perf_counter() - start))
    return max(found[1:])


def contender(name: str, root: Path, original: Path) -> dict[str, float]:
    """One of the contenders: batches per second, and memory beyond the imports [MiB]."""
    before = peak()
    if name.startswith("plain"):
        episodes, channels = "episodes" in name, 3 if "3" in name else 1
        plain = Plain(original, channels, CONTEXT if episodes else 0)
        loader = DataLoader(plain, BATCH, shuffle=True)
    elif name == "Sequences":
        loader = DataLoader(Sequences(root, fields=FIELDS), BATCH, shuffle=True)
    elif name == "Episodes":
        dataset = Episodes(root, context=CONTEXT, fields=EPISODE_FIELDS)
        loader = DataLoader(dataset, batch_sampler=EpisodeSampler(dataset, BATCH))
    else:
        return copies(name)
    return {"rate": rate(lambda: loader), "memory": peak() - before}


def copies(name: str) -> dict[str, float]:
    """Copying a batch as large as that of `Sequences` or `Episodes`."""
    count = BATCH * 30 * 1024 * (1 if "sequences" in name else 1 + CONTEXT)
    sources = [torch.rand(count) for _ in range(1 if "same" in name else 1 + 2**28 // count)]
    target = torch.empty(count)
    return {"rate": rate(lambda: (target.copy_(source) for source in sources)), "memory": 0.0}


def cold(root: Path) -> float:
    """Seconds from nothing to the first batch, with all three splits in memory."""
    code = (
        "from slvm_data.load import Sequences; from torch.utils.data import DataLoader; "
        f"sets = [Sequences({str(root)!r}, split) for split in ('train', 'val', 'test')]; "
        "print(sum(map(len, sets)), next(iter(DataLoader(sets[0], 64, shuffle=True)))['image'].shape)"
    )
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def measure(name: str, root: Path, original: Path) -> dict[str, float]:
    """A contender's figures, from a process of its own."""
    command = [sys.executable, __file__, "--contender", name, "--root", str(root), "--original", str(original)]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def table(title: str, names: list[str], copy: str, root: Path, original: Path) -> None:
    """Measure and print."""
    print(f"\n{title:28}{'batches/s':>12}{'ms':>9}{'x plain, 3':>12}{'of a copy':>11}{'MiB':>9}", flush=True)
    found = {
        name: measure(name, root, original)
        for name in (*names, *(f"copy {copy} {which}" for which in ("same", "other")))
    }
    plain, ever = found[names[0]]["rate"], found[f"copy {copy} other"]["rate"]
    for name, m in found.items():
        ratios = f"{m['rate'] / plain:12.1f}{m['rate'] / ever:11.2f}"
        print(f"{name:28}{m['rate']:12.1f}{1e3 / m['rate']:9.2f}{ratios}{m['memory']:9.0f}")


def main() -> None:
    """Measure and print two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--train", type=int, default=3000, help="sequences of each task")
    for hidden in ("--contender", "--root", "--original"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        print(json.dumps(contender(options.contender, Path(options.root), Path(options.original))))
        return
    from slvm_data import RECIPES, generate  # here, since loaders are measured without JAX
    from slvm_data.recipe.original import as_original

    recipe = dataclasses.replace(RECIPES["pendulum3"], train=options.train)
    with tempfile.TemporaryDirectory() as place:
        root, original = generate(recipe, f"{place}/ours"), generate(as_original(recipe), f"{place}/original")
        plain = ["plain, 3 channels", "plain, 1 channel"]
        table("sequences", [*plain, "Sequences"], "sequences", root, original)
        table("episodes", [*(f"{name}, episodes" for name in plain), "Episodes"], "episodes", root, original)
        count = 3 * (options.train + recipe.val + recipe.test)
        print(f"\nfirst batch of {count} sequences from a cold process: {min(cold(root) for _ in range(3)):.2f} s")


if __name__ == "__main__":
    main()
