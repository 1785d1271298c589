"""Physical systems, one file each."""

from slvm_data.systems.ball_box import BallBox
from slvm_data.systems.base import System
from slvm_data.systems.constants import Uniform, constant, uniform
from slvm_data.systems.double_pendulum import DoublePendulum
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.mass_spring import MassSpring
from slvm_data.systems.n_body import NBody
from slvm_data.systems.pendulum import Pendulum
from slvm_data.systems.two_body import TwoBody

__all__ = [
    "BallBox",
    "DoublePendulum",
    "Hamiltonian",
    "MassSpring",
    "NBody",
    "Pendulum",
    "System",
    "TwoBody",
    "Uniform",
    "constant",
    "uniform",
]
