"""The device that JAX computes on."""

from __future__ import annotations

from functools import cache

from slvm_data.core.late import jax

_CHECKS = "jax_error_checking_behavior_"
HINDRANCES = {
    **dict.fromkeys(("jax_no_execution", "jax_no_tracing", "jax_enable_pgle", "jax_scan3"), False),
    **dict.fromkeys((f"{_CHECKS}nan", f"{_CHECKS}divide", f"{_CHECKS}oob"), "ignore"),
}
"""Settings of JAX, and their only value with which it computes what a dataset needs."""

ELSEWHERE = "jax_cpu_enable_async_dispatch"  # setting of JAX: whether it computes in a thread of its own


def compute_where_asked() -> None:
    """Let JAX compute in the thread that asks, which waits anyway: else it wakes another one each time.

    Only before JAX has computed anything, and for a process of our own: it holds for all that computes with JAX.
    """
    if ELSEWHERE in jax.config.values:  # no release of JAX has promised it
        jax.config.update(ELSEWHERE, False)


@cache
def backend() -> str:
    """Kind of the device, such as "cpu" or "gpu"; raises ValueError if JAX is set to one that is not there.

    The same if JAX is set not to compute.
    """
    for name, usual in HINDRANCES.items():
        if (value := jax.config.values.get(name, usual)) != usual:
            raise ValueError(f"{name.upper()} = {value!r} keeps JAX from making a dataset: leave it out")
    try:
        return jax.default_backend()
    except (RuntimeError, AssertionError) as error:  # JAX asserts, where it was installed without this device
        if not (platforms := jax.config.jax_platforms):  # pyright: ignore[reportAttributeAccessIssue]
            raise
        raise ValueError(
            f"JAX_PLATFORMS = {platforms!r} names no device that JAX can use here: leave it out, or set it to cpu"
        ) from error
