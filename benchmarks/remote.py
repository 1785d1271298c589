#!/usr/bin/env python3
"""The speed of reading a dataset at a URL, beside that of the same dataset on disk.

    python3 benchmarks/remote.py FOLDER URL

An epoch of all sequences in the order of `Shuffled`, 64 a batch, whole and in windows of ten frames. Each pass opens
the dataset again, with a cache of 1 MB, so that all its shards are read. The two take turns; medians are printed.
"""

from __future__ import annotations

import argparse
import statistics
import time

from torch.utils.data import DataLoader

from slvm_data.load import Sequences, Shuffled

BATCH, TURNS, WINDOW = 64, 7, 10


def seconds(root: str, window: int | None) -> float:
    begin = time.perf_counter()
    dataset = Sequences(root, window=window, stride=window or 1, cache=1)
    for _ in DataLoader(dataset, batch_size=BATCH, sampler=Shuffled(dataset)):
        pass
    return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("url")
    given = parser.parse_args()
    for window in (None, WINDOW):
        turns = [(seconds(given.folder, window), seconds(given.url, window)) for _ in range(TURNS)]
        disk, far = (statistics.median(times) for times in zip(*turns, strict=True))
        name = f"windows of {window}" if window else "whole"
        print(f"{name}: disk {disk:.2f} s, URL {far:.2f} s, {disk / far:.2f} times as fast as disk")


if __name__ == "__main__":
    main()
