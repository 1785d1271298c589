"""Tests that every file format has to pass. For a format of your own, subclass `StoreSuite`; pytest runs the tests.

They write a few hundred rows at most, and need nothing but pytest and the format's module.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from slvm_data.core.errors import DamageError
from slvm_data.core.types import Arrays
from slvm_data.store.manifest import Form, Written, forms_of

COUNT = 37  # rows of most tests
FLIPS = 60  # bits that are flipped, one at a time, in any file


def example(count: int, frames: int = 4, picture: tuple[int, ...] = (8, 8), seed: int = 0) -> Arrays:
    """Arrays of every type that a dataset has, of `count` sequences; pictures are of zeros and ones, mostly zeros.

    The numbers include those that a format may easily change: NaN, infinity, -0, the largest whole numbers.
    """
    rng = np.random.default_rng(seed)
    state = rng.normal(size=(count, frames, 3)).astype(np.float32)
    state[0, 0] = np.nan, np.inf, -0.0
    label = rng.integers(-(2**63), 2**63 - 1, (count, 1), endpoint=True)
    label[-1] = 2**63 - 1
    return {
        "image": (rng.random((count, frames, *picture)) < 0.1).astype(np.uint8),
        "domain_image": (rng.random((count, 2, frames, *picture)) < 0.1).astype(np.uint8),
        "state": state,
        "state_mask": rng.random((count, 3)) < 0.5,
        "label": label,
        "time": rng.random((count, frames)),
        "path": np.arange(count),
        "event_time": rng.random((count, 2)),
        "param_m": rng.random(count).astype(np.float32),
        "param_l": rng.random((count, 2)).astype(np.float32),
    }


def chunks(rows: Arrays, size: int) -> Iterator[Arrays]:
    """Yield the rows, `size` at a time, each time in the same memory, as `generate` gives them to a format."""
    memory = {name: np.empty_like(array[:size]) for name, array in rows.items()}
    count = len(rows["label"])
    for start in range(0, count, size):
        n = min(size, count - start)
        for name, array in rows.items():
            memory[name][:n] = array[start : start + n]
        yield {name: array[:n] for name, array in memory.items()}


def assert_equal(found: Arrays, expected: Arrays) -> None:
    """Assert that two sets of arrays are the same, to the last bit."""
    assert found.keys() == expected.keys(), f"{sorted(found)} instead of {sorted(expected)}"
    for name, array in expected.items():
        assert found[name].dtype == array.dtype, f"{name}: {found[name].dtype} instead of {array.dtype}"
        assert found[name].shape == array.shape, f"{name}: {found[name].shape} instead of {array.shape}"
        assert found[name].tobytes() == array.tobytes(), f"{name}: other numbers"


@contextmanager
def refused(kind: type[Exception], *words: str) -> Iterator[None]:
    """Assert that the block raises this error, with a message that contains these words."""
    said: str | None = None  # not the error itself, which would keep its variables alive and files open
    try:
        yield
    except kind as error:
        said = str(error)
    assert said is not None, f"no {kind.__name__} was raised"
    assert all(word in said for word in words), f"{said!r} does not contain all of {words}"


class StoreSuite:
    """The tests of a format. A subclass names the module and the ending of its files.

        from slvm_data.store.testing import StoreSuite
        from my_package import my_format

        class TestMyFormat(StoreSuite):
            store = my_format
            ending = ".mine"

    The module has the five functions that `slvm_data.store.npz` has:

    * `write(path, chunks, count, binary)` writes `count` rows, which arrive in chunks {name: [n …]}, and returns a
      `Written`; it raises ValueError if chunks do not fit together. With `binary`, frames hold only zeros and ones.
    * `read(path, rows)` gives all arrays, or these rows (increasing) of them.
    * `blocks(path, rows, wanted)` gives the arrays with these names, `rows` rows at a time.
    * `pieces(path, wanted)` gives the arrays of these forms piece by piece: name, number of the first row, rows.
    * `fault(path, written)` tells in a sentence how a file differs from what was written; None if it does not.

    The functions that read raise `slvm_data.core.errors.DamageError` if a file is not what was written.
    """

    store: ClassVar[Any]
    ending: ClassVar[str]
    counts: ClassVar[tuple[int, ...]] = (1, 2, COUNT, 300)  # numbers of rows to be written

    def holds_rows(self, file: Path) -> bool:
        """Whether `read` checks this file by a checksum; damage to other files is found by `fault` only."""
        del file
        return True

    def write(self, folder: Path, rows: Arrays, size: int = 10, binary: bool = True) -> tuple[Path, Written]:
        """Write rows to a new folder; return the file and its `Written`."""
        folder.mkdir()
        path = folder / f"train{self.ending}"
        return path, self.store.write(path, chunks(rows, size), len(rows["label"]), binary)

    def test_rows_come_back(self, tmp_path: Path) -> None:
        """Rows of every type and shape are read as written, one or many, and `write` says what it wrote."""
        for count in self.counts:
            rows = example(count)
            path, written = self.write(tmp_path / str(count), rows)
            assert_equal(self.store.read(path), rows)
            assert written.arrays == forms_of(rows)
            assert written.rows == count
            files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
            assert written.bytes == sum(file.stat().st_size for file in files)
            assert self.store.fault(path, written) is None

    def test_arrays_of_every_rank_come_back(self, tmp_path: Path) -> None:
        """Colours, odd sizes of pictures, one frame, and one long sequence."""
        shapes = {"colours": (3, (3, 5, 7)), "odd": (3, (5, 7)), "one": (1, (1, 1)), "long": (450, (4, 4))}
        for name, (frames, picture) in shapes.items():
            rows = example(5, frames, picture)
            path, _ = self.write(tmp_path / name, rows, size=2)
            assert_equal(self.store.read(path), rows)

    def test_axes_of_length_0_come_back(self, tmp_path: Path) -> None:
        """For example the arrays of impacts, if no sequence has any."""
        empty = {"event_time": (0,), "event_before": (0, 2), "queries": (4, 0)}
        rows = example(COUNT) | {name: np.zeros((COUNT, *row), np.float32) for name, row in empty.items()}
        path, written = self.write(tmp_path / "x", rows)
        assert_equal(self.store.read(path), rows)
        assert_equal(self.store.read(path, np.array([3, 36])), {name: array[[3, 36]] for name, array in rows.items()})
        assert self.store.fault(path, written) is None
        for block in self.store.blocks(path, 10, tuple(rows)):
            assert {name: array.shape[1:] for name, array in block.items()} == {n: a.shape[1:] for n, a in rows.items()}
        for name, first, block in self.store.pieces(path, {name: written.arrays[name] for name in empty}):
            assert block.shape == rows[name][first : first + len(block)].shape

    def test_pictures_that_are_not_binary_come_back(self, tmp_path: Path) -> None:
        """Numbers of any type in their pixels."""
        rows = example(COUNT, picture=(3, 4, 4))
        del rows["domain_image"]
        for dtype in (np.float64, np.uint8):
            rows["image"] = (np.random.default_rng(1).random(rows["image"].shape) * 255).astype(dtype)
            path, _ = self.write(tmp_path / np.dtype(dtype).name, rows, binary=False)
            assert_equal(self.store.read(path), rows)

    def test_memory_may_lie_in_any_order(self, tmp_path: Path) -> None:
        """Arrays that are views of others."""
        rows = example(COUNT)
        views = {name: np.asfortranarray(array) for name, array in rows.items()}
        views["state"] = np.repeat(rows["state"], 2, axis=1)[:, ::2]
        path = tmp_path / f"train{self.ending}"
        self.store.write(path, [views], COUNT, True)
        assert_equal(self.store.read(path), rows)

    def test_some_rows(self, tmp_path: Path) -> None:
        """Read no row, one, some, and all."""
        rows = example(300)
        path, _ = self.write(tmp_path / "x", rows)
        for chosen in ([], [0], [299], [3, 4, 36, 64, 299], list(range(300))):
            found = self.store.read(path, np.array(chosen, int))
            assert_equal(found, {name: array[chosen] for name, array in rows.items()})

    def test_blocks(self, tmp_path: Path) -> None:
        """Blocks of any size give all rows in order, and only the last one may be shorter."""
        rows = example(150)
        path, _ = self.write(tmp_path / "x", rows)
        for size, names in ((1, ("label",)), (7, ("state", "label")), (64, tuple(rows)), (1000, tuple(rows))):
            found = list(self.store.blocks(path, size, names))
            lengths = [len(block["label"]) for block in found]
            assert lengths == [min(size, 150 - start) for start in range(0, 150, size)]
            joined = {name: np.concatenate([block[name] for block in found]) for name in names}
            assert_equal(joined, {name: rows[name] for name in names})
        with refused(DamageError, str(path), "latent"):
            list(self.store.blocks(path, 10, ("label", "latent")))

    def test_pieces(self, tmp_path: Path) -> None:
        """All rows of each array in order; pictures of zeros and ones may come bit-packed."""
        rows = example(150)
        path, written = self.write(tmp_path / "x", rows)
        for wanted in (written.arrays, {name: written.arrays[name] for name in ("image", "label")}):
            found: dict[str, list[np.ndarray]] = {name: [] for name in wanted}
            for name, first, block in self.store.pieces(path, wanted):
                assert first == sum(map(len, found[name])), f"{name}: row {first} is not the next one"
                found[name].append(_unpacked(block, wanted[name]))
            assert_equal({n: np.concatenate(blocks) for n, blocks in found.items()}, {n: rows[n] for n in wanted})

    def test_pieces_of_other_forms_are_refused(self, tmp_path: Path) -> None:
        """Raises DamageError if an array of the file has another form than the one asked for."""
        path, written = self.write(tmp_path / "x", example(COUNT))
        form = written.arrays["state"]
        for name, other in (
            ("state", Form((COUNT + 1, *form.row), form.dtype)),
            ("state", Form((COUNT, 4, 2), form.dtype)),
            ("state", Form(form.shape, "float64")),
            ("latent", form),
        ):
            with refused(DamageError, str(path), name):
                list(self.store.pieces(path, {name: other}))

    def test_bytes_do_not_depend_on_chunks(self, tmp_path: Path) -> None:
        """The bytes do not depend on the time of writing either."""
        rows, found = example(300), []
        for number, size in enumerate((7, 64, 128, 300, 300)):
            folder = tmp_path / str(number)
            _, written = self.write(folder, rows, size)
            found.append((written, _tree(folder)))
        assert all(one == found[0] for one in found)

    def test_chunks_that_do_not_fit_together_are_refused(self, tmp_path: Path) -> None:
        """They raise ValueError, and leave no file that could be read."""
        one, two = example(5), example(5, seed=1)
        short = {name: array[:1] if name == "state" else array for name, array in two.items()}
        cases: dict[str, list[Arrays]] = {
            "of another shape": [one, two | {"state": two["state"][:, :3]}],
            "of another type": [one, two | {"state": two["state"].astype(np.float64)}],
            "without an array": [one, {name: array for name, array in two.items() if name != "state"}],
            "with one more array": [one, two | {"energy": two["time"]}],
            "with one row of an array": [one, short],
            "with one row of an array, at first": [short, one],
            "too few": [one],
            "too many": [one, two, one],
            "none": [],
        }
        for number, (name, parts) in enumerate(cases.items()):
            folder = tmp_path / str(number)
            folder.mkdir()
            path = folder / f"train{self.ending}"
            try:
                self.store.write(path, parts, 10, True)
            except ValueError:
                pass
            except Exception as error:
                raise AssertionError(f"chunks {name} raise {error!r}, no ValueError") from error
            else:
                raise AssertionError(f"chunks {name} were written")
            with refused(DamageError, str(path)):
                self.store.read(path)

    def test_what_is_interrupted_is_not_there(self, tmp_path: Path) -> None:
        """What was written before an interrupt is not read as a file."""

        def broken(parts: int) -> Iterator[Arrays]:
            for number, chunk in enumerate(chunks(example(300), 10)):
                if number == parts:
                    raise KeyboardInterrupt
                yield chunk

        for parts in (0, 1, 12, 29):
            folder = tmp_path / str(parts)
            folder.mkdir()
            path = folder / f"train{self.ending}"
            try:
                self.store.write(path, broken(parts), 300, True)
            except KeyboardInterrupt:
                pass
            else:
                raise AssertionError("the interrupt was lost")
            with refused(DamageError, str(path)):
                self.store.read(path)

    def test_a_flipped_bit_is_named(self, tmp_path: Path) -> None:
        """`fault` finds a flipped bit anywhere, and `read` never returns other numbers than were written."""
        rng = np.random.default_rng(7)

        def flip(data: bytes) -> bytes:
            at, bit = int(rng.integers(len(data))), int(rng.integers(8))
            return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]

        rows = example(100)
        path, written = self.write(tmp_path / "x", rows)
        files = _files(tmp_path / "x")
        for number in rng.integers(len(files), size=FLIPS):
            self._is_named(path, written, rows, files[number], flip)
        assert self.store.fault(path, written) is None

    def test_a_file_cut_short_is_named(self, tmp_path: Path) -> None:
        """`fault` finds any file that is cut short, at any length."""
        rows = example(100)
        path, written = self.write(tmp_path / "x", rows)
        for file in _files(tmp_path / "x"):
            size = file.stat().st_size
            for length in {0, 1, size // 2, size - 1} - {size}:
                self._is_named(path, written, rows, file, lambda data, n=length: data[:n], always=True)

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        """`fault` finds a missing file, any one or all."""
        rows = example(100)
        path, written = self.write(tmp_path / "x", rows)
        for file in _files(tmp_path / "x"):
            self._is_named(path, written, rows, file, lambda _: None, always=True)
        other = tmp_path / "y" / path.name
        assert str(other.with_suffix("")) in self.store.fault(other, written)
        for read in (
            lambda: self.store.read(other),
            lambda: list(self.store.blocks(other, 10, ("label",))),
            lambda: list(self.store.pieces(other, written.arrays)),
        ):
            with refused(DamageError, str(other)):
                read()

    def _is_named(
        self,
        path: Path,
        written: Written,
        rows: Arrays,
        file: Path,
        harm: Callable[[bytes], bytes | None],
        always: bool = False,
    ) -> None:
        """Assert that `fault` names damage to a file; `read` raises too, or, if not `always`, returns good rows."""
        good = file.read_bytes()
        bad = harm(good)
        if bad is None:
            file.unlink()
        else:
            file.write_bytes(bad)
        fault = self.store.fault(path, written)
        assert fault, f"fault does not see that {file} is damaged"
        assert str(path.with_suffix("")) in fault, f"{fault!r} does not name {path}"
        assert "\n" not in fault
        if self.holds_rows(file):
            found, said = self._read(path)
            assert found is not None or str(path) in said, f"{said!r} does not name {path}"
            if found is not None:
                assert not always, f"{file} is damaged, and was read"
                assert_equal(found, rows)
        file.write_bytes(good)

    def _read(self, path: Path) -> tuple[Arrays | None, str]:
        """Read the arrays, or return the message of the error."""
        try:
            return self.store.read(path), ""
        except DamageError as error:
            return None, str(error)

    def test_the_file_of_other_rows_is_a_fault(self, tmp_path: Path) -> None:
        """`fault` finds an undamaged file that holds other rows."""
        path, written = self.write(tmp_path / "x", example(COUNT))
        other, _ = self.write(tmp_path / "y", example(COUNT, seed=1))
        assert self.store.fault(other, written)
        assert self.store.fault(path, written) is None

    def test_binary_pictures_are_small(self, tmp_path: Path) -> None:
        """Frames of zeros and ones take at most about a bit per pixel."""
        rows = example(200, frames=10, picture=(16, 16))
        image = {"image": rows["image"], "label": rows["label"]}
        _, written = self.write(tmp_path / "x", image, size=200)
        assert written.bytes < image["image"].nbytes / 6


def _unpacked(block: np.ndarray, form: Form) -> np.ndarray:
    """Unpack a block of bit-packed pictures to the given form; return other blocks as they are."""
    if block.shape[1:] == form.row:
        return block
    picture = form.row[block.ndim - 2 :]
    return np.unpackbits(block, axis=-1, count=int(np.prod(picture))).reshape(len(block), *form.row)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}
