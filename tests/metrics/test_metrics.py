"""Metrics against references written from their formulas, on the cases that tell definitions apart, and their laws."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.ndimage import correlate1d

from slvm_data import metrics
from slvm_data.metrics import centres, correlation, probes, regimes, transport

RNG = np.random.default_rng(3)
N, T, SIZE = 5, 12, 16


def discs(places, radius=2.0, size=SIZE):
    """Binary frames [N T H W] of discs at these places [N T 2] (row, column)."""
    rows, columns = np.mgrid[:size, :size]
    away = np.hypot(rows - places[..., 0, None, None], columns - places[..., 1, None, None])
    return (away <= radius).astype(np.float32)


def walk(seed=0, n=N, t=T):
    rng = np.random.default_rng(seed)
    return 4 + 8 * rng.random((n, 1, 2)) + np.cumsum(rng.normal(0, 0.5, (n, t, 2)), axis=1)


TRUTH = discs(walk())
NOISY = np.clip(TRUTH + RNG.normal(0, 0.2, TRUTH.shape), 0, 1).astype(np.float32)
SHIFTED = discs(walk() + np.linspace(0, 6, T)[None, :, None])


def test_mse_and_psnr():
    expected = ((NOISY.astype(float) - TRUTH) ** 2).mean(axis=(2, 3))
    np.testing.assert_allclose(metrics.mse(NOISY, TRUTH), expected, rtol=1e-6)
    np.testing.assert_allclose(metrics.psnr(NOISY, TRUTH), -10 * np.log10(expected), rtol=1e-6)
    assert np.isinf(metrics.psnr(TRUTH, TRUTH)).all()


def test_bytes_torch_and_one_channel_are_the_same():
    grey = np.round(255 * NOISY).astype(np.uint8)
    expected = metrics.mse(grey / 255, TRUTH)
    for found in (metrics.mse(grey, TRUTH), metrics.mse(torch.tensor(grey), torch.tensor(TRUTH[:, :, None])[:, :, 0])):
        np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_allclose(metrics.mse(grey[:, :, None], TRUTH[:, :, None]), expected, rtol=1e-5)


def test_ssim_is_the_formula_of_its_paper():
    """A Gaussian window of 11 x 11 written out, with the mirrored border."""
    x = np.arange(-5, 6)
    weights = np.exp(-(x**2) / (2 * 1.5**2))
    weights /= weights.sum()

    def local(frame):
        return correlate1d(correlate1d(frame, weights, axis=0), weights, axis=1)

    for a, b, found in zip(NOISY[0].astype(float), TRUTH[0].astype(float), metrics.ssim(NOISY, TRUTH)[0], strict=True):
        ma, mb = local(a), local(b)
        va, vb, both = local(a * a) - ma**2, local(b * b) - mb**2, local(a * b) - ma * mb
        index = ((2 * ma * mb + 1e-4) * (2 * both + 9e-4)) / ((ma**2 + mb**2 + 1e-4) * (va + vb + 9e-4))
        assert found == pytest.approx(index.mean(), abs=1e-5)
    np.testing.assert_allclose(metrics.ssim(TRUTH, TRUTH), 1, atol=1e-6)


def test_iou_counts_pixels():
    found = metrics.iou(SHIFTED, TRUTH)
    a, b = SHIFTED[1, 5] > 0.5, TRUTH[1, 5] > 0.5
    assert found[1, 5] == (a & b).sum() / (a | b).sum()
    empty = np.zeros_like(TRUTH)
    assert (metrics.iou(empty, TRUTH) == 0).all()
    assert (metrics.iou(empty, empty) == 1).all()


def published_vpt(truth, forecast, epsilon=0.010):
    """As torch-neural-ssm defines it, from its formula: the last frame below epsilon, as a share of all frames."""
    error = ((truth - forecast) ** 2).sum(axis=(2, 3)) / np.prod(truth.shape[2:])
    last = [max((t + 1 for t in range(len(row)) if row[t] < epsilon), default=0) for row in error]
    return np.mean(last) / truth.shape[1]


def test_valid_prediction_times():
    absolute = metrics.vpt_absolute_last(SHIFTED, TRUTH)
    assert np.mean(absolute) / T == pytest.approx(published_vpt(TRUTH, SHIFTED), abs=1e-9)
    error, power = metrics.mse(SHIFTED, TRUTH), (TRUTH**2).mean(axis=(2, 3))
    relative = [next((t for t in range(T) if e[t] / p[t] > 0.025), T) for e, p in zip(error, power, strict=True)]
    assert metrics.vpt_relative_first(SHIFTED, TRUTH).tolist() == relative
    variance = ((TRUTH - TRUTH.mean(axis=1, keepdims=True)) ** 2).mean(axis=(1, 2, 3))
    own = [next((t for t in range(T) if e[t] > 0.5 * v), T) for e, v in zip(error, variance, strict=True)]
    assert metrics.vpt(SHIFTED, TRUTH).tolist() == own
    for name in ("vpt", "vpt_relative_first", "vpt_absolute_last"):
        assert getattr(metrics, name)(TRUTH, TRUTH).tolist() == [T] * N


def test_a_forecast_that_fails_and_returns_tells_the_definitions_apart():
    failing = TRUTH.copy()
    failing[:, 3:-1] = 0  # empty, but right again in the last frame
    assert (metrics.vpt_absolute_last(failing, TRUTH) == T).all()
    assert (metrics.vpt_relative_first(failing, TRUTH) == 3).all()
    assert (metrics.vpt(failing, TRUTH) == 3).all()


def test_brightness_moves_the_published_number_and_not_ours():
    grey = 0.2 + 0.8 * TRUTH
    wrong = np.clip(grey + 0.8 * (SHIFTED - TRUTH), 0, 1)
    assert metrics.vpt(wrong, grey).tolist() == metrics.vpt(SHIFTED, TRUTH).tolist()
    published = [metrics.vpt_relative_first(*both, threshold=0.5).mean() for both in ((wrong, grey), (SHIFTED, TRUTH))]
    assert published[0] > published[1]


def test_a_forecast_of_the_mean_frame_has_a_relative_error_of_one():
    mean = np.repeat(TRUTH.mean(axis=1, keepdims=True), T, axis=1)
    variance = ((TRUTH - mean) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(metrics.mse(mean, TRUTH).mean(axis=1), variance, rtol=1e-5)


def published_distance(truth, forecast):
    """Distance of centroids as torch-neural-ssm defines it, but for Otsu's threshold, which bits do not need."""
    out = np.zeros(truth.shape[:2])
    for n, t in np.ndindex(*out.shape):
        a, b = np.argwhere(forecast[n, t] > 0.5), np.argwhere(truth[n, t] > 0.5)
        out[n, t] = np.sqrt(((a.mean(axis=0) - b.mean(axis=0)) ** 2).sum()) if len(a) else np.hypot(*truth.shape[2:])
    return out


