"""Physical systems, one file each."""

from slvm_data.systems.ball_box import BallBox
from slvm_data.systems.bouncing_ball_1d import BouncingBall1D
from slvm_data.systems.double_pendulum import DoublePendulum
from slvm_data.systems.explicit_duration import ExplicitDuration
from slvm_data.systems.hamiltonian import Hamiltonian
from slvm_data.systems.lorenz import Lorenz
from slvm_data.systems.mass_spring import MassSpring
from slvm_data.systems.n_body import NBody
from slvm_data.systems.parameters import Uniform, constant, parameter, uniform
from slvm_data.systems.pendulum import Pendulum
from slvm_data.systems.rslds import Rslds
from slvm_data.systems.switching import Switching
from slvm_data.systems.switching_double_pendulum import SwitchingDoublePendulum
from slvm_data.systems.system import System
from slvm_data.systems.two_body import TwoBody

__all__ = [
    "BallBox",
    "BouncingBall1D",
    "DoublePendulum",
    "ExplicitDuration",
    "Hamiltonian",
    "Lorenz",
    "MassSpring",
    "NBody",
    "Pendulum",
    "Rslds",
    "Switching",
    "SwitchingDoublePendulum",
    "System",
    "TwoBody",
    "Uniform",
    "constant",
    "parameter",
    "uniform",
]
