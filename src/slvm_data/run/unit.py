"""Make a unit: a pure function of plan and number, so that it may be made again at any time, by any process."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from slvm_data.core.cores import cores
from slvm_data.core.errors import DamageError
from slvm_data.core.files import atomic, read_at_most
from slvm_data.core.json_tree import Json, from_json
from slvm_data.core.progress import counted
from slvm_data.core.types import Arrays
from slvm_data.run.plan import Plan, Unit
from slvm_data.simulation.batch import Batch
from slvm_data.simulation.certificate import Tally
from slvm_data.store.journal import next_of, scratch_of, units_of
from slvm_data.store.rows import fitting

THREADS = 8  # at most, that make batches: with more, compression is what takes the time
NOTE = 2**24  # bytes of a note, at most
WRITERS = 4  # threads that store units, each of which waits for the disk much of the time

Batches = Generator[Batch, None, None]


@dataclass(frozen=True)
class Note:
    """What is known of a finished unit."""

    stored: dict[str, Json]  # as the layout of its file returned it
    tally: dict[str, Json]  # counts of its trajectories; empty for uncut ones


def make_units(plan: Plan, folder: Path, units: list[Unit]) -> Iterator[Unit]:
    """Make these units, and yield each one when it is stored.

    Threads make batches ahead, and others store the units whose rows are complete.
    """
    with closing(ahead(plan, units)) as batches, ThreadPoolExecutor(WRITERS) as writers:
        waiting = deque[tuple[Unit, Future[None]]]()
        for unit in units:
            waiting.append((unit, writers.submit(gather(plan, folder, unit, batches))))
            if len(waiting) > WRITERS:
                yield _stored(*waiting.popleft())
        while waiting:
            yield _stored(*waiting.popleft())


def _stored(unit: Unit, future: Future[None]) -> Unit:
    future.result()
    return unit


def make_unit(plan: Plan, folder: Path, unit: Unit) -> None:
    """Make a unit, and note it last."""
    gather(plan, folder, unit, _one_by_one(plan, unit))()


def gather(plan: Plan, folder: Path, unit: Unit, batches: Batches) -> Callable[[], None]:
    """Make the rows of a unit from the next ones of these batches; return a function that stores it, and notes it last.

    An error is raised again with the names of folder and unit.
    """
    file, recipe = unit.file, plan.recipe_of(unit.file.split)
    tally = Tally(recipe.tasks[file.task], recipe.drift)
    path, scratch = next_of(folder) / file.path, scratch_of(folder)
    with _named(folder, unit):
        rows = _rows(plan, unit, batches, tally)
        chunks = rows if plan.bar is None or file.series else counted(rows, plan.bar)
        fits = (chunk for chunk, _ in fitting(chunks, unit.stop - unit.first))
        put = plan.layouts[file].gather(path, unit.number, fits, scratch)

    def store() -> None:
        with _named(folder, unit):
            _write(_note(folder, unit), Note(put(), {} if file.series else tally.state()), scratch)

    return store


def _rows(plan: Plan, unit: Unit, batches: Batches, tally: Tally) -> Iterator[Arrays]:
    for job in plan.jobs(unit):
        batch = next(batches)
        if job.counted:
            tally.add(batch)
        yield from plan.rows(unit, job, batch)


def ahead(plan: Plan, units: list[Unit]) -> Batches:
    """Yield the batches of these units, in order; the next ones are made while the caller stores the one before."""
    workers = cores(THREADS)
    pool, waiting = ThreadPoolExecutor(workers), deque[Future[Batch]]()
    buffers = plan.buffers(units, workers + 2)
    try:
        for number, job in enumerate(job for unit in units for job in plan.jobs(unit)):
            if len(waiting) == len(buffers):
                yield waiting.popleft().result()  # its buffer is free again when the caller asks for the next
            waiting.append(pool.submit(plan.make, job, buffers[number % len(buffers)][job.file.split]))
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


def _one_by_one(plan: Plan, unit: Unit) -> Batches:
    """Yield the batches of a unit; each one is made when it is asked for."""
    (frames,) = plan.buffers([unit], 1)
    for job in plan.jobs(unit):
        yield plan.make(job, frames[job.file.split])


@contextmanager
def _named(folder: Path, unit: Unit) -> Iterator[None]:
    """Add to errors where they arose, and what to do next."""
    try:
        with told(folder, str(unit)):
            yield
    except ValueError as error:
        raise ValueError(f"{folder}, {unit}: {error}") from error


@contextmanager
def told(folder: Path, where: str) -> Iterator[None]:
    """Add to errors of the disk where they arose, and what to do next."""
    try:
        yield
    except OSError as error:
        what = f"{error.strerror or error}, at {where}: mend this, and run the same command again to go on"
        raise OSError(error.errno, what, str(folder)) from error


def _note(folder: Path, unit: Unit) -> Path:
    return units_of(folder) / f"{unit.file.path.as_posix().replace('/', '-')}-{unit.number}.json"


def _write(path: Path, note: Note, scratch: Path) -> None:
    text = json.dumps(vars(note))
    with atomic(path, scratch=scratch) as file:
        file.write(f"{sha256(text.encode()).hexdigest()} {text}".encode())


def noted(plan: Plan, folder: Path, unit: Unit) -> Note | None:
    """The note on a unit; None if the unit is not complete."""
    try:
        digest, _, text = read_at_most(_note(folder, unit), NOTE).partition(b" ")
    except (FileNotFoundError, NotADirectoryError, DamageError):
        return None
    if digest != sha256(text).hexdigest().encode():
        return None
    try:
        note = from_json(Note, json.loads(text), "note")
    except (ValueError, RecursionError):
        return None
    there = plan.layouts[unit.file].is_there(next_of(folder) / unit.file.path, unit.number, note.stored)
    return note if there else None