def test_centre_distance():
    found = metrics.centre_distance(SHIFTED, TRUTH)
    assert found.shape == (N, T, 1)
    np.testing.assert_allclose(found[..., 0], published_distance(TRUTH, SHIFTED), rtol=1e-9)
    expected = [next((t for t in range(T) if d[t] > 3), T) for d in found[..., 0]]
    assert metrics.vpd(SHIFTED, TRUTH, threshold=3).tolist() == expected


def test_an_empty_frame_is_a_miss_and_not_a_corner():
    gone = TRUTH.copy()
    gone[:, 4:] = 0
    corner = np.linalg.norm(centres.centres(TRUTH[:, :, None])[:, 4:, 0], axis=-1)  # if it were counted as [0, 0]
    found = metrics.centre_distance(gone, TRUTH)[:, 4:, 0]
    np.testing.assert_allclose(found, np.hypot(SIZE, SIZE))
    assert (found > corner).all()
    assert (metrics.vpd(gone, TRUTH) == 4).all()
    nothing = metrics.centre_distance(TRUTH, gone)
    assert np.isnan(nothing[:, 4:]).all()
    assert (nothing[:, :4] == 0).all()


def test_bodies_of_two_colours_have_distances_of_their_own():
    red, cyan = TRUTH, discs(walk() + 1.5)
    truth = np.stack([red, cyan, cyan], axis=2)
    swapped = np.stack([cyan, red, red], axis=2)
    assert (metrics.centre_distance(truth, truth) == 0).all()
    apart = published_distance(red, cyan)
    np.testing.assert_allclose(metrics.centre_distance(swapped, truth), np.repeat(apart[..., None], 3, axis=2))


