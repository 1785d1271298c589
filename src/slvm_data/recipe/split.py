"""Named splits: how they differ from the training split, and rules that place them just outside of it."""

from __future__ import annotations

import abc
import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Self

from slvm_data.core.fields import check, floats, is_number, leaves, limited, plain
from slvm_data.core.json_tree import Json, from_json, to_json
from slvm_data.core.kinds import Kind, plain_value
from slvm_data.core.ranges import Uniform, joined
from slvm_data.core.types import INDICES, SPLITS
from slvm_data.observe.modifiers import Modifier
from slvm_data.observe.view import View
from slvm_data.systems.control import Control
from slvm_data.systems.drift import Drift
from slvm_data.systems.timing import TimeRule

LETTERS = 40  # of a name
RESERVED = ("all", "path", "validation", "series", "default")  # keys of other draws, and names in copies
COMBINED = "combined_"  # how names of the files begin that hold all tasks
_NAME = re.compile(rf"[a-z][a-z0-9_]{{0,{LETTERS - 1}}}")


@dataclass(frozen=True, kw_only=True)
class Rule(Kind, abc.ABC):
    """A range that follows from that of training, or a number of frames that follows from that of training."""

    family: ClassVar = "rule of a split"

    @abc.abstractmethod
    def of(self, training: Any) -> Any:
        """Return the value in the split, for a number or range of training; raises ValueError if it has none."""


