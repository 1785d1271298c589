"""Moving pictures, read back by Pillow and by ffmpeg."""

import builtins
import dataclasses
import io
import re
import subprocess
import sys

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from slvm_data import RECIPES, Windowing, generate, sample
from slvm_data.cli import main
from slvm_data.export import animation
from slvm_data.view.animation import _labels, animate
from slvm_data.view.dataset import Dataset, of_folder, of_recipe


def small(name, **fields):
    return dataclasses.replace(RECIPES[name], **{"train": 6, "val": 2, "test": 2} | fields)


def frames(path):
    """Every frame of a picture [T H W 3], repeated for as long as it is shown, and the shortest time of one [ms]."""
    found = []
    with Image.open(path) as image:
        for t in range(image.n_frames):
            image.seek(t)
            image.load()
            found.append((image.info["duration"], np.asarray(image.convert("RGB"))))
    shortest = min(duration for duration, _ in found)
    return np.stack([frame for duration, frame in found for _ in range(round(duration / shortest))]), shortest


def cell(sheet, number, columns, scale, size=32):
    """One sequence of a grid, in its own size."""
    y, x = (number // columns * (size + 1) + 1) * scale, (number % columns * (size + 1) + 1) * scale
    large = sheet[:, y : y + size * scale, x : x + size * scale]
    small = large[:, ::scale, ::scale]
    assert (large == small.repeat(scale, 1).repeat(scale, 2)).all()
    return small


@pytest.fixture(scope="module")
def pendulum(tmp_path_factory):
    return generate(small("pendulum"), tmp_path_factory.mktemp("gif") / "pendulum")


@pytest.mark.parametrize("ending", animation.FORMATS)
def test_frame_t_shows_frame_t(pendulum, tmp_path, ending):
    """Upright: row 0 of a file is y_min, which is below."""
    animate(of_folder(pendulum), tmp_path / f"x.{ending}", rows=2, columns=3, scale=2)
    sheet, duration = frames(tmp_path / f"x.{ending}")
    assert sheet.shape == (30, 2 * (2 * 33 + 1), 2 * (3 * 33 + 1), 3)
    assert duration == 100  # ms, of 0.1 s
    with np.load(pendulum / "train.npz") as data:
        for i in range(6):
            assert (cell(sheet, i, 3, 2) == 255 * data["image"][i][:, ::-1, :, None]).all()


@pytest.mark.parametrize("ending", animation.FORMATS)
def test_colours_stay(tmp_path, ending):
    recipe = small("two_body")
    animate(of_recipe(recipe), tmp_path / f"x.{ending}", split="test", rows=1, columns=2, scale=1)
    sheet, _ = frames(tmp_path / f"x.{ending}")
    image = sample(recipe, "test", slice(0, 2))["image"]
    for i in range(2):
        assert (cell(sheet, i, 2, 1) == 255 * image[i].transpose(0, 2, 3, 1)[:, ::-1]).all()


def test_a_row_for_each_task_and_balls_fall_down(tmp_path):
    recipe = small("gravity3")
    animate(of_recipe(recipe), tmp_path / "x.gif", columns=2, rows=3, scale=1, labels=False)
    sheet, duration = frames(tmp_path / "x.gif")
    assert duration == 120  # ms: no slower, though frames are 0.25 s apart
    for task in range(3):
        image = sample(recipe, "train", slice(0, 2), task)["image"]
        for i in range(2):
            assert (cell(sheet, 2 * task + i, 2, 1) == 255 * image[i][..., None]).all()


@pytest.mark.parametrize("ending", animation.FORMATS)
def test_rows_and_columns_are_labelled(tmp_path, ending):
    """By task and sequence, beside the frames, which stay as they are; of a single task there is nothing to say."""
    shown = {"columns": 2, "rows": 3, "scale": 2}
    plain = animate(of_recipe(small("pendulum3")), tmp_path / f"a.{ending}", **shown, labels=False)
    labelled = animate(of_recipe(small("pendulum3")), tmp_path / f"x.{ending}", **shown)
    assert (frames(tmp_path / f"x.{ending}")[0] == labelled).all()
    Y, X = plain.shape[1:3]
    assert (labelled[:, -Y:, -X:] == plain).all()
    left, top = (
        (labelled[0, -Y:, :-X] != animation.GAP).any(axis=2),
        (labelled[0, :-Y, -X:] != animation.GAP).any(axis=2),
    )
    assert [left[k * Y // 3 : (k + 1) * Y // 3].any() for k in range(3)] == [True] * 3
    assert [top[:, k * X // 2 : (k + 1) * X // 2].any() for k in range(2)] == [True] * 2
    assert not left[:, [0, -1]].any()  # nothing is cut
    assert _labels(RECIPES["pendulum3"], [(0, range(2)), (1, range(2)), (2, range(2))], 2) == (
        ["0: g 2", "1: g 3", "2: g 4"],
        ["#0", "#1"],
    )
    assert _labels(RECIPES["pendulum3"], [(0, range(1)), (1, range(1)), (2, range(1))], 2) == (
        ["tasks 0 to 1", "2: g 4"],
        ["#0", "#0"],
    )
    assert _labels(RECIPES["pendulum"], [(0, range(4))], 2) == ([], [])


def test_many_colours_keep_their_labels():
    """Those of a GIF of more colours than it has are the nearest ones."""
    sheet = np.random.default_rng(0).integers(0, 256, (2, 20, 30, 3)).astype(np.uint8)
    margin = animation.margins(["a"], ["b"], 20, 30)
    with Image.open(io.BytesIO(animation.encode(sheet, 1, 10.0, "gif", margin))) as image:
        shown = np.asarray(image.convert("RGB")).astype(int)
    assert shown.shape == margin.shape
    assert np.abs(shown - margin)[:-20].max() < 60


def test_the_same_sequences_give_the_same_bytes(pendulum, tmp_path):
    for ending in ("gif", "webp", "mp4"):
        for name in "ab":
            animate(of_folder(pendulum), tmp_path / f"{name}.{ending}")
        assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()
    assert not list(tmp_path.glob(".*"))


def test_it_loops(pendulum, tmp_path):
    animate(of_folder(pendulum), tmp_path / "x.gif")
    with Image.open(tmp_path / "x.gif") as image:
        assert image.info["loop"] == 0


def test_a_video(tmp_path):
    """Read back by ffmpeg: as many frames, of even sides, nearly as they were."""
    sheet = animate(of_recipe(small("two_body")), tmp_path / "x.mp4", rows=1, columns=3, scale=3)
    read = [imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / "x.mp4", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(read, check=True, capture_output=True)
    assert re.search(rb"Video: h264.* yuv420p.* 300x102.* 10 fps", done.stderr)
    found = np.frombuffer(done.stdout, np.uint8).reshape(-1, 102, 300, 3)
    assert len(found) == len(sheet) == 30
    assert np.abs(found.astype(int) - sheet).mean() < 3
    assert np.abs(found[0].astype(int) - found[-1]).mean() > 1


def test_many_colours(tmp_path):
    """More than a GIF has: WebP keeps them all, a GIF nearly."""
    rng = np.random.default_rng(0)
    sheet = rng.integers(0, 256, (3, 20, 30, 3)).astype(np.uint8)
    sheet[:, :10] = np.linspace(0, 255, 30).astype(np.uint8)[:, None]
    (tmp_path / "x.webp").write_bytes(animation.encode(sheet, 1, 10.0, "webp"))
    (tmp_path / "x.gif").write_bytes(animation.encode(sheet, 1, 10.0, "gif"))
    assert (frames(tmp_path / "x.webp")[0] == sheet).all()
    assert np.abs(frames(tmp_path / "x.gif")[0].astype(int) - sheet).mean() < 25


def test_signals_by_name_are_drawn_as_pixels(tmp_path):
    sheet = animate(
        of_recipe(dataclasses.replace(RECIPES["bouncing_ball_1d"], steps=400)), tmp_path / "x.gif", columns=2
    )
    assert sheet.shape[0] == 150
    assert frames(tmp_path / "x.gif")[1] == 40
    assert (np.ptp(sheet, axis=0).max(axis=(0, 2))[10:80] > 0).any()


def test_windows_of_a_folder_follow_each_other(tmp_path):
    """Where a trajectory has several; else each is of another trajectory."""
    windows = Windowing(length=5, contexts=1, separate=True)
    fields = {"observation": "pixels", "windows": windows, "steps": 24, "train": 25, "val": 1, "test": 1}
    recipe = dataclasses.replace(RECIPES["bouncing_ball_1d"], **fields)
    assert len(windows.starts("train", 24)) == 15
    animate(of_folder(generate(recipe, tmp_path / "x")), tmp_path / "x.gif", scale=1)
    sheet, _ = frames(tmp_path / "x.gif")
    image = sample(recipe, "train", slice(0, 25))["image"]
    for i in range(5):
        assert (cell(sheet, i, 5, 1) == 255 * image[5 * i][:, ::-1, :, None]).all()
    assert dataclasses.replace(windows, stride=20).disjoint("train", 24) == 1


def test_signals_in_a_folder_are_refused(folder, tmp_path):
    with pytest.raises(ValueError, match="holds signals and no frames: generate it again with --observation pixels"):
        animate(of_folder(folder("nascar")), tmp_path / "x.gif")


ODD = (0.001, 0, -1.0, float("nan"), float("inf"), 1e9, 1e-300, 100.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tasks": [3]}, "task = 3 does not exist"),
        ({"tasks": []}, "tasks is empty"),
        ({"rows": 0}, "rows = 0 has to be at least 1"),
        ({"split": "trian"}, "split = 'trian' is unknown"),
        ({"scale": 400}, "fewer rows or columns, or a smaller scale"),
        ({"scale": 10**30}, "fewer rows or columns, or a smaller scale"),
        ({"columns": 10**9}, "fewer rows or columns, or a smaller scale"),
        ({"columns": 10**30, "rows": 10**30}, "fewer rows or columns, or a smaller scale"),
        ({"columns": -1}, "columns = -1 has to be at least 1"),
        ({"scale": 0}, "scale = 0 has to be at least 1"),
        ({"tasks": [10**30]}, "task = 10{30} does not exist"),
        ({"tasks": [-1]}, "task = -1 does not exist"),
        *(({"fps": fps}, re.escape(f"fps = {fps:g} has to lie from 0.002 to 100")) for fps in ODD),
    ],
)
def test_what_cannot_be(pendulum, tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        animate(of_folder(pendulum), tmp_path / "x.gif", **options)
    assert not list(tmp_path.iterdir())


def test_more_rows_than_there_are_sequences(pendulum, tmp_path):
    assert animate(of_folder(pendulum), tmp_path / "x.gif", rows=10**30, columns=2, scale=1).shape[1:3] == (100, 67)


def test_of_a_large_dataset_nothing_is_read_that_has_no_place(tmp_path, monkeypatch):
    """Neither memory nor time is taken for what is then refused."""
    monkeypatch.setattr(Dataset, "rows", lambda *_: pytest.fail("read"))
    with pytest.raises(ValueError, match="fewer rows"):
        animate(of_recipe(small("pendulum", train=10**9)), tmp_path / "x.gif", rows=10**9)


@pytest.mark.parametrize("fps", animation.LIMITS)
@pytest.mark.parametrize("ending", [*animation.FORMATS, "mp4"])
def test_the_slowest_and_the_fastest(pendulum, tmp_path, ending, fps):
    path = tmp_path / f"x.{ending}"
    animate(of_folder(pendulum), path, rows=2, columns=3, scale=1, fps=fps)  # no two frames are equal
    if ending == "mp4":
        said = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", path], check=False, capture_output=True).stderr
        hours, minutes, seconds = re.search(rb"Duration: (\d+):(\d+):([\d.]+)", said).groups()
        assert 3600 * int(hours) + 60 * int(minutes) + float(seconds) == pytest.approx(30 / fps, rel=0.01, abs=0.011)
    else:
        assert frames(path)[1] == max(20, 1000 / fps)


@pytest.mark.parametrize(("count", "fps"), [(2, 0.002), (500, 0.7)])
def test_equal_frames_that_a_gif_cannot_show_for_so_long(count, fps):
    """It joins them; a WebP takes them."""
    still = np.zeros((count + 1, 5, 6, 3), np.uint8)
    still[-1] = 255
    with pytest.raises(ValueError, match=r"and may for 655.35 s: give a larger fps, or write a .webp"):
        animation.encode(still, 1, fps, "gif")
    assert animation.encode(still, 1, 0.8, "gif")
    durations = []
    with Image.open(io.BytesIO(animation.encode(still, 1, fps, "webp"))) as image:
        for t in range(image.n_frames):
            image.seek(t)
            image.load()
            durations.append(image.info["duration"])
    assert sum(durations) == pytest.approx((count + 1) * 1000 / fps, rel=0.01)


def test_without_the_package_for_videos(pendulum, tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *arguments, **options):
        if name == "imageio_ffmpeg":
            raise ModuleNotFoundError(name=name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ValueError, match=r"pip install 'slvm-data\[mp4\]', or write a \.gif"):
        animate(of_folder(pendulum), tmp_path / "x.mp4")


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """The command in an empty folder: its exit status, output and errors."""

    def run(*words):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("signal.signal", lambda *_: None)  # the handlers are those of pytest
        monkeypatch.setattr(sys, "argv", ["slvm-data", "gif", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return run


def test_the_command(pendulum, command, tmp_path):
    status, output, errors = command(pendulum, "--columns", 2, "--rows", 1, "--scale", 1, "--format", "webp")
    size = (tmp_path / "pendulum.webp").stat().st_size
    assert output == f"pendulum.webp: 30 frames of 67 x 34 pixels, {size / 1e3:.0f} kB\n"
    assert (status, errors) == (0, "")
    assert len(frames(tmp_path / "pendulum.webp")[0]) == 30


def test_the_command_complains_in_one_line(pendulum, command):
    status, _, errors = command(pendulum, "x.png", "--task", "0")
    assert status == 2
    assert errors == "error: x.png has to end in .gif, .webp, .mp4\n"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--fps", "0.001"], "fps = 0.001 has to lie from 0.002 to 100 frames per second"),
        (["--fps", "nan"], "fps = nan has to lie from 0.002 to 100 frames per second"),
        (["--fps", "x"], "--fps 'x' is not a number"),
        (["--columns", "1000000"], "fewer rows or columns"),
        (["--columns", "0"], "--columns"),
        (["--rows", "-1"], "--rows"),
        (["--scale", "99999999999999999999"], "a smaller scale"),
        (["--task", "99999999999999999999"], "task = 99999999999999999999 does not exist"),
        (["--task", "²"], "--task '²' has to be a number"),
        (["--task", "-1"], "--task '-1' has to be a number"),
        (["--task", "0,,1"], "--task '' has to be a number"),
    ],
)
def test_numbers_of_the_command(pendulum, command, tmp_path, words, message):
    status, output, errors = command(pendulum, *words)
    assert (status, output, errors.count("Traceback")) == (2, "", 0)
    assert message in errors
    assert not list(tmp_path.iterdir())
