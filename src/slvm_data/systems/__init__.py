"""Physical systems, one file each. To add a system to the package, import it here in the same form."""

from slvm_data.systems import switch as switch  # a kind of drift
from slvm_data.systems.acrobot import Acrobot as Acrobot
from slvm_data.systems.ball_box import BallBox as BallBox
from slvm_data.systems.balls import Balls as Balls
from slvm_data.systems.bouncing_ball_1d import BouncingBall1D as BouncingBall1D
from slvm_data.systems.cart_pole import CartPole as CartPole
from slvm_data.systems.charge_network import ChargeNetwork as ChargeNetwork
from slvm_data.systems.double_pendulum import DoublePendulum as DoublePendulum
from slvm_data.systems.driven_pendulum import DrivenPendulum as DrivenPendulum
from slvm_data.systems.dysts_flow import flow as _dysts
from slvm_data.systems.elastic_double_pendulum import ElasticDoublePendulum as ElasticDoublePendulum
from slvm_data.systems.explicit_duration import ExplicitDuration as ExplicitDuration
from slvm_data.systems.fitzhugh_nagumo import FitzHughNagumo as FitzHughNagumo
from slvm_data.systems.glycolytic import Glycolytic as Glycolytic
from slvm_data.systems.gray_scott import GrayScott as GrayScott
from slvm_data.systems.hamiltonian import Hamiltonian as Hamiltonian
from slvm_data.systems.henon_heiles import HenonHeiles as HenonHeiles
from slvm_data.systems.interventional_pong import InterventionalPong as InterventionalPong
from slvm_data.systems.lambda_omega import LambdaOmega as LambdaOmega
from slvm_data.systems.lennard_jones import LennardJones as LennardJones
from slvm_data.systems.lorenz import Lorenz as Lorenz
from slvm_data.systems.lotka_volterra import LotkaVolterra as LotkaVolterra
from slvm_data.systems.mass_spring import MassSpring as MassSpring
from slvm_data.systems.matching_pennies import MatchingPennies as MatchingPennies
from slvm_data.systems.n_body import NBody as NBody
from slvm_data.systems.parameters import Uniform as Uniform
from slvm_data.systems.parameters import parameter as parameter
from slvm_data.systems.parameters import shared_parameter as shared_parameter
from slvm_data.systems.parameters import uniform as uniform
from slvm_data.systems.passing_balls import PassingBalls as PassingBalls
from slvm_data.systems.pendulum import Pendulum as Pendulum
from slvm_data.systems.pendulum_from_rest import PendulumFromRest as PendulumFromRest
from slvm_data.systems.polygon_box import PolygonBox as PolygonBox
from slvm_data.systems.pong import Pong as Pong
from slvm_data.systems.rock_paper_scissors import RockPaperScissors as RockPaperScissors
from slvm_data.systems.rod_pendulum import RodPendulum as RodPendulum
from slvm_data.systems.rod_pendulum import ShakenPendulum as ShakenPendulum
from slvm_data.systems.rslds import Rslds as Rslds
from slvm_data.systems.sine import Sine as Sine
from slvm_data.systems.spring_network import SpringNetwork as SpringNetwork
from slvm_data.systems.switching import Switching as Switching
from slvm_data.systems.switching_cosine import SwitchingCosine as SwitchingCosine
from slvm_data.systems.switching_double_pendulum import SwitchingDoublePendulum as SwitchingDoublePendulum
from slvm_data.systems.system import System as System
from slvm_data.systems.three_body import ThreeBody as ThreeBody
from slvm_data.systems.two_body import TwoBody as TwoBody
from slvm_data.systems.two_body_ring import TwoBodyRing as TwoBodyRing
from slvm_data.systems.van_der_pol import VanDerPol as VanDerPol

SOURCES = {"dysts": _dysts}
"""Where the class of a system comes from whose name is SOURCE:NAME."""

__all__ = sorted(  # pyright: ignore[reportUnsupportedDunderAll] - derived, so that a system needs only one line
    name for name, value in vars().items() if hasattr(value, "__module__") and not name.startswith("_")
)
