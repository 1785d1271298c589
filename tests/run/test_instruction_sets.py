"""The same bits on processors of other instruction sets, as docs/reproducibility.md says."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
from hashlib import sha256
import numpy as np
from slvm_data import RECIPES
from slvm_data.simulation.batch import collect

for name in ("pendulum", "mass_spring", "double_pendulum", "two_body", "gravity3", "lorenz"):
    index = np.arange(1 if name == "lorenz" else 600)
    print(name, sha256(collect(RECIPES[name], 0, "train", index)["state"]).hexdigest())
"""


def states(isa):
    """Checksums of states, from a process whose code is compiled for this instruction set at most."""
    surroundings = os.environ | {"XLA_FLAGS": f"--xla_cpu_max_isa={isa}"}
    surroundings.pop("JAX_COMPILATION_CACHE_DIR", None)
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=surroundings, capture_output=True, text=True, check=True)
    return dict(line.split() for line in done.stdout.splitlines())


@pytest.mark.slow
def test_states_depend_on_fused_multiply_add_alone():
    without, small, large = states("SSE4_2"), states("AVX2"), states("AVX512")
    assert states("AVX") == without
    assert small == large
    different = {name for name in small if small[name] != without[name]}
    assert different <= {"gravity3", "lorenz"}