@dataclass(frozen=True, kw_only=True)
class Shell(Rule):
    """Just outside of the training range, below and above it: from `inner` to `outer`, as shares of its width."""

    inner: float = limited(0.0, minimum=0)
    outer: float = limited(0.1, positive=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.inner >= self.outer:
            raise ValueError(f"{self.name()}: inner = {self.inner:g} has to be below outer = {self.outer:g}")

    def of(self, training: Any) -> Uniform:
        """The two parts of the shell, as a range with a gap."""
        low, high, width = _ends(self, training)
        near, far = self.inner * width, self.outer * width
        return joined(Uniform(low - far, low - near), Uniform(high + near, high + far))


@dataclass(frozen=True, kw_only=True)
class Ring(Shell):
    """The part of a shell that lies above the training range. For starts, it is a ring around those of training."""

    def of(self, training: Any) -> Uniform:
        """The range above."""
        _, high, width = _ends(self, training)
        return Uniform(high + self.inner * width, high + self.outer * width)


@dataclass(frozen=True, kw_only=True)
class Hole(Rule):
    """The middle of the training range, `share` of its width. It is left out of train, val and test."""

    share: float = limited(0.2, positive=True, maximum=0.99)

    def of(self, training: Any) -> Uniform:
        """The middle, also of a range that it was cut out of already."""
        low, high, width = _ends(self, training)
        middle = (low + high) / 2
        return Uniform(middle - self.share * width / 2, middle + self.share * width / 2)

    def cut(self, training: Any) -> Uniform:
        """The training range without its middle; raises ValueError if it has another gap."""
        middle = self.of(training)
        if training.gap is None:
            return Uniform(training.low, training.high, (middle.low, middle.high))
        if training.gap[0] <= middle.low and middle.high <= training.gap[1]:
            return training
        raise ValueError(f"{self} is not in the gap of {training}, and a range has one gap: give the range without it")


@dataclass(frozen=True, kw_only=True)
class Times(Rule):
    """`k` times as many frames as in training."""

    k: float = limited(2.0, positive=True, maximum=10_000)

    def of(self, training: Any) -> int:
        """The number of frames."""
        return round(self.k * training)


def shell(inner: float, outer: float) -> Shell:
    """Ask for a range just outside that of training, on both sides; `inner` and `outer` are shares of its width."""
    return Shell(inner=inner, outer=outer)


def ring(inner: float, outer: float) -> Ring:
    """Ask for a range just above that of training; for starts, as in radii=ring(0.0, 0.2), a ring around them."""
    return Ring(inner=inner, outer=outer)


def hole(share: float = 0.2) -> Hole:
    """Ask for the middle of the training range, which train, val and test then leave out."""
    return Hole(share=share)


def times(k: float) -> Times:
    """Ask for `k` times as many frames as in training: for `steps` of a split."""
    return Times(k=k)


@dataclass(frozen=True, kw_only=True)
class Split:
    """A split beside train, val and test, with `count` sequences for each of its tasks.

    It is as train but for what is given here: `change` holds values of parameters and hyperparameters by name, such as
    {"l": uniform(1.5, 1.6)} or {"l": shell(0.0, 0.1)}, for the systems that have them. `tasks` are the labels of its
    tasks; without them, it has those of train. With `paired`, the name of another split, it has the random draws of
    that one, so that only what is changed here differs. `support` says how many sequences of each task, the first
    ones, are there to adapt a model to the task. A split whose parameters may lie where those of train do is refused,
    unless `overlap` is True.

    Raises ValueError for values that no recipe could have.
    """

    count: int
    change: Mapping[str, Any] = dataclasses.field(default_factory=dict, hash=False)
    tasks: tuple[int, ...] = ()
    steps: int | Rule | None = None
    dt: float | None = None
    time: TimeRule | None = None
    control: Control | None = None
    drift: tuple[Drift, ...] | None = None
    observe: tuple[Modifier, ...] | None = None
    view: View | None = None
    paired: str = ""
    support: int = limited(0, minimum=0)
    overlap: bool = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if field.name != "change":
                object.__setattr__(self, field.name, plain(getattr(self, field.name)))
        if not _whole(self.count) or not 0 < self.count < INDICES:
            raise ValueError(f"count = {self.count!r} of a split has to be a whole number from 1 to {INDICES - 1}")
        for name in ("support", "overlap", "paired"):
            check(self, name)
        object.__setattr__(self, "change", _change(self.change))
        if not isinstance(self.tasks, tuple) or not all(map(_whole, self.tasks)):
            raise ValueError(f"tasks = {self.tasks!r} of a split has to be a tuple of labels, such as (2, 3)")
        if self.support and self.support >= self.count:
            raise ValueError(f"support = {self.support} leaves none of {self.count} sequences to be asked for")
        self._check_time()
        for name, kind in _KINDS.items():
            _check_kind(name, getattr(self, name), kind)

    def _check_time(self) -> None:
        right = isinstance(self.steps, Times) or (_whole(self.steps) and self.steps > 0)  # pyright: ignore
        if self.steps is not None and not right:
            raise ValueError(f"steps = {self.steps!r} of a split has to be a whole number above 0, or times(2)")
        object.__setattr__(self, "dt", floats(self.dt))
        if self.dt is not None and not (is_number(self.dt) and 0 < self.dt < inf):
            raise ValueError(f"dt = {self.dt!r} of a split has to be a time above 0 s")

    def is_plain(self) -> bool:
        """Whether it differs from train in nothing but its number of sequences, tasks and draws."""
        return not self.change and all(getattr(self, name) is None for name in FIELDS)

    def fields(self, steps: int) -> dict[str, Any]:
        """The fields of a recipe that it changes, by name; training has `steps` frames."""
        found = {name: value for name in FIELDS if (value := getattr(self, name)) is not None}
        if isinstance(self.steps, Rule):
            found["steps"] = self.steps.of(steps)
        return found

    def __json__(self) -> Json:
        every = {field.name: (getattr(self, field.name), _default(field)) for field in dataclasses.fields(self)}
        return {name: to_json(value) for name, (value, default) in every.items() if value != default}

    @classmethod
    def __of_json__(cls, value: dict[str, Json], where: str) -> Self:
        names = {field.name for field in dataclasses.fields(cls)}
        if odd := [name for name in value if name not in names]:
            raise ValueError(f"{where} has the unknown key {odd[0][:40]!a}")
        if "count" not in value:
            raise ValueError(f"{where} lacks count")
        try:
            return cls(**{name: _read(name, own, f"{where}: {name}") for name, own in value.items()})
        except (ValueError, TypeError) as error:
            raise ValueError(f"{where}: {error}") from None


FIELDS = ("steps", "dt", "time", "control", "drift", "observe", "view")
"""Fields of a recipe that a split may change."""

_KINDS = {"time": TimeRule, "control": Control, "drift": Drift, "observe": Modifier, "view": View}


def check_split_name(name: object) -> None:
    """Raise ValueError unless a split may have this name: it is that of its files, and the root of its random keys."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(
            f"the name {str(name)[:60]!r} cannot be a split: use up to {LETTERS} small letters, digits or '_', with a "
            "letter first"
        )
    if name in (*SPLITS, *RESERVED) or name.startswith(COMBINED):
        raise ValueError(f"the name {name!r} of a split is taken: choose another one")


def changed(value: Any, wanted: Any) -> Any:
    """Return the value of a parameter in a split: `wanted`, or what this rule makes of that of training."""
    return _each(wanted.of, value) if isinstance(wanted, Rule) else wanted


def without_hole(value: Any, rule: Hole) -> Any:
    """Return the value of a parameter in training, without the hole."""
    return _each(rule.cut, value)


def _each(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a rule to a value, or to each one of a vector that is a range."""
    if not isinstance(value, tuple):
        return function(value)
    ranges = [own for own in value if isinstance(own, Uniform)]
    return tuple(function(own) if isinstance(own, Uniform) or not ranges else own for own in value)


def _ends(rule: Rule, training: Any) -> tuple[float, float, float]:
    """Lowest and highest value of a training range, and its width."""
    if not isinstance(training, Uniform) or training.low == training.high:
        raise ValueError(f"{rule} needs a range in training, and this is {training}")
    return training.low, training.high, training.high - training.low


def _whole(value: object) -> bool:
    return type(value) is int


def _change(given: Any) -> dict[str, Any]:
    """New values of parameters by name, as plain values."""
    if not isinstance(given, Mapping) or not all(isinstance(name, str) for name in given):
        raise ValueError(f"change = {plain(given)!r} has to be a dict of values by the name of a parameter")
    found = {str.__str__(name): floats(plain(given[name])) for name in sorted(given)}
    for name, value in found.items():
        if not all(isinstance(one, float | bool | str | Uniform | Rule) for one in leaves(value)):
            raise ValueError(f"change: {name} = {value!r} has to be a number, a range, a vector of these, or a rule")
    return found


def _check_kind(name: str, value: Any, kind: Any) -> None:
    """Raise ValueError unless a field of a split is None, or of this kind; a tuple of it where there may be several."""
    several = name in ("drift", "observe")
    if value is None:
        return
    every = value if several and isinstance(value, tuple) else (value,)
    if not (isinstance(value, tuple) or not several) or not all(isinstance(one, kind) for one in every):
        family = getattr(kind, "family", kind.__name__)
        raise ValueError(f"{name} = {value!r} of a split has to be a {f'tuple of {family}s' if several else family}")


def _default(field: dataclasses.Field[Any]) -> Any:
    return {} if field.name == "change" else field.default


def _read(name: str, value: Json, where: str) -> Any:
    """A field of a split from plain JSON values."""
    if name == "change":
        return {key: _changed(own, f"{where}: {key!a}") for key, own in from_json(dict[str, Any], value, where).items()}
    if name == "steps" and isinstance(value, dict):
        return from_json(Rule, value, where)
    if name in ("drift", "observe"):
        return tuple(from_json(_KINDS[name], own, where) for own in from_json(tuple[Any, ...], value, where))
    return from_json(_KINDS[name], value, where) if name in _KINDS else plain_value(value)


def _changed(value: Json, where: str) -> Any:
    """The new value of a parameter: a rule, a range, a vector of ranges and numbers, a number, word, true or false."""
    if isinstance(value, dict) and not value.keys() & {"low", "high"}:
        return from_json(Rule, value, where)
    return plain_value(value)
