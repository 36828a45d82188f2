"""What priors say: every model is shown, and every panel held against draws or algebra of its own."""

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad
from scipy.special import expit, logit

from rote.activity.measurement import measure
from rote.figures.prior_counts import RATIO
from rote.figures.prior_networks import NETWORK_DRAWS
from rote.figures.prior_rates import LOW_RATE, SHARE
from rote.figures.prior_views import EXAMPLES, RATE, Curves
from rote.figures.prior_weights import LOUDNESS, SIZE, WIDE_RATE
from rote.figures.prior_weights import RATE as LINE_RATE
from rote.figures.priors import PAGES, VIEWS, draw_priors, row_draws
from rote.inference.claims import MeasuredLayer
from rote.inference.classes import LEAST as LEAST_SHARE
from rote.inference.classes import MOST as MOST_SHARE
from rote.inference.classes import ClassPrior
from rote.inference.dispersion import DispersionPrior
from rote.inference.effect import EffectPrior
from rote.inference.exchangeable import ExchangeablePrior
from rote.inference.exponent import ExponentPrior
from rote.inference.factor import FactorPrior, factor_model
from rote.inference.indicator import IndicatorPrior
from rote.inference.judgement import SHARES
from rote.inference.magnitudes import MagnitudePrior
from rote.inference.models import MODELS
from rote.inference.networks import SpreadPrior
from rote.inference.pooled_weights import PooledWeightPrior
from rote.inference.priors import prior_draws
from rote.inference.rate_comparison import RateComparisonPrior
from rote.inference.rate_mixture import RateMixturePrior
from rote.inference.rates import RatePrior, rate_model
from rote.inference.share_comparison import ShareComparisonPrior
from rote.inference.signature import FEATURES
from rote.inference.unit_weights import WeightPrior
from rote.inference.value_comparison import ValueComparisonPrior
from rote.simulate.dichotomized import DichotomizedGaussian
from rote.simulate.dispersions import LEAST, MOST, LogNormalDispersions
from rote.simulate.exchangeable import ExchangeableBernoulli
from rote.simulate.independent import IndependentBernoulli

N_DRAWS, WINDOW = 2000, 20
PANELS = [(row, number) for row, views in VIEWS.items() for number in range(len(views))]


def log_normal(median_and_sd):
    median, log_sd = median_and_sd
    return stats.lognorm(log_sd, scale=median)


def of_units(value, draws):
    """The standard deviation of a law of which the value is a ratio of the 95 % to the 5 % point."""
    return np.log(value) / (stats.norm.ppf(0.95) - stats.norm.ppf(0.05))


def of_factor(value, draws):
    return np.log(value)


def itself(value, draws):
    return value


