#!/usr/bin/env python3
"""Are all cores busy while a dataset is generated, and if not, what does each thread wait for?

    python3 benchmarks/busy.py [DATASET …] [--sequences 20000]

A thread looks every 5 ms at how much processor time the process has used, and at the function of this package in which
each thread is. Printed are the cores kept busy on average and the share of the time in which one core at least was
idle, with the functions in which threads were then. Other programs that run meanwhile make cores look idle.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from generate import alone, generating

from slvm_data.core.cores import cores
from slvm_data.core.devices import compute_where_asked
from slvm_data.simulation.batch import BATCH

EVERY = 0.005  # s
SHOWN = 12  # situations


def where(thread: int) -> str:
    """The innermost function of this package in which a thread is; empty if it is in none."""
    frame = sys._current_frames().get(thread)
    while frame and "slvm_data" not in frame.f_code.co_filename:
        frame = frame.f_back
    return f"{Path(frame.f_code.co_filename).stem}.{frame.f_code.co_name}:{frame.f_lineno}" if frame else ""


@contextmanager
def watched(found: Counter[tuple[str, ...]], busy: list[float]) -> Iterator[None]:
    """While the block runs, note cores that are busy, and situations in which one is idle."""
    ended = threading.Event()
    count = cores(64)

    def watch() -> None:
        used, then = time.process_time(), time.perf_counter()
        while not ended.wait(EVERY):
            now, use = time.perf_counter(), time.process_time()
            busy.append((use - used) / (now - then))
            if busy[-1] < count - 0.5:
                own = threading.get_ident()
                others = (where(one.ident) for one in threading.enumerate() if one.ident and one.ident != own)
                found[tuple(sorted(filter(None, others)))] += 1
            used, then = use, now

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def show(name: str, sequences: int) -> None:
    """Print the figures of one dataset."""
    found, busy = Counter[tuple[str, ...]](), list[float]()
    with tempfile.TemporaryDirectory() as place:
        recipe = alone(name, sequences)
        generating(alone(name, BATCH), Path(place))  # compiles
        with watched(found, busy):
            seconds = generating(recipe, Path(place))
    idle = sum(found.values()) / len(busy)
    print(f"{name}: {seconds:.2f} s, {sum(busy) / len(busy):.2f} cores busy, one idle in {idle:.0%} of the time")
    for situation, count in found.most_common(SHOWN):
        print(f"  {count / len(busy):5.1%}  {' | '.join(situation)}")


def main() -> None:
    """Show datasets in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=["pendulum", "two_body", "double_pendulum"], metavar="DATASET")
    parser.add_argument("--sequences", type=int, default=20_000)
    asked = parser.parse_args()
    compute_where_asked()  # as commands do
    for name in asked.datasets:
        show(name, asked.sequences)


if __name__ == "__main__":
    main()
