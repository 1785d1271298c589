"""Systems of a user's own: a beginner's mistake is one sentence that says where, what came, and the way out."""

import re
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

from slvm_data import Pendulum, Recipe, System, render, sample, simulate
from slvm_data.cli import main
from slvm_data.simulation import trial
from slvm_data.simulation.batch import prepare
from slvm_data.systems.control import Held
from slvm_data.systems.timing import Jittered

START = "jnp.array([0.7, -0.9, 0.0, 0.0])"
STATE = 'state: ClassVar = ("x", "y", "px", "py")'
DISCS = "x[None, :2], jnp.sqrt(self.m / jnp.pi)[None]"
LENGTH = "        length = jnp.sqrt(q[0] ** 2 + q[1] ** 2)\n"
CLASS = "@dataclass(frozen=True, kw_only=True)"
MISTAKES = {  # what stands in the file of the documentation, what a beginner writes, and what the error says
    "five names": (STATE, 'state: ClassVar = ("x", "y", "z", "px", "py")', "has 5 names; .* then as many momenta"),
    "six names": (
        STATE,
        'state: ClassVar = tuple("abcdef")',
        r"line \d+, \w+\.start returned an array \[4\]; .* \[6\]",
    ),
    "no names": (STATE, "pass", r"own\.py, \w+: state = None has to be a tuple of words, as in state = "),
    "a word as names": (
        STATE,
        'state: ClassVar = "xypq"',
        r"state = 'xypq' has to be a tuple of words, as in state = ",
    ),
    "two units": (STATE, f'{STATE}\n    units: ClassVar = ("m", "m")', "are 2; state has 4 names"),
    "a short start": (
        START,
        "jnp.zeros(3)",
        r"start returned an array \[3\]; expected is \[4\], 4 numbers, x, y, px, py",
    ),
    "a list as start": (START, "[0.7, -0.9, 0.0, 0.0]", r"start returned a list of 4; .* as jnp\.array\(\[…\]\)"),
    "no return": (f"return {START}", START, r"start returned nothing \(is `return` missing\?\)"),
    "chance of NumPy": (START, "np.random.uniform(size=4)", "other numbers each time: draw them with jax.random"),
    "no key": ("def start(self, key)", "def start(self)", r"start\(\) takes 1 .*: the methods are start\(self, key\)"),
    "a shape as key": (START, "jax.random.uniform((4,))", "the first argument of a function of jax.random is the key"),
    "bodies of one axis": (
        DISCS,
        "x[:2], jnp.ones(1)",
        r"bodies returned an array \[2\], .* centres \[1 2\] and radii \[1\]",
    ),
    "no radii": (DISCS, "x[None, :2]", r"bodies returned an array \[1 2\]; expected is two arrays"),
    "too many bodies": (DISCS, "x.reshape(2, 2), jnp.ones(2)", r"\[2 2\], .*; bodies_drawn = 1 is the number of discs"),
    "NumPy": ("jnp.sqrt(q[0]", "np.sqrt(q[0]", r"own\.py, line 28, \w+\.energy: a function of NumPy .* in jax\.numpy"),
    "math": ("jnp.sqrt(q[0]", "math.sqrt(q[0]", r"energy: .* function of math asks for a number.*: use jax\.numpy"),
    "an if": (LENGTH, f"        if q[1] > 0:\n            return q[0]\n{LENGTH}", r"an `if`, .*: write jnp\.where\("),
    "an if of a parameter": (
        LENGTH,
        f"        if self.m > 0:\n            return q[0]\n{LENGTH}",
        r"write jnp\.where\(",
    ),
    "max": ("q[0] ** 2 + q[1] ** 2", "max(q[0], q[1])", r"`max` asks for a number.*: write .* jnp\.maximum"),
    "a vector as energy": (
        "q[0] ** 2 + q[1] ** 2",
        "q",
        r"energy returned an array \[2\]; expected is a single number",
    ),
    "in place": (LENGTH, f"        q[0] = 1.0\n{LENGTH}", r"changed in place, .*: write x = x\.at\[i\]\.set\(value\)"),
    "a changed system": (LENGTH, f"        self.a = 1.0\n{LENGTH}", "keep the value in a variable without self"),
    "a misspelt parameter": ("self.k *", "self.kk *", r"energy: AttributeError: .* 'kk': did you mean k\?"),
    "a missing import": ("self.k *", "scipy.pi *", "NameError: name 'scipy' is not defined: define or import it"),
    "a state, not q and p": (
        "energy(self, q, p)",
        "energy(self, x)",
        r"takes 2 .*: the methods are .*energy\(self, q, p\)",
    ),
    "a range as a number": ("return 2.5", "return 1 + self.m", r'extent: .* so take self\.low\("name"\) or self\.high'),
    "within fastest": (
        "def extent",
        "def fastest(self):\n        return self.m / 2\n\n    def extent",
        r"fastest: .*low\(",
    ),
    "no extent": ("return 2.5", "pass", r"extent returned nothing .*; expected is a number"),
    "a negative extent": ("return 2.5", "return -1", "has an extent of -1.0 m; it has to be above 0"),
    "no dataclass": (CLASS, "", r"is no dataclass: write @dataclass\(frozen=True, kw_only=True\) above it"),
    "not frozen": (CLASS, "@dataclass", r"write @dataclass\(frozen=True, kw_only=True\) above the class"),
    "no type": ("m: float", "m", r"no type annotation: write its type, as in m: float = parameter\(0\.5\)"),
    "no bodies": ("def bodies", "def discs", "with abstract method bodies: write each of these as a method"),
    "no uniform": ("uniform(0.4, 0.6)", "(0.4, 0.6)", r"a range is 0\.4\.\.0\.6, or uniform\(0\.4, 0\.6\) in Python"),
    "an unknown parameter": (", m=uniform", ", mass=uniform", r"'mass': write it in the class, as in m: float = "),
    "no recipe": ("RECIPE =", "recipe =", r"own\.py has no RECIPE = Recipe\(…\)"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_beginners_mistake_is_one_sentence(mistake, own_system, ended, capsys, tmp_path, monkeypatch):
    right, wrong, says = MISTAKES[mistake]
    assert right in own_system
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text("import math, jax\nimport numpy as np\n" + own_system.replace(right, wrong))
    assert ended(main, "generate", "own.py", "--train", 4, "--val", 0, "--test", 0) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    assert "own.py" in line or "extent of" in line
    assert re.search(says, line), line
    assert {path.name for path in tmp_path.iterdir()} <= {"own.py", "__pycache__"}  # nothing was begun


@pytest.mark.parametrize("command", [["info"], ["view", "--save", "x.html"], ["gif"]])
def test_every_command_says_so(command, own_system, ended, capsys, tmp_path, monkeypatch):
    right, wrong, says = MISTAKES["no names"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own.py").write_text(own_system.replace(right, wrong))
    assert ended(main, command[0], "own.py", *command[1:]) == 2
    assert re.search(says, capsys.readouterr().err)


@dataclass(frozen=True, kw_only=True)
class Hopper(System):
    """A system with a simulate of its own."""

    state: ClassVar = ("y", "v")

    def start(self, key):
        return jnp.array([0.0, 1.0])

    def simulate(self, x0, t, key):
        return jnp.stack([x0[0] + x0[1] * t, jnp.full_like(t, x0[1])], axis=1)

    def bodies(self, x):
        return jnp.stack([0.0, x[0]])[None], jnp.ones(1)

    def extent(self):
        return 9.0


def first_only(self, x0, t, key):
    return x0


def chance_of_numpy(self, x0, t, key):
    return x0 + jnp.stack([t, t], axis=1) * np.random.normal()  # noqa: NPY002 - as a beginner writes it


def a_value_per_frame(self, x, centres, extent):
    return abs(x[:, 0]) < 1


WRONG = {
    "simulate": (first_only, r"returned an array \[2\]; expected is \[5 2\], a state for each time in t"),
    "simulate again": (chance_of_numpy, "gives other numbers each time"),
    "accept": (a_value_per_frame, r"returned an array \[5\]; expected is a single truth value"),
    "velocity": (
        lambda self, x: x[:1],
        r"velocity returned an array \[1\]; expected is \[2\], the time derivatives of y, v",
    ),
    "own_step": (lambda self, x: 0.1 * x, r"returned an array \[2\]; expected is a single number of seconds"),
    "nothing": (None, ""),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_every_method_of_the_users_own_is_tried(wrong):
    method, says = WRONG[wrong]
    system = type("Wrong", (Hopper,), {wrong.split()[0]: method} if method else {})()
    recipe = Recipe(name="wrong", tasks=(system,))
    if not says:
        prepare(recipe, 0, "train")
        return
    for use in (
        lambda: prepare(recipe, 0, "train"),
        lambda: simulate(system, {}, [0.0, 1.0], [0.0, 1.0]),
        lambda: render(system, {}, [[0.0, 1.0]]),
    ):
        with pytest.raises(ValueError, match=says):
            use()


class Driven(Hopper):
    """A hopper at any times, with an input that pushes it."""

    inputs: ClassVar = ("wind",)

    def in_steps(self):
        return False

    def controlled(self, x0, t, key, control):
        steps = jnp.diff(t)[:, None] * (x0[1] + control[:-1])
        return x0 + jnp.concatenate([jnp.zeros((1, 2)), jnp.cumsum(steps, axis=0) * jnp.array([1.0, 0.0])])


def test_a_simulate_of_the_users_own_gets_a_control_only_if_there_is_one():
    arrays = sample(Recipe(name="own", tasks=(Driven(),), time=Jittered()), index=slice(2))
    np.testing.assert_allclose(arrays["state"][..., 0], arrays["time"], rtol=1e-6)
    arrays = sample(Recipe(name="own", tasks=(Driven(),), time=Jittered(), control=Held()), index=slice(2))
    speed = np.diff(arrays["state"][..., 0]) / np.diff(arrays["time"])
    np.testing.assert_allclose(speed, 1 + arrays["control"][:, :-1, 0], rtol=1e-4)


def test_inputs_of_the_users_own_are_tried():
    with pytest.raises(TypeError, match="Pushed has inputs, and needs a push of its own"):
        type("Pushed", (Mine,), {"inputs": ("torque", "x"), "push": System.push})()
    with pytest.raises(TypeError, match="Hopped has inputs, and needs a controlled of its own"):
        type("Hopped", (Hopper,), {"inputs": ("wind",)})()
    for wrong, says in (
        ({"push": lambda self, u: u}, r"push returned an array \[1\]; expected is \[2\], what a control \[1\] adds"),
        ({"inputs": "torque"}, r"inputs = 'torque' has to be a tuple of words"),
        ({"input_units": ("N m", "N m")}, "has to be as long as inputs"),
    ):
        with pytest.raises(ValueError, match=says):
            prepare(Recipe(name="own", tasks=(type("Odd", (Mine,), wrong)(),)), 0, "train")
    with pytest.raises(ValueError, match=r"Hopper moves in steps, .*: leave jittered out \(or let its method in_steps"):
        Recipe(name="own", tasks=(Hopper(),), time=Jittered())


class Mine(Pendulum):
    """A pendulum of the user's own."""


def test_parameters_beyond_all_numbers_are_told_as_ever():
    with pytest.raises(ValueError, match=r"moves too fast: .* use parameters closer to 1"):
        prepare(Recipe(name="fast", tasks=(Mine(m=1e-300, l=1e-300),)), 0, "train")


def test_systems_of_this_package_are_not_tried(monkeypatch):
    monkeypatch.setattr(trial, "_tried", None)
    prepare(Recipe(name="known", tasks=(Pendulum(),)), 0, "train")
    with pytest.raises(TypeError):
        prepare(Recipe(name="own", tasks=(Hopper(),)), 0, "train")
