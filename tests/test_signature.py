"""The signature of a network: each feature against its definition, and what is refused."""

import numpy as np
import pytest
from scipy import stats

from rote.activity.measurement import measure
from rote.inference.signature import FEATURES, FLOOR, network_signature
from rote.simulate.independent import IndependentBernoulli

N_EXAMPLES = 4_000


def drawn(rng, rates, labels=None):
    active = IndependentBernoulli(rate=rates).sample(N_EXAMPLES, rng=rng)
    return active, measure(active, labels=labels)


def test_features_are_what_their_equations_say(rng):
    labels = rng.integers(4, size=N_EXAMPLES)
    first, one = drawn(rng, np.r_[0.0, rng.beta(1, 4, size=30)], labels)
    last, other = drawn(rng, rng.beta(2, 2, size=12), labels)
    found = network_signature({"a": one, "middle": one, "b": other})
    assert list(found) == list(FEATURES)
    for place, active in (("first", first), ("last", last)):
        count = active.sum(axis=0)
        logit_rate = np.log((count[count > 0] + 0.5) / (N_EXAMPLES - count[count > 0] + 0.5))
        eigenvalues = np.linalg.eigvalsh(np.cov(active.T.astype(float), bias=True))
        alone = active.var(axis=0)
        dimensions = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
        due = {
            "mean_rate": logit_rate.mean(),
            "rate_spread": np.log(logit_rate.std()),
            "rate_skewness": stats.skew(logit_rate),
            "participation": np.log(dimensions * (alone**2).sum() / alone.sum() ** 2),
        }
        for name, value in due.items():
            assert found[f"{place}_{name}"] == pytest.approx(value), name


def test_class_correlation_is_the_root_of_the_share_between_classes(rng):
    """Units that go with classes: V / (p (1 - p)) is known; labels dealt out anew leave the floor."""
    class_rate = np.array([[0.8, 0.1, 0.1], [0.1, 0.7, 0.2]])
    labels = np.arange(N_EXAMPLES) % 2
    active = np.empty((N_EXAMPLES, 3), dtype=bool)
    for label in (0, 1):
        rows = labels == label
        active[rows] = rng.random((rows.sum(), 3)) < class_rate[label]
    rate = class_rate.mean(axis=0)
    between = np.square(class_rate - rate).mean(axis=0)
    share = between.sum() / (rate * (1 - rate)).sum()
    true, dealt = (
        network_signature({"a": layer, "b": layer})["first_class_correlation"]
        for layer in (measure(active, labels=labels), measure(active, labels=rng.permutation(labels)))
    )
    assert true == pytest.approx(np.sqrt(share + FLOOR), abs=0.05)  # five standard errors, about
    assert dealt == pytest.approx(np.sqrt(FLOOR), abs=0.03)


def test_without_labels_no_feature_needs_them(rng):
    _, layer = drawn(rng, [0.2, 0.5, 0.7])
    found = network_signature({"a": layer, "b": layer}, labels=False)
    assert set(FEATURES) - set(found) == {"first_class_correlation", "last_class_correlation"}


def test_what_a_signature_needs_is_told(rng):
    _, layer = drawn(rng, [0.2, 0.5, 0.7])
    with pytest.raises(ValueError, match="two hidden layers at least, the first and the last, got 1"):
        network_signature({"only": layer})
    with pytest.raises(
        ValueError, match=r"layer 'a' must come with the labels .* got 0: .*labels=False"
    ):
        network_signature({"a": layer, "b": layer})
    _, one_class = drawn(rng, [0.2, 0.5, 0.7], np.zeros(N_EXAMPLES, dtype=int))
    with pytest.raises(ValueError, match=r"two classes at least, got 1"):
        network_signature({"a": one_class, "b": one_class})
    _, single = drawn(rng, [0.3, 0.0])
    with pytest.raises(
        ValueError, match=r"layer 'b' must have living units of two rates .* got 1 among"
    ):
        network_signature({"a": layer, "b": single}, labels=False)
