"""All modifiers of an observation; each stands in the file of its kind. `modifier.py` says what a modifier is."""

from slvm_data.observe.emission import Emission as Emission
from slvm_data.observe.missing import Missing as Missing
from slvm_data.observe.missing import MissingBlock as MissingBlock
from slvm_data.observe.modifier import CLEAN as CLEAN
from slvm_data.observe.modifier import Canvas as Canvas
from slvm_data.observe.modifier import Modifier as Modifier
from slvm_data.observe.modifier import check_all as check_all
from slvm_data.observe.noise import BitFlips as BitFlips
from slvm_data.observe.noise import CorrelatedNoise as CorrelatedNoise
from slvm_data.observe.noise import Light as Light
from slvm_data.observe.noise import PixelNoise as PixelNoise
from slvm_data.observe.noise import SignalNoise as SignalNoise
from slvm_data.observe.noise import StateNoise as StateNoise
from slvm_data.observe.scenery import Background as Background
from slvm_data.observe.scenery import CameraWalk as CameraWalk
from slvm_data.observe.scenery import Clutter as Clutter
from slvm_data.observe.scenery import Distractors as Distractors
from slvm_data.observe.scenery import Occluder as Occluder
from slvm_data.observe.scenery import Sector as Sector