THRESHOLD = stats.norm.ppf(0.1)
QUIET = stats.truncnorm(-THRESHOLD, np.inf, loc=THRESHOLD).mean()  # magnitude of rate .1, at variance 1
STANDARD = stats.norm()
LINE, MAGNITUDE, POOLED = ExponentPrior(), MagnitudePrior(), PooledWeightPrior()
UNITS = log_normal(DispersionPrior().dispersion_spread)
NETWORKS = log_normal(SpreadPrior().network)
# the way back from what a panel shows to what has a law of its own, and that law
LAWS = {
    ("rates", 1): (itself, stats.beta(*RatePrior().mean)),
    ("rate_mixture", 1): (itself, stats.beta(*RateMixturePrior().rare_fraction)),
    ("classes", 1): (lambda v, _: logit(v), stats.norm(logit(ClassPrior().class_share[0]), 2.0)),
    ("classes", 2): (
        lambda v, _: logit(v**2 / 0.09),
        stats.norm(logit(ClassPrior().class_share[0]), 2.0),
    ),
    ("classes", 3): (of_units, log_normal(ClassPrior().class_share_spread)),
    ("exchangeable", 1): (itself, stats.beta(*ExchangeablePrior().rate)),
    ("exchangeable", 2): (itself, stats.beta(*ExchangeablePrior().correlation)),
    ("exchangeable", 3): (lambda v, _: (v**2 - 1) / 99, stats.beta(*ExchangeablePrior().correlation)),
    ("factor", 1): (lambda v, _: np.sqrt(v), stats.beta(*FactorPrior().loading)),
    ("dispersion", 1): (lambda v, _: (v - 1) / (100 - v), log_normal(DispersionPrior().dispersion)),
    ("dispersion", 2): (of_units, UNITS),
    ("gamma_poisson", 1): (lambda v, _: (v - 1) / 10, log_normal(DispersionPrior().dispersion)),
    ("gamma_poisson", 2): (of_units, UNITS),
    ("magnitudes", 1): (lambda v, _: np.log(v / QUIET), stats.norm(*MAGNITUDE.center)),
    ("magnitudes", 2): (of_units, log_normal(MAGNITUDE.spread)),
    ("magnitudes, gamma", 0): (of_factor, stats.norm(*MAGNITUDE.center)),
    ("magnitudes, gamma", 1): (of_units, log_normal(MAGNITUDE.spread)),
    ("magnitudes, gamma", 2): (itself, log_normal(MAGNITUDE.variation)),
    ("magnitude_rate", 1): (itself, stats.norm(*LINE.exponent)),
    ("magnitude_rate", 2): (of_factor, log_normal(LINE.spread)),
    ("magnitude_rate", 3): (of_factor, stats.norm(*LINE.intercept)),
    ("weights", 1): (itself, log_normal(WeightPrior().exponent)),
    ("weights", 2): (of_units, log_normal(WeightPrior().exponent_spread)),
    ("weights", 3): (itself, stats.beta(*WeightPrior().zero_fraction)),
    ("pooled_weights", 3): (itself, log_normal(POOLED.sd)),
    ("pooled_weights, variance-gamma", 2): (lambda v, _: 3 / (v - 3), log_normal(POOLED.shape)),
    ("pooled_weights, variance-gamma", 3): (itself, log_normal(POOLED.sd)),
    ("coherence", 1): (itself, stats.norm(*LINE.exponent)),
    ("coherence", 2): (of_factor, log_normal(LINE.spread)),
    ("rate comparison", 1): (lambda v, _: logit(v), stats.norm(*RateComparisonPrior().logit_mean)),
    ("rate comparison", 3): (of_factor, NETWORKS),
    ("factor comparison", 0): (lambda v, _: logit(np.sqrt(v)), stats.norm(0, 1.5)),
    ("share comparison", 0): (lambda v, _: logit(v), stats.norm(*ShareComparisonPrior().logit_share)),
    ("value comparison", 0): (
        of_factor,
        stats.norm(0, np.sqrt(2) * ValueComparisonPrior().center[1]),
    ),
    ("value comparison", 1): (lambda v, d: np.log(v) / (np.sqrt(2) * d["network_sd"]), STANDARD),
    ("value comparison", 2): (of_factor, NETWORKS),
    ("value comparison", 3): (of_factor, log_normal(SpreadPrior().seed)),
    ("effect", 0): (
        lambda v, d: np.log(v) / np.hypot(EffectPrior().effect, d["layer_sd"]),
        STANDARD,
    ),
    ("effect", 1): (of_factor, log_normal(EffectPrior().layer_sd)),
    ("effect", 2): (of_factor, log_normal(EffectPrior().network_sd)),
    ("indicator", 1): (
        lambda v, d: v / (IndicatorPrior().coefficient * d["sd"] * np.sqrt(3)),
        stats.halfnorm(),
    ),
    ("indicator", 2): (lambda v, _: v**-2, stats.chi2(3)),
}
TWO = {  # parameters at which panels are held against algebra
    "mean": [0.2, 0.01],
    "concentration": [3.0, 9.0],
    "dead_fraction": [0.3, 0.0],
    "rare_fraction": [0.2, 0.9],
    "gap": [2.0, 4.0],
    "rare_shape": [1.5, 0.7],
    "common_mean": [0.3, 0.6],
    "common_concentration": [6.0, 3.0],
    "class_share": [0.05, 0.4],
    "class_share_spread": [0.5, 3.0],
    "rate": [0.1, 0.7],
    "correlation": [0.01, 0.4],
    "loading": [0.0, 0.6],
    "dispersion": [0.05, 2.0],
    "dispersion_spread": [0.7, 3.0],
    "center": [0.5, -2.0],
    "spread": [0.3, 1.2],
    "variation": [0.5, 2.0],
    "exponent": [0.7, 3.0],
    "shape": [1.0, 2.5],
    "x_center": [-2.0, 1.0],
    "x_spread": [1.0, 0.4],
    "logit_mean": [-1.0, 2.0],
    "other_logit_mean": [0.5, 2.0],
    "log_concentration": [1.0, 3.0],
    "logit_loading": [-40.0, logit(0.6)],
    "other_logit_loading": [0.0, 1.0],
    "logit_share": [-2.0, 1.0],
    "other_logit_share": [-3.0, 2.0],
    "coefficient_0": [1.0, -2.0],
    "coefficient_1": [3.0, 0.5],
    "coefficient_2": [0.0, 2.0],
    "coefficient_3": [-1.0, 7.0],
}


