"""Make units in this process, one after the other; threads make the batches that they need."""

from contextlib import AbstractContextManager, nullcontext

from slvm_data.run.executors import Execute
from slvm_data.run.unit import make_units


def connected(_workers: int | None, _where: str | None) -> AbstractContextManager[Execute]:
    """Nothing needs to be begun."""
    return nullcontext(make_units)
