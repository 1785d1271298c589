"""Time and peak memory of scoring a forecast of 3,000 sequences of 30 frames, with states and latents.

python benchmarks/evaluate.py
"""

import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from slvm_data import RECIPES, evaluate, generate


def forecasts(folder: Path, dataset: Path) -> None:
    """Forecasts of val and test as a model would give them: noisy frames, states and eight latents."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for split in ("val", "test"):
        with np.load(dataset / f"{split}.npz", allow_pickle=False) as data:
            image, state = data["image"], data["state"]
        wrong = np.roll(image, 1, axis=1) + rng.normal(0, 0.1, image.shape).astype(np.float32)
        latent = np.concatenate([np.sin(state), np.cos(state), rng.normal(size=(*state.shape[:2], 4))], axis=2)
        near = state + rng.normal(0, 0.1, state.shape).astype(np.float32)
        np.savez(folder / f"{split}.npz", image=np.clip(wrong, 0, 1), state=near, latent=latent.astype(np.float32))


def score(forecast: str, dataset: str) -> None:
    """Score in this process, as the command does, and print what it took."""
    start = time.monotonic()
    print(evaluate(forecast, dataset, splits=["test"], start=5))
    used = resource.getrusage(resource.RUSAGE_SELF)
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    took = time.monotonic() - start
    print(f"\n{took:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of CPU, {peak / 2**10:.0f} MiB at most")


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        dataset, forecast = Path(place) / "pendulum", Path(place) / "forecast"
        generate(replace(RECIPES["pendulum"], train=1, val=3000, test=3000), dataset)
        forecasts(forecast, dataset)
        subprocess.run([sys.executable, __file__, str(forecast), str(dataset)], check=True)


if __name__ == "__main__":
    if sys.argv[1:]:
        score(*sys.argv[1:])
    else:
        main()