def mixture(draws, of_beta):
    """A quantity of the Beta laws of common and rare units, by their shares; means lie a gap apart."""
    mean = expit(logit(draws["common_mean"]) - draws["gap"])
    rare = of_beta(draws["rare_shape"], draws["rare_shape"] * (1 - mean) / mean)
    a = draws["common_mean"] * draws["common_concentration"]
    common = of_beta(a, draws["common_concentration"] - a)
    return draws["rare_fraction"] * rare + (1 - draws["rare_fraction"]) * common


def never(a, b):
    return stats.betabinom.pmf(0, EXAMPLES, a, b)


def with_dead(draws, silent):
    return draws["dead_fraction"] + (1 - draws["dead_fraction"]) * silent


def cut_normal(x, center, spread, low, high):
    return stats.truncnorm.cdf(x, (low - center) / spread, (high - center) / spread, center, spread)


def beta_law(mean, concentration):
    return stats.beta.cdf(RATE[:, None], mean * concentration, (1 - mean) * concentration).T


def count_law(draws):
    laws = zip(draws["rate"], draws["correlation"], strict=True)
    made = [
        ExchangeableBernoulli(n_units=100, rate=rate, correlation=correlation, mixing="beta")
        for rate, correlation in laws
    ]
    return np.array([one.predict().population_pmf.cumsum() for one in made])


def pairs(rates):
    """Correlations of two units, from the variance of the population count of a hundred alike."""

    def expected(draws):
        values = np.zeros((2, len(rates)))
        for place, rate in enumerate(rates):
            pmf = DichotomizedGaussian(rate=np.full(100, rate), loading=0.6).predict().population_pmf
            count = np.arange(101)
            variance = pmf @ (count - pmf @ count) ** 2
            values[1, place] = (variance / (100 * rate * (1 - rate)) - 1) / 99
        return values

    return expected


def gamma_mixture(draws):
    """Densities of normal weights whose variance has a Gamma law, at every tenth size."""

    def density(size, shape):
        law = stats.gamma(shape, scale=1 / shape)
        return quad(lambda v: stats.norm.pdf(size, scale=np.sqrt(v)) * law.pdf(v), 0, np.inf)[0]

    return np.array([[density(size, shape) for size in SIZE[5::10]] for shape in draws["shape"]])


def standardized(draws):
    q = draws["exponent"][:, None]
    sd = stats.gennorm.std(q)
    return stats.gennorm.pdf(SIZE * sd, q) * sd


def line(draws):
    return np.exp(np.outer(draws["exponent"], np.log(LINE_RATE) - np.log(0.1)))


def polynomial(draws, x):
    return np.polynomial.polynomial.polyval(x, [draws[f"coefficient_{power}"] for power in range(4)])


def rate_of(name, back=expit):
    return lambda d: back(d[name]) - back(d[f"other_{name}"])


def squared(x):
    return expit(x) ** 2


