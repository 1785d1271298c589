import signal

import pytest

from slvm_data.core import interruption
from slvm_data.core.interruption import Terminated
from slvm_data.core.progress import counted, progress


@pytest.fixture(autouse=True)
def _as_before():
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    interruption._received.clear()
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_what_a_library_swallows_is_raised_at_the_next_step(number, error):
    """F21."""
    interruption.listen()
    with pytest.raises(error):
        signal.raise_signal(number)
    with progress(2, "x") as bar, pytest.raises(error):
        for _ in counted(iter([{}, {}]), bar):
            pass


def test_a_signal_that_is_ignored_stays_so():
    """Under `nohup`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    interruption.listen()
    signal.raise_signal(signal.SIGINT)
    interruption.check()