def test_wasserstein_distance_of_moved_and_scaled_shapes():
    """A moved disc has the distance it moved; unequal counts against the transport of equal shares, written out."""
    one, other = np.zeros((2, 1, 1, 12, 12))
    one[0, 0, 2:5, 2:5], other[0, 0, 2:5, 6:9] = 1, 1
    assert metrics.wasserstein(one, other)[0, 0] == pytest.approx(4)
    a, b = np.argwhere(one[0, 0]), np.array([[2, 2], [9, 9]])
    found = transport.distance(one[0, 0] > 0, np.isin(np.arange(144).reshape(12, 12), [2 * 12 + 2, 9 * 12 + 9]))
    cost = np.hypot(*(np.repeat(a, 2, axis=0)[:, None] - np.repeat(b, len(a), axis=0)[None]).transpose(2, 0, 1))
    rows, columns = correlation.linear_sum_assignment(cost)  # both sides repeated to 18 equal shares
    assert found == pytest.approx(cost[rows, columns].mean(), abs=1e-9)
    line = [np.isin(np.arange(9), places)[None] for places in ((0, 1, 2), (5, 6))]
    assert transport.distance(*line) == pytest.approx(stats.wasserstein_distance([0, 1, 2], [5, 6]))
    empty = np.zeros_like(one)
    assert metrics.wasserstein(empty, other)[0, 0] == pytest.approx(np.hypot(12, 12))
    assert metrics.wasserstein(empty, empty)[0, 0] == 0


LATENT = RNG.normal(size=(40, 10, 3))
MIXED = np.stack([2 * LATENT[..., 2] - 1, LATENT[..., 0] + 0.1 * RNG.normal(size=(40, 10))], axis=-1)


def test_r2_and_linear_probe():
    x, y = LATENT.reshape(-1, 3), MIXED.reshape(-1, 2)
    weights, *_ = np.linalg.lstsq(np.hstack([x, np.ones((400, 1))])[:200], y[:200], rcond=None)
    found = np.hstack([x, np.ones((400, 1))])[200:] @ weights
    expected = 1 - ((found - y[200:]) ** 2).sum(0) / ((y[200:] - y[200:].mean(0)) ** 2).sum(0)
    np.testing.assert_allclose(metrics.probe(LATENT[:20], MIXED[:20], LATENT[20:], MIXED[20:]), expected, atol=1e-6)
    assert metrics.r2(y, y).tolist() == [1, 1]
    np.testing.assert_allclose(metrics.r2(np.tile(y.mean(0), (400, 1)), y), 0, atol=1e-12)


def test_a_network_reads_what_a_line_cannot():
    latent = np.random.default_rng(0).uniform(-2, 2, LATENT.shape)
    state = latent[..., :1] ** 2
    line, curve = (metrics.probe(latent[:30], state[:30], latent[30:], state[30:], kind=k) for k in probes.PROBES)
    assert line[0] < 0.3
    assert curve[0] > 0.9


def test_angles_are_read_as_sine_and_cosine():
    """An angle that counts turns is no linear function of its picture; its sine and cosine are."""
    angle = np.linspace(0, 40, 400).reshape(20, 20, 1)
    latent = np.concatenate([np.sin(angle + 1), np.cos(angle + 1)], axis=-1)
    assert metrics.probe(latent[:10], angle[:10], latent[10:], angle[10:])[0] < 0.5
    found = metrics.probe(latent[:10], angle[:10], latent[10:], angle[10:], angles=[0])
    np.testing.assert_allclose(found, 1, atol=1e-6)


def test_parameters_of_sequences_are_probed_too():
    latent, parameter = LATENT[:, 0], LATENT[:, 0, :1] * 3 + 1
    np.testing.assert_allclose(metrics.probe(latent[:20], parameter[:20], latent[20:], parameter[20:]), 1, atol=1e-9)


@pytest.mark.parametrize("kind", correlation.KINDS)
def test_mcc(kind):
    x, y = LATENT.reshape(-1, 3), MIXED.reshape(-1, 2)
    one = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}[kind]
    table = np.array([[abs(one(x[:, i], y[:, j])[0]) for j in range(2)] for i in range(3)])
    best = max(table[i, 0] + table[j, 1] for i in range(3) for j in range(3) if i != j) / 2
    assert metrics.mcc(LATENT, MIXED, kind=kind) == pytest.approx(best, abs=1e-9)
    assert metrics.mcc(LATENT[..., [2, 0, 1]] * [-3, 2, 1], MIXED, kind=kind) == pytest.approx(best, abs=1e-9)


def test_mcc_where_a_latent_is_missing_and_held_out():
    assert metrics.mcc(LATENT[..., :1], LATENT[..., :2]) == pytest.approx(0.5, abs=0.05)
    same = RNG.normal(size=(40, 10, 30))  # many latents of noise: in sample they seem to know something
    assert metrics.mcc(same, MIXED) > metrics.mcc(same[20:], MIXED[20:], fit_latent=same[:20], fit_state=MIXED[:20])


