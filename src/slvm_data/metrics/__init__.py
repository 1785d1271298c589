"""Metrics: a forecast against the truth. NumPy and SciPy alone; arrays of PyTorch are accepted.

`mse`, `psnr`, `ssim` and `iou` give a number for each sequence and frame [N T], `vpt…` and `vpd` for each sequence [N];
`interval` gives their mean over sequences with its uncertainty.
"""

from slvm_data.metrics.bootstrap import Interval as Interval
from slvm_data.metrics.bootstrap import interval as interval
from slvm_data.metrics.centres import centre_distance as centre_distance
from slvm_data.metrics.centres import vpd as vpd
from slvm_data.metrics.correlation import mcc as mcc
from slvm_data.metrics.horizon import vpt as vpt
from slvm_data.metrics.horizon import vpt_absolute_last as vpt_absolute_last
from slvm_data.metrics.horizon import vpt_relative_first as vpt_relative_first
from slvm_data.metrics.pixels import iou as iou
from slvm_data.metrics.pixels import mse as mse
from slvm_data.metrics.pixels import psnr as psnr
from slvm_data.metrics.pixels import ssim as ssim
from slvm_data.metrics.probes import probe as probe
from slvm_data.metrics.probes import r2 as r2
from slvm_data.metrics.regimes import accuracy as accuracy
from slvm_data.metrics.regimes import ari as ari
from slvm_data.metrics.regimes import f1 as f1
from slvm_data.metrics.regimes import nmi as nmi
from slvm_data.metrics.regimes import switch_error as switch_error
from slvm_data.metrics.samples import coverage as coverage
from slvm_data.metrics.samples import crps as crps
from slvm_data.metrics.states import energy_drift as energy_drift
from slvm_data.metrics.states import phase_error as phase_error
from slvm_data.metrics.states import state_error as state_error
from slvm_data.metrics.transport import wasserstein as wasserstein