SOME = slice(9, None, 30)  # rates at which the common factor's pairs are computed in full
ALGEBRA = {  # what a panel must show at TWO, and where of a curve
    ("rates", 0): lambda d: beta_law(d["mean"], d["concentration"]),
    ("rates", 2): lambda d: stats.beta(
        d["mean"] * d["concentration"], (1 - d["mean"]) * d["concentration"]
    ).std(),
    ("rates", 3): lambda d: with_dead(
        d, never(d["mean"] * d["concentration"], (1 - d["mean"]) * d["concentration"])
    ),
    ("rate_mixture", 0): lambda d: mixture(d, lambda a, b: stats.beta.cdf(LOW_RATE[:, None], a, b)).T,
    ("rate_mixture", 2): lambda d: expit(logit(d["common_mean"]) - d["gap"]),
    ("rate_mixture", 3): lambda d: with_dead(d, mixture(d, never)),
    ("classes", 0): lambda d: (
        cut_normal(
            logit(SHARE[:, None]),
            logit(d["class_share"]),
            d["class_share_spread"],
            logit(LEAST_SHARE),
            logit(MOST_SHARE),
        ).T
    ),
    ("exchangeable", 0): count_law,
    ("factor", 0): pairs(RATE[SOME]),
    ("factor", 2): lambda d: pairs([0.1])(d)[:, 0],
    ("factor", 3): lambda d: np.sqrt(1 + 99 * pairs([0.1])(d)[:, 0]),
    ("dispersion", 0): lambda d: (
        cut_normal(
            np.log((RATIO - 1) / (100 - RATIO))[:, None],
            *(np.log(d["dispersion"]), d["dispersion_spread"], np.log(LEAST), np.log(MOST)),
        ).T
    ),
    ("dispersion", 3): lambda d: np.tile(stats.arcsine.cdf(RATE), (2, 1)),
    ("gamma_poisson", 0): lambda d: (
        cut_normal(
            np.log((RATIO - 1) / 10)[:, None],
            *(np.log(d["dispersion"]), d["dispersion_spread"], np.log(LEAST), np.log(MOST)),
        ).T
    ),
    ("gamma_poisson", 3): lambda d: np.tile(stats.arcsine.cdf(RATE), (2, 1)),
    ("magnitudes", 0): lambda d: (
        stats.lognorm.cdf(LOUDNESS[:, None], d["spread"], scale=np.exp(d["center"])).T
    ),
    ("magnitudes, gamma", 3): lambda d: stats.gamma.ppf(
        0.99, d["variation"] ** -2, scale=d["variation"] ** 2
    ),
    ("magnitude_rate", 0): line,
    ("weights", 0): standardized,
    ("pooled_weights", 0): standardized,
    ("pooled_weights", 1): lambda d: [
        stats.gennorm(q).expect(abs) / stats.gennorm.std(q) for q in d["exponent"]
    ],
    ("pooled_weights", 2): lambda d: [3 + stats.gennorm.stats(q, moments="k") for q in d["exponent"]],
    ("pooled_weights, variance-gamma", 0): gamma_mixture,
    ("pooled_weights, variance-gamma", 1): lambda d: [
        np.sqrt(2 / np.pi / k) * stats.gamma(k).expect(np.sqrt) for k in d["shape"]
    ],
    ("coherence", 0): line,
    ("coherence", 3): lambda d: (
        stats.norm.cdf(np.log(WIDE_RATE)[:, None], d["x_center"], d["x_spread"]).T
    ),
    ("rate comparison", 0): lambda d: beta_law(expit(d["logit_mean"]), np.exp(d["log_concentration"])),
    ("rate comparison", 2): rate_of("logit_mean"),
    ("factor comparison", 1): lambda d: pairs([0.1])(d)[:, 0],
    ("factor comparison", 2): rate_of("logit_loading", squared),
    ("share comparison", 1): rate_of("logit_share"),
    ("indicator", 0): lambda d: polynomial(d, SHARES),
}
PARTS = {("factor", 0): SOME, ("pooled_weights, variance-gamma", 0): slice(5, None, 10)}
LUMPS = ("indicator", 3)  # a law with two probabilities, in a test of its own


def shown(row, number, draws):
    view = VIEWS[row][number]
    return view.y(draws) if isinstance(view, Curves) else view.value(draws)


