"""Every flow of the package dysts itself, against SciPy on the text of the package with NumPy."""

import ast
import functools

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from slvm_data import RECIPES, simulate
from slvm_data.systems import dysts_package

REFUSED = {
    *("IkedaDelay", "MackeyGlass", "PiecewiseCircuit", "ScrollDelay", "SprottDelay", "VossDelay"),
    *("BelousovZhabotinsky", "Torus"),
}
TOLERATED = 1e-6  # deviations, after a period
ROUGH = {  # with corners in f, or faster than our steps; the last two grow an error by e^7 and e^24 in a period
    **dict.fromkeys(("AtmosphericRegime", "CellularNeuralNetwork", "FluidTrampoline", "SanUmSrisuchinwong"), 1e-4),
    "MacArthur": 1e-3,
    "SprottMore": 0.5,
    "InteriorSquirmer": 20.0,
}


def with_numpy():
    """The classes of the package, with NumPy."""
    names = {"np": np, "staticjit": staticmethod, "DynSys": dysts_package.Equations}
    names["DynSysDelay"] = dysts_package.Delayed
    exec(compile(ast.Module([*dysts_package._classes().values()], []), "flows.py", "exec"), names)
    return names


def scipys(flow, x0, t):
    """States [T D] of a flow by SciPy."""
    law = functools.partial(_rates, flow)
    return solve_ivp(law, (0, t[-1]), x0, "DOP853", t, rtol=1e-12, atol=1e-18).y.T


def _rates(flow, t, x):
    return np.array(flow.rhs(x, t), float)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # of the package's formulas
def test_states_are_those_of_scipy():
    """All flows but those that are refused, over one period."""
    pytest.importorskip("dysts", reason="pip install --no-deps dysts")
    classes, refused, worst = with_numpy(), set(), {}
    for name, facts in dysts_package.table().items():
        try:
            system = RECIPES[f"dysts:{name}"].tasks[0]
        except ValueError:
            refused.add(name)
            continue
        theirs = classes[name]({key: np.array(value, float) for key, value in facts["parameters"].items()})
        t = np.linspace(0, system.period, 11)
        apart = simulate(system, {}, system.first, t) - scipys(theirs, system.first, t)
        worst[name] = float(np.abs(apart / facts["std"]).max())
    print(len(worst), *sorted(worst.items(), key=lambda pair: -pair[1])[:20], sep="\n")
    assert refused == REFUSED
    assert not {name: own for name, own in worst.items() if not own < ROUGH.get(name, TOLERATED)}