Z = RNG.integers(0, 3, (6, 50)).repeat(4, axis=1)[:, :100]


def test_regimes_after_assignment():
    renamed = np.array([7, 2, 5])[Z]
    assert metrics.accuracy(renamed, Z).tolist() == [1] * 6
    assert (metrics.f1(renamed, Z), metrics.nmi(renamed, Z), metrics.ari(renamed, Z)) == pytest.approx((1, 1, 1))
    wrong = renamed.copy()
    wrong[:, :10] = 2
    agree = max((np.array(order)[Z] == wrong).sum() for order in permutations([7, 2, 5]))
    assert metrics.accuracy(wrong, Z).mean() == pytest.approx(agree / Z.size)


def test_more_regimes_than_exist_and_fewer():
    """A regime cut in two: a square assignment of the published code fails or credits both; here one is left over."""
    split = np.where((Z == 0) & (np.arange(100) % 2 == 0), 9, Z)
    assert metrics.accuracy(split, Z).mean() == pytest.approx(1 - ((Z == 0) & (split == 9)).mean(), abs=0.02)
    assert (regimes.assigned(split, Z) == -1).any()
    one = np.zeros_like(Z)
    assert metrics.accuracy(one, Z).mean() == pytest.approx(max((k == Z).mean() for k in range(3)))
    assert (metrics.nmi(one, Z), metrics.ari(one, Z)) == pytest.approx((0, 0), abs=1e-12)


def test_a_regime_that_a_resample_lacks_adds_nothing_to_nmi():
    """Also where another one is predicted that it lacks, and without a warning."""
    table = np.array([[5.0, 1.0, 0.0], [2.0, 4.0, 0.0], [0.0, 0.0, 0.0]])
    assert regimes.nmi_of(table) == pytest.approx(regimes.nmi_of(table[:2, :2]), abs=1e-12)


def test_indices_of_partitions_are_their_formulas():
    found = RNG.integers(0, 4, Z.shape)
    a, b = found.ravel(), Z.ravel()
    i, j = np.triu_indices(len(a), 1)
    same_a, same_b = a[i] == a[j], b[i] == b[j]
    both, chance = (same_a & same_b).sum(), same_a.sum() * same_b.sum() / len(i)
    most = (same_a.sum() + same_b.sum()) / 2
    assert metrics.ari(found, Z) == pytest.approx((both - chance) / (most - chance), abs=1e-9)
    joint = np.array([[((a == x) & (b == y)).mean() for y in range(3)] for x in range(4)])
    information = sum(p * np.log(p / (joint[x].sum() * joint[:, y].sum())) for (x, y), p in np.ndenumerate(joint) if p)
    entropy = (stats.entropy(joint.sum(1)) + stats.entropy(joint.sum(0))) / 2
    assert metrics.nmi(found, Z) == pytest.approx(information / entropy, abs=1e-9)


def test_switching_instants():
    truth = np.array([[0] * 10 + [1] * 10 + [0] * 10])
    late = np.array([[0] * 12 + [1] * 18])
    assert metrics.switch_error(late, truth) == {"frames": 2.0, "missed": 0.5, "spurious": 0.0}
    assert metrics.switch_error(truth + 3, truth) == {"frames": 0.0, "missed": 0.0, "spurious": 0.0}
    assert np.isnan(metrics.switch_error(np.zeros_like(truth), truth)["frames"])


def test_states_energy_and_phase():
    t = np.linspace(0, 6, 50)
    truth = np.stack([np.cos(t), -np.sin(t)], axis=-1)[None]
    late = np.stack([np.cos(t - 0.3), -np.sin(t - 0.3)], axis=-1)[None]
    assert metrics.phase_error(late, truth).mean() == pytest.approx(0.3, abs=0.05)
    turned = truth + np.array([2 * np.pi, 0])
    assert metrics.state_error(turned, truth, angles=[0]).max() < 1e-12
    assert metrics.state_error(turned, truth).min() > 1
    assert metrics.energy_drift([[2.0, 2.2, 1.9], [0.0, 0.0, 0.0]]).tolist() == pytest.approx([0.2 / (6.1 / 3), 0])


def test_crps_and_coverage():
    samples, truth = RNG.normal(size=(9, 4, 5)), RNG.normal(size=(4, 5))
    first = np.abs(samples - truth).mean(0)
    second = np.abs(samples[:, None] - samples[None]).sum(axis=(0, 1)) / (9 * 8)
    np.testing.assert_allclose(metrics.crps(samples, truth), first - second / 2, atol=1e-12)
    many, y = RNG.normal(size=(2000, 500)), RNG.normal(size=500)
    exact = y * (2 * stats.norm.cdf(y) - 1) + 2 * stats.norm.pdf(y) - 1 / np.sqrt(np.pi)  # of a normal distribution
    np.testing.assert_allclose(metrics.crps(many, y).mean(), exact.mean(), atol=0.02)
    assert metrics.coverage(many, y) == pytest.approx(0.9, abs=0.05)
    assert metrics.coverage(many / 3, y) < 0.6