@cache
def drawn(row):
    """Draws of a row, and of what its graph makes of them."""
    rng = np.random.default_rng(list(f"prior of {row}".encode()))
    label = rng.integers(3, size=300)
    activation = rng.normal(size=(300, 1)) + rng.normal(size=(300, 12)) - 0.5
    activation = np.maximum(activation, 0).astype(np.float32)
    layer = measure(
        activation > 0, labels=label, activation=activation, window=WINDOW, pairs=False, rng=rng
    )
    initial = rng.normal(size=(12, 20))
    weight = initial + rng.laplace(size=initial.shape)
    known = MeasuredLayer(statistics=layer, aligned=layer, weight=weight, initial=initial)
    return row_draws(row, known, rng=rng, n_draws=N_DRAWS)


@pytest.fixture
def small(rng):
    return measure(IndependentBernoulli(rate=rng.uniform(0.1, 0.6, size=8)).sample(50, rng=rng))


def test_every_model_is_shown_on_one_page():
    assert set(MODELS) | set(NETWORK_DRAWS) <= set(VIEWS)
    assert sorted(row for rows in PAGES.values() for row in rows) == sorted(VIEWS)
    assert all(2 <= len(views) <= 4 for views in VIEWS.values())


def test_every_panel_is_held_against_something():
    assert sorted([*LAWS, *ALGEBRA, LUMPS]) == sorted(PANELS)


def test_draws_follow_the_prior_and_no_other(small, rng, agrees, rejects):
    prior = RatePrior(mean=(2.0, 5.0), concentration=(3.0, 0.5), dead_fraction=(1.0, 4.0))
    draws = prior_draws(rate_model(small, prior=prior), rng=rng, n_draws=4000)
    laws = {
        "mean": stats.beta(2, 5),
        "concentration": stats.lognorm(0.5, scale=3),
        "dead_fraction": stats.beta(1, 4),
    }
    assert set(draws) == set(laws)
    assert agrees([stats.kstest(draws[name], law.cdf).pvalue for name, law in laws.items()])
    assert rejects(stats.kstest(draws["mean"], stats.beta(2, 4).cdf).pvalue)


def test_draws_repeat_with_the_stream(small):
    model = factor_model(small, prior=FactorPrior())
    one, other = (prior_draws(model, rng=np.random.default_rng(3), n_draws=5) for _ in range(2))
    assert (one["loading"] == other["loading"]).all()


@pytest.mark.parametrize("row", VIEWS)
def test_what_is_shown_follows_the_default_prior(row, agrees, rejects):
    draws, p_values, near_misses = drawn(row), [], []
    for number, view in enumerate(VIEWS[row]):
        value = shown(row, number, draws)
        assert value.shape == ((N_DRAWS, view.x.size) if isinstance(view, Curves) else (N_DRAWS,))
        assert np.isfinite(value).all()
        if "share up to" in getattr(view, "y_label", ""):
            assert (np.diff(value) >= -1e-12).all()
            assert value.min() >= 0
            assert value.max() <= 1 + 1e-9
        if law := LAWS.get((row, number)):
            back, due = law
            u = due.cdf(back(value, draws))
            p_values.append(stats.kstest(u, "uniform").pvalue)
            near_misses.append(stats.kstest(u**1.5, "uniform").pvalue)
    if p_values:
        assert agrees(p_values)
        assert all(rejects(p) for p in near_misses)


@pytest.mark.parametrize(("row", "number"), ALGEBRA)
def test_what_is_shown_is_what_algebra_says(row, number):
    draws = {name: np.array(values) for name, values in TWO.items()}
    value = shown(row, number, draws)
    part = PARTS.get((row, number), slice(None))
    due = np.array(ALGEBRA[row, number](draws))
    assert value[..., part] == pytest.approx(due, rel=1e-6, abs=1e-9)
    assert np.ptp(due, axis=0).any() or number == 3  # two draws say two things, but for one law of rates


