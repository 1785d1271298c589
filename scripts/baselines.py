#!/usr/bin/env python3
"""Train and score the baselines on six protocols, and write docs/baselines.md: an hour or less on two cores.

scripts/baselines.py /tmp/baselines           # generate, train, score, write the page; goes on where it was cut off
scripts/baselines.py /tmp/baselines --page    # write the page from the reports that are there
"""

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import baselines_page

from slvm_data.core.files import atomic

ROOT = Path(__file__).parents[1]
SCRIPTS = ROOT / "examples/baselines"
SEEDS = (0, 1, 2)
AT_ONCE = 2  # processes, of one thread each
ALONE = {"OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore", "PYTHONUNBUFFERED": "1"}
SIZES = "--val 300 --test 500"
CURVES = ("mse", "signal_error")  # metrics that are kept for each frame
KEPT = (
    *("mse", "psnr", "ssim", "iou", "vpt", "vpt_relative_first", "centre_distance", "vpd", "probe_linear", "probe_mlp"),
    *("signal_error", "accuracy", "f1", "nmi", "ari", "switch_distance", "switch_missed", "switch_spurious"),
)
DIGITS = 4  # that are kept of a number


@dataclass(frozen=True)
class Baseline:
    """A script of examples/baselines, and its options beside folder, seed and place of the forecast."""

    script: str
    options: str = ""
    drawn: bool = True  # whether anything in it is random, so that it has several seeds
    start: int | None = None  # frame from which it is scored; None: as the protocol says


LAST = Baseline("last_frame", drawn=False)
LINEAR = Baseline("dmd", drawn=False)
RECURRENT = Baseline("rssm")
ODE = Baseline("latent_ode")
FRAMES = {"last frame": LAST, "linear": LINEAR, "RSSM": RECURRENT, "latent ODE": ODE}


@dataclass(frozen=True)
class Protocol:
    """A dataset, and what is asked of a model."""

    name: str
    generate: str  # words of `slvm-data generate`
    seen: int  # frames that a model is given; 0: all that are not missing
    start: int  # frame from which it is scored
    baselines: dict[str, Baseline] = field(default_factory=lambda: FRAMES)


def _with_context(baseline: Baseline) -> Baseline:
    """A baseline that trains with episodes, where it can."""
    return baseline if not baseline.drawn else Baseline(baseline.script, "--context 5")


OTHERS = " ".join(
    f"--split '{name}: 300'" for name in ("near_length", "far_length", "near_gravity", "far_gravity", "long")
)
SWITCHING = {"clusters": "--fit kmeans", "switching linear": ""}  # options of regimes.py
PROTOCOLS = (
    Protocol("pendulum", f"pendulum {SIZES}", 5, 5),
    Protocol("pendulum_ood", f"pendulum_ood {SIZES} {OTHERS}", 5, 5),
    Protocol("double_pendulum", f"double_pendulum {SIZES}", 5, 5),
    Protocol(
        "mixed_physics_held_out",
        "mixed_physics_held_out --train 1000 --val 50 --test 65 --split 'new_system: 65'",
        5,
        5,
        {name: _with_context(baseline) for name, baseline in FRAMES.items()},
    ),
    Protocol("cru_interpolation", f"pendulum --observe cru_interpolation --record clean {SIZES}", 0, 5),
    Protocol(
        "nascar",
        "nascar --trajectories 10 --window 60 --stride 20 --contexts 1 --train 2000 --val 200 --test 400",
        20,
        20,
        FRAMES | {name: Baseline("regimes", f"--seen 0 {words}".strip(), start=0) for name, words in SWITCHING.items()},
    ),
)


@dataclass(frozen=True)
class Job:
    """A baseline that is trained on the data of a protocol with a seed, and scored."""

    protocol: Protocol
    label: str
    seed: int

    @property
    def baseline(self) -> Baseline:
        return self.protocol.baselines[self.label]

    @property
    def name(self) -> str:
        return f"{self.protocol.name}-{self.label.replace(' ', '_')}-{self.seed}"

    def words(self, folder: str, out: str) -> str:
        """The arguments of the script."""
        seen = "" if "--seen" in self.baseline.options else f"--seen {self.protocol.seen}"
        words = f"{folder} --seed {self.seed} {seen} {self.baseline.options} --out {out}"
        return " ".join(words.split())


def jobs(protocols: Sequence[Protocol] = PROTOCOLS) -> Iterator[Job]:
    """All of them, those with the first seed first, so that a part of them already is a page."""
    for seed in SEEDS:
        for protocol in protocols:
            for label, baseline in protocol.baselines.items():
                if baseline.drawn or seed == SEEDS[0]:
                    yield Job(protocol, label, seed)


