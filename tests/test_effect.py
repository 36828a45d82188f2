"""The effect of random labels over layers and seeds: the graph against SciPy, and draws against both."""

import numpy as np
import pytest
from scipy import stats

from rote.inference.effect import EffectPrior, effect_model
from rote.inference.posterior import sample

LAYERS = ("hidden_1", "hidden_2", "hidden_3")
PRIOR = EffectPrior()
SCALES = {"layer_sd": 0.3, "seed_sd": 0.15, "sd_0": 0.1, "sd_1": 0.25}


def draw(
    rng, *, effect=0.8, shares=(0.0, 0.5, 1.0), n_seeds=5, layer_sd=0.3, seed_sd=0.15, sd=(0.1, 0.25)
):
    """Values by the module's first equation, written out."""
    values = {}
    layer_effects = effect + layer_sd * rng.normal(size=len(LAYERS))
    for layer, of_layer in zip(LAYERS, layer_effects, strict=True):
        base = rng.normal()
        for seed in range(n_seeds):
            common = base + seed_sd * rng.normal()
            for share in shares:
                own = sd[0] ** (1 - share) * sd[1] ** share
                values[layer, seed, share] = common + share * of_layer + own * rng.normal()
    return values, layer_effects


def explicit(values, point):
    """Loadings of each value on base, effect, layer effects and seed effects: K = A D Aᵀ + noise."""
    rows = []
    keys = list(values)
    blocks = sorted({(layer, seed) for layer, seed, _ in keys})
    for layer, seed, share in keys:
        at_layer = np.array([layer == one for one in LAYERS], dtype=float)
        at_block = np.array([(layer, seed) == one for one in blocks], dtype=float)
        rows.append(np.concatenate([at_layer, [share], share * at_layer, at_block]))
    loading = np.array(rows)
    sds = [np.full(3, 3.0), [3.0], np.full(3, point["layer_sd"]), np.full(len(blocks), point["seed_sd"])]
    latent = np.diag(np.concatenate(sds) ** 2)
    share = np.array([f for *_, f in keys])
    noise = np.diag((point["sd_0"] ** (1 - share) * point["sd_1"] ** share) ** 2)
    y = np.array(list(values.values()))
    k = loading @ latent @ loading.T + noise
    pick = np.zeros((4, loading.shape[1]))
    pick[:, 3] = 1
    pick[1:, 4:7] = np.eye(3)
    gain = pick @ latent @ loading.T @ np.linalg.inv(k)
    return (
        stats.multivariate_normal(np.zeros(len(y)), k).logpdf(y),
        gain @ y,
        pick @ latent @ pick.T - gain @ loading @ latent @ pick.T,
    )


def unconstrained(point):
    sds = np.log([point["sd_0"], point["sd_1"]])
    return {
        "layer_sd_log__": np.log(point["layer_sd"]),
        "seed_sd_log__": np.log(point["seed_sd"]),
        "network_sd_log__": sds,
        "effect_z": np.zeros(4),
    }


POINTS = [SCALES, {"layer_sd": 1.2, "seed_sd": 0.4, "sd_0": 0.5, "sd_1": 0.05}]


def test_values_have_the_law_of_the_equations(rng):
    values, _ = draw(rng)
    model = effect_model(values)
    logp = model.compile_logp(mode="FAST_COMPILE", jacobian=False)

    def rest(point):
        law = stats.lognorm(1.0, scale=0.2)
        scales = [point["layer_sd"], point["seed_sd"], point["sd_0"], point["sd_1"]]
        priors = law.logpdf(scales).sum() + 4 * stats.norm.logpdf(0)
        return float(logp(unconstrained(point))) - priors - explicit(values, point)[0]

    constant = 0.5 * len(values) * np.log(2 * np.pi)
    assert [rest(point) for point in POINTS] == pytest.approx([constant] * 2, abs=1e-6)


def test_effects_given_scales_are_those_of_the_joint_normal(rng):
    values, _ = draw(rng)
    model = effect_model(values)
    outputs = model.replace_rvs_by_values([model["effect"], model["layer_effect"]])
    reveal = model.compile_fn(outputs, mode="FAST_COMPILE", point_fn=True, on_unused_input="ignore")
    for point in POINTS:
        _, mean, covariance = explicit(values, point)

        def effects(z, point=point):
            typical, layers = reveal(unconstrained(point) | {"effect_z": z})
            return np.concatenate([[typical], layers])

        root = np.array([effects(row) - effects(np.zeros(4)) for row in np.eye(4)]).T
        assert effects(np.zeros(4)) == pytest.approx(mean, abs=1e-6)
        assert root @ root.T == pytest.approx(covariance, abs=1e-6)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "must be of networks of two shares at least, got \\[\\]"),
        ({("a", 0, 0.0): 1.0, ("a", 1, 0.0): 1.0}, "two shares at least, got \\[0.0\\]"),
        ({("a", 0, 0.0): np.nan, ("a", 0, 1.0): 1.0}, "must be finite, got nan for a of seed 0"),
        ({("a", 0, 0.0): 1.0, ("a", 0, 1.2): 1.0}, r"share must lie in \[0, 1\], got 1.2"),
    ],
)
def test_values_that_cannot_be_compared_are_named(values, sentence):
    with pytest.raises(ValueError, match=sentence):
        effect_model(values)


@pytest.mark.slow
def test_intervals_of_the_effect_hold_it(rng):
    """40 draws from the prior's own scales: 90 % intervals miss more than 15 times by chance in 1e-6."""
    held = 0
    for _ in range(40):
        scales = stats.lognorm(1.0, scale=0.2).rvs(4, random_state=rng)
        effect = rng.normal(0, 3)
        values, _ = draw(
            rng, effect=effect, n_seeds=4, layer_sd=scales[0], seed_sd=scales[1], sd=tuple(scales[2:])
        )
        tree = sample(effect_model(values), kind="effect", prior=PRIOR, rng=rng, draws=500)
        low, high = np.quantile(tree["posterior"]["effect"], [0.05, 0.95])
        held += bool(low < effect < high)
    assert stats.binom.cdf(held, 40, 0.9) > 1e-6
    assert stats.binom.sf(held - 1, 40, 0.9) > 1e-6
