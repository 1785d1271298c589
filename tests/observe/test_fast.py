"""The fast binary frames equal the reference pixel for pixel, and the doubt about them is wide enough."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image, ImageDraw

from slvm_data.core.keys import exact
from slvm_data.observe.render import fast, soft
from slvm_data.observe.render.style import Style, background, draw, hues


def scenes(n, bodies, seed, size=32):
    """Random discs, half of them close together, some across the border of the canvas or larger than a third of it."""
    rng = np.random.default_rng(seed)
    first = rng.uniform(-0.1, 1.1, (n, 1, 2))
    near = first + rng.normal(0, 0.12, (n, bodies, 2))
    centres = np.where(rng.random((n, 1, 1)) < 0.5, near, rng.uniform(0, 1, (n, bodies, 2)))
    return centres, rng.uniform(0.005, 0.35, (n, bodies)) ** 1.3


@pytest.mark.parametrize("style", ["soft", "clean"])
@pytest.mark.parametrize("size", [2, 7, 31, 32, 33, 64, 100])
def test_a_lone_disc_is_the_reference(size, style):
    n = 20_000 if size == 32 else 1_000
    centres, radii = scenes(n, 1, size)
    with exact():
        words = jax.jit(jax.vmap(lambda c, r: fast.lone(c[0], r[0], size, style)))(centres, radii)
        expected = reference(centres, radii, np.tile([1.0, 0.0, 0.0], (n, 1, 1)), size, 1, style)
    np.testing.assert_array_equal(unpacked(words, size), expected)
    assert 0 < expected.mean() < 1


def reference(centres, radii, colors, size, palette, style="soft"):
    return drawn(Style(style, size, palette), centres, radii, colors, "binary")


def drawn(style, places, radii, colors, color):
    """Frames by the reference."""
    return np.asarray(jax.jit(jax.vmap(lambda p, r, k: draw(style, p, r, k, color)))(places, radii, colors))


def unpacked(words, size):
    """The pixels of words [… H words], by way of packed bytes."""
    *many, height, _ = words.shape
    packed = np.full((*many, -(-height * size // 8)), 9, np.uint8)
    fast.pack(np.asarray(words), size, packed)
    return np.unpackbits(packed, axis=-1, count=height * size).reshape(*many, height, size)


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("bodies", "palette", "size"), [(2, 1, 32), (2, 2, 32), (3, 3, 33), (3, 6, 20), (2, 6, 64), (1, 2, 32), (4, 1, 32)]
)
def test_discs_that_lie_apart_are_the_reference_or_in_doubt(bodies, palette, size):
    """All pixels that are not in doubt; and few are, unless discs nearly touch."""
    n = 5_000
    centres, radii = scenes(n, bodies, size)
    radii = np.minimum(radii, 0.12)
    order = np.argsort(np.random.default_rng(0).random((n, palette)), axis=1)[:, :bodies]
    colors = soft.hues(palette)[order if palette > 1 else np.zeros((n, bodies), int)]
    with exact():
        reaches = jax.jit(jax.vmap(partial(fast.reaches, palette=palette)))(centres, radii, colors)
        lit, maybe = jax.jit(jax.vmap(partial(fast.apart, size=size)))(*reaches)
        doubt, lit, apart = map(np.asarray, (jax.jit(jax.vmap(fast.doubtful))(lit, maybe), lit, reaches[-1]))
        expected = reference(centres, radii, colors, size, palette).reshape(n, -1, size, size)
    frames, doubt = unpacked(lit, size), unpacked(doubt, size) > 0
    sure = apart[:, None, None, None] & ~doubt[:, None]
    np.testing.assert_array_equal(
        frames[np.broadcast_to(sure, frames.shape)], expected[np.broadcast_to(sure, frames.shape)]
    )
    assert 0.1 < apart.mean() <= (0.9 if bodies > 1 else 1)
    assert (frames != expected)[apart].any() or bodies == 1, "there are pixels that are in doubt for a reason"
    assert doubt[apart].mean() < 0.01
    assert not doubt[~apart].any(), "these are drawn in another way, whatever is in doubt"
    packed = np.empty((n, -(-frames[0].size // 8)), np.uint8)
    fast.pack(lit, size, packed)
    np.testing.assert_array_equal(packed, np.packbits(frames.reshape(n, -1), axis=1))


@pytest.mark.parametrize("size", [40, 31])
@pytest.mark.parametrize("channels", [1, 3])
def test_doubtful_pixels_are_found_and_put(size, channels):
    """Also where neither rows nor channels end with a byte, and where a pixel is found twice."""
    pixels = np.random.default_rng(0).random((3, 4, size, size)) < 0.01
    wide = np.zeros((3, 4, size, 64), np.uint8)
    wide[..., :size] = pixels
    frame, place = fast.places(np.packbits(wide, axis=-1).view(">u4").astype(np.uint32))
    n, t, row, column = np.nonzero(pixels)
    np.testing.assert_array_equal(np.column_stack([frame, place]), np.stack([4 * n + t, row, column], axis=1))
    frames = np.random.default_rng(1).integers(0, 2, (3, 4, channels, size, size), np.uint8)
    packed = np.packbits(frames.reshape(3, 4, -1), axis=-1)
    lit = np.random.default_rng(2).integers(0, 2, (len(frame), channels), np.uint8)
    frames[n, t, :, row, column] = lit
    twice = np.arange(2 * len(frame)) % len(frame)
    fast.put(lit[twice], packed, frame[twice], (row * size + column)[twice], size**2)
    np.testing.assert_array_equal(packed, np.packbits(frames.reshape(3, 4, -1), axis=-1))


@pytest.mark.parametrize("patches", [False, True])
@pytest.mark.parametrize(("bodies", "palette"), [(2, 1), (2, 2), (3, 6), (2, 5)])
def test_codes_are_the_reference_or_in_doubt(bodies, palette, patches):
    n = 5_000
    centres, radii = scenes(n, bodies, palette)
    radii = np.minimum(radii, 0.1) if patches else radii
    shape = fast.patch_shape(radii.max(), bodies, Style("soft", 32, palette), "binary") if patches else None
    assert (shape is not None) == patches
    colors = soft.hues(palette)[np.random.default_rng(0).integers(0, palette, (n, bodies))]
    with exact():
        x, y, first = jax.jit(jax.vmap(partial(fast.squares, size=32, shape=shape)))(centres)
        parts = np.asarray(jax.jit(jax.vmap(partial(fast.code, palette=palette)))(x, y, radii, colors))
        codes = np.zeros((n, 32, 32), np.uint8)
        fast.place(parts[:, None, :, None], np.asarray(first)[:, None], codes[:, None], (0,))
        expected = reference(centres, radii, colors, 32, palette)
    bits = np.empty((n, -(-expected[0].size // 8)), np.uint8)
    fast.pack_codes(codes, palette, bits)
    frames = np.unpackbits(bits, axis=-1, count=expected[0].size).reshape(expected.shape)
    sure = codes.max(axis=(1, 2)) < fast.DOUBTFUL
    np.testing.assert_array_equal(frames[sure], expected[sure])
    assert 0.95 < sure.mean() < 1
    n, row, column = np.nonzero(codes >= fast.DOUBTFUL)
    with exact():
        pixels = np.linspace(0, 1, 32)[np.stack([column, row], axis=1)]
        lit = jax.jit(jax.vmap(partial(fast.lit, palette=palette)))(pixels, centres[n], radii[n], colors[n])
    frames.reshape(len(frames), -1, 32, 32)[n, :, row, column] = lit
    np.testing.assert_array_equal(frames, expected)


@pytest.mark.parametrize("palette", [1, 2])
def test_doubt_is_five_times_the_error_of_single_precision(palette):
    centres, radii = scenes(5_000, 2, 1)
    shares = soft.hues(palette)[[0, palette - 1]]

    def values(dtype, centres, radii):
        along = jnp.linspace(0.0, 1.0, 32)
        x, y = (((along - centres[:, i, None]) ** 2).astype(dtype) for i in range(2))
        odds = soft.odds_of(x, y, radii)
        lit, grey = dtype(soft.LIT / 255), [dtype(b) for b in soft.BACKGROUND]
        every = ((shares[:, c].astype(dtype) - lit, grey[c] - lit) for c in range(fast.channels(palette)))
        return [value / whole + lit for value, whole in (fast.excess(odds, *own) for own in every)]

    with exact():
        single = jax.jit(jax.vmap(partial(values, np.float32)))(centres, radii)
        double = jax.jit(jax.vmap(partial(values, np.float64)))(centres, radii)
    near = [np.abs(np.asarray(d) - soft.LIT / 255) < 0.1 for d in double]
    errors = [np.abs(np.asarray(s) - np.asarray(d))[n].max() for s, d, n in zip(single, double, near, strict=True)]
    print(f"largest error of single precision {max(errors):.1e}, doubt {fast.DOUBT:.0e}")
    assert 5 * max(errors) < fast.DOUBT


@pytest.mark.parametrize("bodies", [1, 2, 4, 5, 9])
def test_a_blend_without_divisions_is_that_of_the_reference(bodies):
    centres, radii = scenes(1_000, bodies, bodies)
    shares, background = np.random.default_rng(0).uniform(-0.5, 0.5, bodies), -0.1
    with exact():
        along = jnp.linspace(0.0, 1.0, 32)
        x, y = ((along - centres[..., i, None]) ** 2 for i in range(2))
        value, whole = jax.vmap(lambda *own: fast.excess(soft.odds_of(*own), shares, background))(x, y, radii)
        covers = jax.vmap(partial(soft.cover_at, along, along))(centres, radii)
        expected = jax.vmap(lambda own: soft.blend(own, shares, background))(covers)
    np.testing.assert_allclose(value / whole, expected, atol=1e-8)  # odds are at most e²⁰
    assert np.ptp(expected) > 0.1


@pytest.mark.few(8)
@pytest.mark.parametrize(
    ("style", "color", "bodies", "size", "rods"),
    [
        *(("soft", "grey", 1, 32, False), ("soft", "grey", 3, 90, False), ("soft", "binary", 3, 64, True)),
        *(("clean", "rgb", 2, 33, True), ("clean", "binary", 3, 40, True), ("bump", "grey", 3, 40, False)),
        *(("soft on white", "rgb", 2, 90, False), ("clean on white", "rgb", 2, 64, True)),
        *(("soft", "grey", 1, 100, False), ("soft", "rgb", 2, 80, False), ("soft", "rgb", 2, 90, True)),
        *(("clean", "grey", 3, 32, False), ("bump", "rgb", 2, 64, True)),
    ],
)
def test_patches_hold_all_that_bodies_change(style, color, bodies, size, rods):
    """Also of bodies across the border of the canvas, or beyond it, and of those that overlap."""
    palette = 2 if "white" in style else 6 if color != "binary" else 1
    own = (((20, 0, 90), (255, 250, 0)), (255,) * 3) if "white" in style else ()
    style = Style(style.split()[0], size, palette, 0.0, *own)
    assert fast.patch_shape(1.0, bodies, style, color) is None
    places, radii = rods_of(3_000, bodies, size, 0.05) if rods else scenes(3_000, bodies, size)
    radii = np.minimum(radii, 0.05)
    half = np.abs(places[..., 1, :] - places[..., 0, :]).max() / 2 if rods else 0.0
    shape = fast.patch_shape(radii.max() + half, bodies, style, color)
    colors = hues(style)[np.random.default_rng(0).integers(0, palette, (len(radii), bodies))]
    with exact():
        patches = jax.jit(jax.vmap(partial(fast.patches, style=style, color=color, shape=shape)))
        parts, first = (np.asarray(x) for x in patches(places, radii, colors))
        expected = drawn(style, places, radii, colors, color)
    frames = np.full((30, 100, *expected.shape[1:]), 9, np.uint8)
    top, levels = background(style, color)
    parts = parts if parts.dtype == np.uint8 else parts[:, :, None] >> 8 * np.arange(3)[:, None, None] & 255
    parts = parts.astype(np.uint8).reshape(30, 100, bodies, -1, *parts.shape[-2:])
    fast.place(parts, first.reshape(30, 100, bodies, 2), frames, levels)
    np.testing.assert_array_equal(frames.reshape(expected.shape), expected)
    assert (abs(expected - 1.0 * np.array(levels)[:, None, None]).max() > 0.6 * top).any()


def rods_of(n, bodies, seed, length=0.5):
    """Random rods, some of them level, upright, or with ends that meet or nearly do."""
    rng = np.random.default_rng(seed)
    middles, radii = scenes(n, bodies, seed)
    ways = rng.uniform(-length, length, (n, bodies, 2)) * rng.choice([1, 1, 1, 1, 0, 1e-9], (n, bodies, 2))
    return np.stack([middles - ways / 2, middles + ways / 2], axis=2), radii


@pytest.mark.parametrize("style", ["soft", "clean"])
@pytest.mark.parametrize("size", [24, 32, 65])
def test_a_lone_rod_is_the_reference(size, style):
    n = 4_000
    places, radii = rods_of(n, 1, size)
    with exact():
        words = jax.jit(jax.vmap(lambda p, r: fast.lone(p[0], r[0], size, style)))(places, radii)
        expected = reference(places, radii, np.ones((n, 1, 3)), size, 1, style)
    np.testing.assert_array_equal(unpacked(words, size), expected)
    assert 0 < expected.mean() < 1


@pytest.mark.parametrize("style", ["soft", "clean", "bump"])
@pytest.mark.parametrize("color", ["binary", "grey", "rgb"])
def test_a_rod_whose_ends_meet_is_a_disc(style, color):
    style, (centres, radii) = Style(style, 32, 2 if color == "rgb" else 1), scenes(2_000, 2, 0)
    colors = hues(style)[np.zeros((2_000, 2), int)]
    with exact():
        discs, rods = (drawn(style, p, radii, colors, color) for p in (centres, np.stack([centres] * 2, axis=2)))
    np.testing.assert_array_equal(rods, discs)


def test_clean_rods_are_the_share_of_each_pixel_that_they_cover():
    """As Pillow draws them, 64 times as large; the rule is that of an edge along a row, so slanted ones differ."""
    size, zoom, n = 24, 64, 60
    places, radii = rods_of(n, 1, 3)
    radii = np.maximum(radii, 1.0 / size)
    with exact():
        frames = drawn(Style("clean", size, 1), places, radii, np.ones((n, 1, 3)), "grey") / 255
    worst = 0.0
    for frame, (first, last), radius in zip(frames, size * zoom * places[:, 0], size * zoom * radii[:, 0], strict=True):
        picture = Image.new("1", (size * zoom, size * zoom))
        pencil = ImageDraw.Draw(picture)
        side = radius * np.array([first[1] - last[1], last[0] - first[0]]) / max(np.hypot(*(last - first)), 1e-9)
        pencil.polygon([tuple(p) for p in (first + side, last + side, last - side, first - side)], fill=1)
        for x, y in (first, last):
            pencil.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
        share = np.asarray(picture).reshape(size, zoom, size, zoom).mean(axis=(1, 3))
        worst = max(worst, np.abs(frame - share).max())
        assert abs(frame.sum() - share.sum()) < 0.01 * share.sum() + 0.3
    print(f"largest difference of a pixel {worst:.3f}")
    assert worst < 0.1


def test_bumps_follow_the_formula():
    """For bodies apart, as in the source; where they overlap, one lies on the other."""
    centres, radius = np.array([[0.3, 0.4], [0.7, 0.6]]), 0.12
    with exact():
        frame = draw(Style("bump", 32, 1), centres, np.full(2, radius), np.ones((2, 3)), "grey")
    x, y = np.meshgrid(*[(np.arange(32) + 0.5) / 32] * 2)
    light = sum(np.exp(-((((x - u) ** 2 + (y - v) ** 2) / radius**2) ** 4)) for u, v in centres)
    np.testing.assert_array_equal(frame, np.rint(255 * np.minimum(light, 1)))