def generate(protocol: Protocol, place: Path) -> None:
    """Write the data of a protocol, unless they are there."""
    folder = place / "data" / protocol.name
    if not (folder / "dataset.json").exists():
        command = [sys.executable, "-m", "slvm_data", "generate", *shlex.split(protocol.generate), "--out", str(folder)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        print(f"{protocol.name}: generated", flush=True)


def carry_out(job: Job, place: Path) -> None:
    """Train and score, unless the report is there; the forecast is removed."""
    report = place / "reports" / f"{job.name}.json"
    if report.exists():
        return
    with tempfile.TemporaryDirectory(dir=place, prefix="forecast-") as scratch:
        out, data = f"{scratch}/forecast", str(place / "data" / job.protocol.name)
        script = [sys.executable, str(SCRIPTS / f"{job.baseline.script}.py"), *shlex.split(job.words(data, out))]
        seconds = _timed(script, place / "logs" / f"{job.name}.txt")
        start = job.protocol.start if job.baseline.start is None else job.baseline.start
        scoring = [sys.executable, "-m", "slvm_data", "evaluate", out, data, "--from", str(start)]
        _timed([*scoring, "--out", f"{scratch}/report.json"], place / "logs" / f"{job.name}-score.txt")
        found = {"seconds": round(seconds, 1), "splits": short(json.loads(Path(scratch, "report.json").read_text()))}
    with atomic(report) as file:
        file.write(json.dumps(found).encode())
    print(f"{job.name}: {seconds:.0f} s", flush=True)


def _timed(command: list[str], log: Path) -> float:
    """Run a command in one thread, and return its processor time [s]; raises RuntimeError if it fails."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as file:
        process = subprocess.Popen(command, stdout=file, stderr=subprocess.STDOUT, env=os.environ | ALONE)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: see {log}")
    return usage.ru_utime + usage.ru_stime


def short(report: dict[str, Any]) -> dict[str, Any]:
    """What the page needs of a report: numbers with intervals, and curves over the horizon, of all splits but val."""
    return {split: _short_column(own) for split, own in report["splits"].items() if split != "val"}


def _short_column(column: dict[str, Any]) -> dict[str, Any]:
    metrics = {name: own for name, own in column["metrics"].items() if name in KEPT}
    return {
        "sequences": column["sequences"],
        "frames": column["frames"],
        "metrics": {name: [_rounded(own[end]) for end in ("mean", "low", "high")] for name, own in metrics.items()},
        "curves": {
            name: [_rounded(frame["mean"]) for frame in own["by_frame"]]
            for name, own in metrics.items()
            if name in CURVES
        },
    }


def _rounded(value: float | str | None) -> float | str | None:
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def gathered(place: Path, protocols: Sequence[Protocol] = PROTOCOLS) -> dict[str, Any]:
    """The reports that are there, by protocol and baseline, with the command of each."""
    found: dict[str, Any] = {}
    for job in jobs(protocols):
        path = place / "reports" / f"{job.name}.json"
        if path.exists():
            about = {"generate": f"{job.protocol.generate} --out data", "start": job.protocol.start, "rows": {}}
            rows = found.setdefault(job.protocol.name, about)["rows"]
            command = f"examples/baselines/{job.baseline.script}.py {job.words('data', 'forecast')}"
            row = rows.setdefault(job.label, {"command": command, "start": job.baseline.start, "seeds": {}})
            row["seeds"][str(job.seed)] = json.loads(path.read_text())
    return found


def run(place: Path, protocols: Sequence[Protocol] = PROTOCOLS) -> int:
    """Carry out all jobs, some at once; returns how many failed."""
    (place / "reports").mkdir(parents=True, exist_ok=True)
    for left in place.glob("forecast-*"):  # of a run that was cut off
        shutil.rmtree(left)
    for protocol in protocols:
        generate(protocol, place)
    failed = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for future in [pool.submit(carry_out, job, place) for job in jobs(protocols)]:
            if error := future.exception():
                failed += 1
                print(error, flush=True)
    return failed


def main() -> int:
    """Run what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("place", type=Path, help="folder of data, reports and logs")
    parser.add_argument("--page", action="store_true", help="write the page alone")
    options = parser.parse_args()
    failed = 0 if options.page else run(options.place)
    missing = sum(not (options.place / "reports" / f"{job.name}.json").exists() for job in jobs())
    baselines_page.write(gathered(options.place), missing=missing)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