def test_interval_of_a_mean():
    values = RNG.normal(3, 2, 400)
    mean, low, high = metrics.interval(values)
    assert mean == pytest.approx(values.mean())
    half = 1.96 * values.std() / 20
    assert (low, high) == pytest.approx((mean - half, mean + half), abs=0.04)
    assert metrics.interval(values) == metrics.interval(np.append(values, np.nan))


BEST = {"mse": 0, "iou": 1, "vpt": T, "vpt_relative_first": T, "vpt_absolute_last": T, "vpd": T, "wasserstein": 0}


@pytest.mark.parametrize("name", [*BEST, "ssim"])
def test_scores_do_not_depend_on_order_or_batch(name):
    function, order = getattr(metrics, name), RNG.permutation(N)
    whole = function(NOISY, TRUTH)
    np.testing.assert_array_equal(function(NOISY[order], TRUTH[order]), whole[order])
    parts = [function(NOISY[i : i + 2], TRUTH[i : i + 2]) for i in range(0, N, 2)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    if name in BEST:
        assert (function(TRUTH, TRUTH) == BEST[name]).all()


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.floats(0.05, 0.5))
def test_noise_never_improves_the_expected_score(seed, sigma):
    noise = np.random.default_rng(seed).normal(0, sigma, NOISY.shape)
    for forecast in (TRUTH, NOISY):
        assert metrics.mse(forecast + noise, TRUTH).mean() > metrics.mse(forecast, TRUTH).mean()
        assert metrics.ssim(forecast + noise, TRUTH).mean() < metrics.ssim(forecast, TRUTH).mean()


@settings(max_examples=20)
@given(st.permutations(range(5)), st.integers(0, 2**31))
def test_numbers_of_regimes_do_not_matter(order, seed):
    found, truth = np.random.default_rng(seed).integers(0, [[5], [3]], (2, 60)).reshape(2, 3, 20)
    renamed = np.array(order)[found]
    for name in ("accuracy", "f1", "nmi", "ari"):
        function = getattr(metrics, name)
        np.testing.assert_allclose(function(renamed, truth), function(found, truth), atol=1e-12)


BAD = {
    "image of the forecast has the shape [5, 12, 16], and has": lambda: metrics.mse(TRUTH[..., 0], TRUTH),
    "image of the forecast has the shape [5, 11, 16, 16]": lambda: metrics.mse(TRUTH[:, 1:], TRUTH),
    "image of the forecast has 1 numbers that are NaN or infinite": lambda: metrics.mse(_with_nan(), TRUTH),
    "image is empty": lambda: metrics.mse(TRUTH[:0], TRUTH[:0]),
    "regime of the forecast has the shape [6, 99]": lambda: metrics.accuracy(Z[:, 1:], Z),
    "kind = 'cubic' is unknown; there are linear, mlp": lambda: metrics.probe(*2 * (LATENT, MIXED), kind="cubic"),
    "have 390 and 400 rows": lambda: metrics.probe(LATENT[1:], MIXED, LATENT, MIXED),
    "an oscillation has 2 numbers": lambda: metrics.phase_error(LATENT, LATENT),
    "samples have the shape [1, 4]": lambda: metrics.crps(np.ones((1, 4)), np.ones(4)),
    "state of the forecast is of <U1": lambda: metrics.state_error(np.full((2, 2, 2), "a"), np.ones((2, 2, 2))),
}


def _with_nan():
    found = TRUTH.copy()
    found[0, 0, 0, 0] = np.nan
    return found


@pytest.mark.parametrize("message", BAD)
def test_bad_input_is_one_sentence(message):
    with pytest.raises(ValueError) as error:
        BAD[message]()
    assert message in str(error.value)


def test_probes_scale_and_shift_do_not_matter():
    moved = LATENT * [1e3, 1e-3, 1] + [5, 0, -2]
    for kind in probes.PROBES:
        a, b = (metrics.probe(x[:20], MIXED[:20], x[20:], MIXED[20:], kind=kind) for x in (LATENT, moved))
        np.testing.assert_allclose(a, b, atol=1e-5 if kind == "linear" else 2e-3)
