"""Which law recorded magnitudes follow: each law is found where activations were drawn from it."""

import numpy as np
import pytest

from rote.record.recording import Recording
from rote.simulate import Activations, IndependentBernoulli, RectifiedMagnitude, ScaledMagnitude
from rote.simulate.magnitude_families import FAMILIES
from rote.validate.magnitude_fits import NULL, magnitude_fits

RATE = np.array([0.05, 0.2, 0.5, 0.8, 0.95])


def recording(activation, **changed):
    n_examples = len(activation)
    return Recording.from_arrays(
        {"hidden_1": activation},
        label=np.zeros(n_examples, dtype=np.int64),
        held_out=np.arange(n_examples) % 2 == 1,
        condition="initialized",
        seed=0,
        epoch=0,
        source="drawn",
        **({"keep_activation": "float32"} | changed),
    )


def magnitude(law):
    null = RectifiedMagnitude.from_rate(RATE, scale=3.0)
    if law == NULL:
        return null
    # variations far from those of the null, so that no law mimics another
    variation = None if law in FAMILIES[:2] else 0.6
    return ScaledMagnitude(family=law, mean=null.mean, variation=variation)


@pytest.mark.parametrize("law", [NULL, "exponential", "gamma", "log-normal", "Weibull"])
def test_the_law_that_was_drawn_fits_best(law, rng):
    layer = Activations(process=IndependentBernoulli(rate=RATE), magnitude=magnitude(law))
    table = magnitude_fits(recording(layer.sample(40_000, rng=rng)))
    assert table["law"].tolist() == [NULL, *FAMILIES]
    assert (table["n_units"] == 5).all()
    assert table["best_share"].sum() == pytest.approx(1)
    assert table["log_density"].iloc[0] == 0
    best = table.iloc[table["log_density"].argmax()]
    # gamma and Weibull hold the exponential, and may fit it as well by chance
    assert best["law"] == law or law == "exponential"
    own = table.loc[table["law"] == law, "log_density"].item()
    assert own > table["log_density"].max() - 1e-3


def test_density_is_the_mean_over_held_out_magnitudes(rng):
    layer = Activations(
        process=IndependentBernoulli(rate=RATE[:2]),
        magnitude=RectifiedMagnitude(threshold=[0.0, 1.0], scale=1.0),
    )
    activation = layer.sample(2_000, rng=rng)
    table = magnitude_fits(recording(activation)).set_index("law")
    differences = []
    for unit in range(2):
        trained, held_out = (activation[part::2, unit].astype(np.float64) for part in (0, 1))
        loud = trained[trained > 0]
        exponential = ScaledMagnitude(family="exponential", mean=[loud.mean()])
        shape = RectifiedMagnitude.from_rate([(trained > 0).mean()])
        null = RectifiedMagnitude(threshold=shape.threshold, scale=loud.mean() / shape.mean)
        judged = held_out[held_out > 0][:, None]
        differences.append((exponential.log_density(judged) - null.log_density(judged)).mean())
    assert table.loc["exponential", "log_density"] == pytest.approx(np.mean(differences))


def test_units_that_say_too_little_are_left_out(rng):
    active = rng.random((400, 4)) < [0.5, 0.01, 1.0, 0.0]
    table = magnitude_fits(recording(np.where(active, rng.exponential(size=(400, 4)), 0)))
    assert (table["n_units"] == 1).all()
    silent = recording(np.where(active[:, 1:], 1.0, 0.0))
    with pytest.raises(ValueError, match="layer 'hidden_1' must hold units active on 20 training"):
        magnitude_fits(silent)


def test_what_is_missing_is_named():
    bits = recording(np.ones((4, 2), dtype=np.bool_), keep_activation=False)
    with pytest.raises(ValueError, match="layer 'hidden_1' must hold activations: record them too"):
        magnitude_fits(bits)
