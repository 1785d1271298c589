"""Tests that every file format has to pass. For a format of your own, subclass `StoreSuite`; pytest runs the tests.

They write a few hundred rows at most, and need nothing but pytest and the format's module.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import cycle
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


def tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder, hidden ones included, by their names in it."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}


def whole_tree(folder: Path) -> dict[str, bytes]:
    """All files of a folder, and its empty folders."""
    empty = [path for path in folder.rglob("*") if path.is_dir() and not any(path.iterdir())]
    return tree(folder) | {path.relative_to(folder).as_posix(): b"" for path in empty}


def noted_files(group: Path, name: str) -> dict[str, Any]:
    """The files that a marker of a group of Zarr lists, and their checksums."""
    from slvm_data.store.zarr_layout import marked, markers  # which needs tensorstore

    return marked(group, f"{name}.json", (markers(group) / f"{name}.json").read_bytes())


def forge(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change what a manifest says, with a checksum that fits."""
    content = json.loads(path.read_bytes())
    del content["sha256"]
    change(content)
    content["sha256"] = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    path.write_text(json.dumps(content))


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

    It also has a class `Layout`, which divides a file into units, as `slvm_data.store.formats.Layout` says. Units that
    are stored one by one give the bytes that `write` gives.
    """

    store: ClassVar[Any]
    ending: ClassVar[str]
    counts: ClassVar[tuple[int, ...]] = (1, 2, COUNT, 300)  # numbers of rows to be written

    def holds_rows(self, file: Path) -> bool:
        """Whether `read` finds any damage to this file; some damage to other files is found by `fault` only."""
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
            found.append((written, tree(folder)))
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
            with refused(DamageError, str(path.with_suffix(""))):
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
            with refused(DamageError, str(path.with_suffix(""))):
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
        _spoil(file, bad)
        fault = self.store.fault(path, written)
        assert fault, f"fault does not see that {file} is damaged"
        assert str(path.with_suffix("")) in fault, f"{fault!r} does not name {path}"
        assert "\n" not in fault
        found, said = self._read(path)
        assert found is not None or str(path.with_suffix("")) in said, f"{said!r} does not name {path}"
        if found is not None:
            assert not always or not self.holds_rows(file), f"{file} is damaged, and was read"
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

    def layout(self, rows: Arrays) -> Any:
        """The layout of a file of these rows, whose pictures hold only zeros and ones."""
        return self.store.Layout.of(forms_of(rows), True)

    def begin(self, folder: Path, layout: Any) -> tuple[Path, Path]:
        """Make everything of a new file but its units; return the file, and the folder for temporary files."""
        scratch = folder.with_name(f"{folder.name}-scratch")
        for place in (folder, scratch):
            place.mkdir()
        path = folder / f"train{self.ending}"
        layout.create(path, scratch)
        return path, scratch

    def put(self, layout: Any, place: tuple[Path, Path], unit: int, rows: Arrays, size: int = 10) -> Any:
        """Store a unit, whose rows arrive `size` at a time; return what the layout returns of it."""
        return self.gather(layout, place, unit, rows, size)()

    def gather(self, layout: Any, place: tuple[Path, Path], unit: int, rows: Arrays, size: int = 10) -> Any:
        """Take the rows of a unit; return the function that stores them."""
        path, scratch = place
        first, stop = layout.ranges()[unit]
        return layout.gather(path, unit, chunks({n: array[first:stop] for n, array in rows.items()}, size), scratch)

    def test_units_cover_all_rows(self, tmp_path: Path) -> None:
        """Each row is in one unit, in order, and none is empty."""
        del tmp_path
        for count in self.counts:
            layout = self.layout(rows := example(count))
            assert dict(layout.forms) == forms_of(rows)
            ranges = layout.ranges()
            assert all(first < stop for first, stop in ranges), f"{ranges} has an empty unit"
            assert [first for first, _ in ranges] == [0, *(stop for _, stop in ranges[:-1])], f"{ranges} has gaps"
            assert ranges[-1][1] == count, f"{ranges} ends before row {count}"

    def test_units_give_the_bytes_of_write(self, tmp_path: Path) -> None:
        """In any order, some of them twice, taken one after the other and stored at once by several threads."""
        for count in self.counts:
            rows = example(count)
            _, written = self.write(tmp_path / f"{count}", rows)
            expected, layout = tree(tmp_path / f"{count}"), self.layout(rows)
            units = list(range(len(layout.ranges())))
            for name, order in {"forward": units, "backward": units[::-1], "twice": [*units, *units[::2]]}.items():
                place = self.begin(tmp_path / f"{count}-{name}", layout)
                stored = {unit: self.put(layout, place, unit, rows, 7) for unit in order}
                assert layout.written(place[0], [stored[unit] for unit in units], place[1]) == written
                assert tree(place[0].parent) == expected, f"units {order} give other bytes"
                assert not _files(place[1]), "temporary files are left"
            place = self.begin(tmp_path / f"{count}-threads", layout)
            with ThreadPoolExecutor(3) as pool:
                tasks = [pool.submit(self.gather(layout, place, unit, rows)) for unit in units]
            assert layout.written(place[0], [task.result() for task in tasks], place[1]) == written
            assert tree(place[0].parent) == expected, "threads give other bytes"

    def test_a_unit_is_there_once_it_is_stored(self, tmp_path: Path) -> None:
        """And no longer if one of its files is missing or cut short; the other units stay."""
        layout = self.layout(rows := example(300))
        whole, units = self.begin(tmp_path / "whole", layout), range(len(layout.ranges()))
        stored = [self.put(layout, whole, unit, rows) for unit in units]
        path, scratch = self.begin(tmp_path / "x", layout)

        def there() -> list[int]:
            return [unit for unit in units if layout.is_there(path, unit, stored[unit])]

        for unit in units:
            assert there() == list(units[:unit]), f"before unit {unit} is stored"
            run = self.gather(layout, (path, scratch), unit, rows)
            assert there() == list(units[:unit]), f"before unit {unit} is stored"
            before = tree(path.parent)
            assert run() == stored[unit]
            for name in tree(path.parent).keys() - before.keys():
                good = (path.parent / name).read_bytes()
                for bad in (None, b"", good[: len(good) // 2]):
                    _spoil(path.parent / name, bad)
                    assert there() == list(units[:unit]), f"{name} is damaged"
                (path.parent / name).write_bytes(good)
        assert there() == list(units)

    def test_what_is_damaged_is_made_again(self, tmp_path: Path) -> None:
        """Metadata by `create`, units by themselves, and the list of the units by `relist`, to the same bytes."""
        layout = self.layout(rows := example(300))
        place, units = self.begin(tmp_path / "x", layout), range(len(layout.ranges()))
        path, scratch = place
        parts: dict[int | str, set[str]] = {"metadata": set(tree(path.parent))}
        stored = []
        for unit in units:
            before = tree(path.parent).keys()
            stored.append(self.put(layout, place, unit, rows))
            parts[unit] = tree(path.parent).keys() - before
        before = tree(path.parent).keys()
        written = layout.written(path, stored, scratch)
        good = tree(path.parent)
        parts["list"] = good.keys() - before
        kinds = cycle([lambda _: None, lambda _: b"", lambda data: data[:-1], _flipped])
        for part, name in ((part, name) for part, names in parts.items() for name in sorted(names)):
            _spoil(path.parent / name, next(kinds)(good[name]))
            assert self.store.fault(path, written), f"{name} is damaged"
            assert layout.lacks_metadata(path) == (part == "metadata"), f"{name} is damaged"
            damaged = [unit for unit in units if layout.is_damaged(path, unit)]
            assert damaged == [unit for unit in units if unit == part] or len(units) == 1, f"{name} is damaged"
            if part == "metadata":
                layout.create(path, scratch)
            for unit in damaged:
                self.put(layout, place, unit, rows)
            layout.relist(path, scratch)
            assert self.store.fault(path, written) is None
            assert tree(path.parent) == good, f"{name} was damaged, and is not as before"
            assert not _files(scratch), "temporary files are left"


def _spoil(file: Path, data: bytes | None) -> None:
    """Put other bytes in the place of a file, or remove it."""
    if data is None:
        file.unlink()
    else:
        file.write_bytes(data)


def _flipped(data: bytes) -> bytes:
    """The data, with another bit in the middle."""
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def _unpacked(block: np.ndarray, form: Form) -> np.ndarray:
    """Unpack a block of bit-packed pictures to the given form; return other blocks as they are."""
    if block.shape[1:] == form.row:
        return block
    picture = form.row[block.ndim - 2 :]
    return np.unpackbits(block, axis=-1, count=int(np.prod(picture))).reshape(len(block), *form.row)


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())