@pytest.mark.parametrize(
    ("row", "back"),
    [("dispersion", lambda x: 1 + 99 * x / (1 + x)), ("gamma_poisson", lambda x: 1 + 10 * x)],
)
def test_units_are_shown_as_they_are_drawn(row, back, rng, agrees, rejects):
    units = LogNormalDispersions(n_units=20_000, dispersion=0.05, dispersion_spread=0.7).sample(rng=rng)
    draws = {"dispersion": np.array([0.05, 0.055]), "dispersion_spread": np.array([0.7, 0.7])}
    right, wrong = (
        lambda x, curve=curve: np.interp(np.log(x), np.log(RATIO), curve)
        for curve in shown(row, 0, draws)
    )
    assert agrees(stats.kstest(back(units), right).pvalue)
    assert rejects(stats.kstest(back(units), wrong).pvalue)


def test_graphs_say_the_same():
    mixed, windows = drawn("rate_mixture"), drawn("dispersion")
    assert shown("rate_mixture", 2, mixed) == pytest.approx(mixed["rare_mean"])
    per_example = (windows["fano_ratio"] - 1) / (WINDOW - 1)
    assert (shown("dispersion", 1, windows) - 1) / 99 == pytest.approx(per_example)


def test_a_network_to_be_judged_is_pure_with_the_prior_s_probability(agrees, rejects):
    share, pure = shown(*LUMPS, drawn("indicator")), IndicatorPrior().pure
    for end in (0, 1):
        seen = int((share == end).sum())
        assert agrees(stats.binomtest(seen, N_DRAWS, pure).pvalue)
        assert rejects(stats.binomtest(seen, N_DRAWS, 1.3 * pure).pvalue)
    between = share[(share > 0) & (share < 1)]
    assert agrees(stats.kstest(between, "uniform").pvalue)


def test_a_feature_varies_as_the_margin_of_an_inverse_wishart_law(rng, agrees, rejects):
    n = len(FEATURES)
    whole = stats.invwishart(df=n + 2, scale=np.eye(n)).rvs(2000, random_state=rng)
    variance = drawn("indicator")["sd"] ** 2
    assert agrees(stats.ks_2samp(variance, whole[:, 0, 0]).pvalue)
    assert rejects(stats.ks_2samp(variance, 1.5 * whole[:, 0, 0]).pvalue)


def boxes(labels):
    return sorted(
        (label.get_window_extent() for label in labels if label.get_text()), key=lambda b: b.x0
    )


def collisions(labels):
    return sum(left.overlaps(right) for left, right in pairwise(boxes(labels)))


def faults(figure):
    """Words that lie outside of the figure, or on one another."""
    figure.draw_without_rendering()
    used = [axes for axes in figure.axes if axes.axison]
    for axes in used:
        words = boxes([axes.xaxis.label, axes.yaxis.label, axes._left_title, *axes.texts])
        if words[0].x0 < figure.bbox.x0 or max(box.x1 for box in words) > figure.bbox.x1:
            yield f"{axes.get_title(loc='left')}: outside"
        low, high = axes.get_xlim()
        ticks = [one.label1 for one in axes.xaxis.get_major_ticks() if low <= one.get_loc() <= high]
        if collisions(ticks):
            yield f"{axes.get_title(loc='left')}: numbers"
    for row in {axes.get_subplotspec().rowspan.start for axes in used}:
        beside = [axes for axes in used if axes.get_subplotspec().rowspan.start == row]
        if collisions([axes.xaxis.label for axes in beside]):
            yield f"labels of row {row}"
        if collisions([axes._left_title for axes in beside]):
            yield f"titles of row {row}"


@pytest.mark.parametrize("page", PAGES)
def test_panels_are_labelled_and_no_words_collide(page):
    figure = draw_priors({row: drawn(row) for row in PAGES[page]})
    used = [axes for axes in figure.axes if axes.axison]
    assert len(used) == sum(len(VIEWS[row]) for row in PAGES[page])
    assert all(axes.get_xlabel() and axes.get_title(loc="left") for axes in used)
    assert list(faults(figure)) == []


def test_words_that_collide_are_noticed():
    figure = draw_priors({"rates": drawn("rates")})
    figure.axes[1].set_xlabel("a label that is far too long for its panel and the next")
    figure.axes[3].set_xticks([0.5, 0.51], ["half", "more"])
    assert len(list(faults(figure))) == 2
