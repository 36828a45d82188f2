"""The bridge: predictions right where their law holds, and told apart from near misses."""

import numpy as np
import pytest

from rote.activity.measurement import measure
from rote.activity.weights import weight_statistics
from rote.record.layers import LayerWeights
from rote.record.recording import Recording
from rote.simulate.backpropagated_weights import BackpropagatedWeights
from rote.simulate.dichotomized import DichotomizedGaussian
from rote.validate.arms import ARMS, LONG, arm_training
from rote.validate.bridge import bridge_tables, predicted_change
from rote.validate.training import Training

N_UNITS, N_INPUTS, N_EXAMPLES = 60, 300, 4000


@pytest.fixture
def written(rng):
    """Weights written by errors through a read-out, and the activity that wrote them."""
    process = DichotomizedGaussian(rate=rng.uniform(0.1, 0.8, N_UNITS), loading=0.4)
    inputs = rng.normal(size=(N_EXAMPLES, N_INPUTS)) * rng.gamma(2.0, size=N_INPUTS)
    read_out = rng.normal(size=(10, N_UNITS)) * rng.gamma(2.0, size=N_UNITS)
    return BackpropagatedWeights(process=process, inputs=inputs, read_out=read_out)


def test_prediction_from_measured_activity_is_that_of_the_process(written, rng):
    """The prediction takes P from counts, the process from its law; size apart they agree."""
    statistics = measure(written.process.sample(200_000, rng=rng))
    due = predicted_change(statistics, written.read_out, written.inputs)
    law = written.predict(N_EXAMPLES)
    scale = np.trace(law.gram) / np.trace(due.gram)
    assert np.abs(due.gram * scale - law.gram).max() < 0.01 * np.abs(law.gram).max()
    assert due.l1_l2_ratio == pytest.approx(law.l1_l2_ratio, rel=0.01)
    assert due.excess_kurtosis == pytest.approx(law.excess_kurtosis, rel=0.05)
    assert due.participation_ratio == pytest.approx(law.participation_ratio, rel=0.05)


def test_rows_of_written_weights_follow_activity_times_read_out_and_neither_alone(written, rng):
    statistics = measure(written.process.sample(20_000, rng=rng))
    change = written.sample(N_EXAMPLES, rng=rng).astype(np.float64)
    due = predicted_change(statistics, written.read_out, written.inputs)
    pairs = np.triu_indices(N_UNITS, k=1)
    unit = change / np.linalg.norm(change, axis=1, keepdims=True)
    cosine = (unit @ unit.T)[pairs]
    alone = statistics.coactive_count / np.sqrt(np.outer(*[statistics.active_count] * 2))
    assert np.corrcoef(cosine, due.row_cosine[pairs])[0, 1] > 0.7
    assert abs(np.corrcoef(cosine, alone[pairs])[0, 1]) < 0.2
    assert weight_statistics(change).l1_l2_ratio == pytest.approx(due.l1_l2_ratio, rel=0.05)
    alike = rng.normal(size=written.inputs.shape)
    equal = predicted_change(statistics, np.sign(written.read_out), alike)
    assert abs(equal.l1_l2_ratio - due.l1_l2_ratio) > 0.1  # sizes of read-out and inputs do count


def test_the_mean_of_the_inputs_has_no_say(written, rng):
    statistics = measure(written.process.sample(5000, rng=rng))
    shifted = written.inputs + 5 * rng.normal(size=N_INPUTS)
    one, other = (
        predicted_change(statistics, written.read_out, inputs) for inputs in (written.inputs, shifted)
    )
    assert other.l1_l2_ratio == pytest.approx(one.l1_l2_ratio)
    assert other.participation_ratio == pytest.approx(one.participation_ratio)


def recording(rng, weights, *, condition="generalizing", penalty="none"):
    activation = np.maximum(rng.normal(size=(40, 3)), 0)
    return Recording.from_arrays(
        {"hidden_1": activation},
        label=np.zeros(40, dtype=int),
        held_out=np.arange(40) >= 30,
        condition=condition,
        seed=0,
        epoch=1,
        source="made up",
        weights={"hidden_1": weights},
        keep_activation="float32",
        attrs={"penalty": penalty, "reached": 1},
    )


def test_tables_count_what_is_in_the_weights(rng):
    weight_in = np.array([[3.0, 0.0], [0.0, 0.0], [1.0, -2.0]])
    weight_out = np.array([[1.0, 2.0, 0.0], [-1.0, 1.0, 0.0]])
    bias = np.full(3, 9.0)  # no penalty pulls on it, so the balance leaves it out
    weights = LayerWeights(weight_in=weight_in, bias=bias, weight_out=weight_out)
    start = rng.normal(size=(3, 2))
    initial = LayerWeights(weight_in=start, bias=bias, weight_out=weight_out)
    images = rng.normal(size=(40, 2))
    for penalty, imbalance in (
        ("none", np.mean([(9 - 2) / (9 + 2), 1, 1])),
        ("l1", np.mean([(3 - 2) / (3 + 2), 1, 1])),
    ):
        found = bridge_tables(
            recording(rng, weights, penalty=penalty),
            recording(rng, initial, condition="initialized"),
            images,
            arm="l1",
        )
        units = found.units
        (row,) = found.layers.to_dict("records")
        assert row["imbalance"] == pytest.approx(imbalance)
        seen = weight_statistics(weight_in)
        assert row["weight_l1_l2_ratio"] == pytest.approx(seen.l1_l2_ratio)
        assert row["weight_excess_kurtosis"] == pytest.approx(seen.excess_kurtosis)
        values = np.linalg.svd((weight_in - start).astype(np.float32), compute_uv=False)
        assert row["change_top_share"] == pytest.approx(values[0] ** 2 / (values**2).sum(), rel=1e-5)
        assert found.spectra["change"].to_numpy() == pytest.approx(
            values / np.linalg.norm(values), rel=1e-5
        )
        rate = units["rate"].to_numpy()
        due = np.sqrt(2 / np.pi) * np.sqrt(rate).mean() / np.sqrt(rate.mean())
        assert row["rates_only_l1_l2_ratio"] == pytest.approx(due)
        of_weights = found.densities[found.densities["what"] == "weight"]
        assert of_weights["share"].sum() == pytest.approx(1)
        assert row["zero_weights"] == pytest.approx(3 / 6)
        assert row["erased"] == pytest.approx(2 / 3)  # one has nothing coming in, one nothing going out
        assert list(units["erased"]) == [False, True, True]
        mean = images[:30].mean(axis=0)
        along = ((weight_in - start) @ mean) ** 2
        due = along.sum() / (mean @ mean) / ((weight_in - start) ** 2).sum()
        assert row["change_mean_share"] == pytest.approx(due, rel=1e-6)
        change = np.linalg.norm(weight_in - start, axis=1)
        assert units["change_norm_l2"].to_numpy() == pytest.approx(change, rel=1e-6)


def test_untrained_networks_have_weights_and_no_change(rng):
    weights = LayerWeights(
        weight_in=rng.normal(size=(3, 5)), bias=np.zeros(3), weight_out=rng.normal(size=(2, 3))
    )
    initial = recording(rng, weights, condition="initialized")
    found = bridge_tables(initial, initial, rng.normal(size=(40, 5)), arm="adam")
    assert found.units is None
    assert found.spectra is None
    assert not [name for name in found.layers if name.startswith(("change", "due", "row"))]
    assert set(found.densities["what"]) == {"weight"}
    seen = weight_statistics(weights.weight_in.astype(np.float32))
    assert found.layers["weight_l1_l2_ratio"][0] == pytest.approx(seen.l1_l2_ratio, rel=1e-5)


@pytest.fixture
def inputs(rng):
    """Inputs with a covariance of widely different eigenvalues, along directions of its own."""
    vectors = np.linalg.qr(rng.normal(size=(12, 12)))[0]
    return rng.normal(size=(500, 12)) * np.geomspace(1, 0.05, 12) @ vectors.T


def written_along(inputs, exponent, rng):
    """A network's change whose power goes with the inputs' eigenvalues to ``exponent``."""
    values, vectors = np.linalg.eigh(np.cov(inputs[:450], rowvar=False, bias=True))
    return rng.normal(size=(300, 12)) * values ** (exponent / 2) @ vectors.T


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0])
def test_the_inputs_exponent_is_told_and_mends_the_spectrum(exponent, inputs, rng):
    """300 units give each direction's log-power to .08, so the slope of twelve to .02 or so."""
    start, change = rng.normal(size=(300, 12)), written_along(inputs, exponent, rng)
    activation = np.maximum(rng.normal(size=(500, 300)), 0)
    read_out = rng.choice([-1.0, 1.0], size=(300, 300))

    def made(weight_in, condition):
        return Recording.from_arrays(
            {"hidden_1": activation},
            label=np.zeros(500, dtype=int),
            held_out=np.arange(500) >= 450,
            condition=condition,
            seed=0,
            epoch=1,
            source="made up",
            weights={
                "hidden_1": LayerWeights(weight_in=weight_in, bias=np.zeros(300), weight_out=read_out)
            },
            keep_activation="float32",
            attrs={"penalty": "none", "reached": 1},
        )

    found = bridge_tables(
        made(start + change, "generalizing"), made(start, "initialized"), inputs, arm="sgd"
    )
    (row,) = found.layers.to_dict("records")
    assert row["column_exponent"] == pytest.approx(exponent, abs=0.1)
    seen = row["change_participation_ratio"]
    assert row["corrected_participation_ratio"] == pytest.approx(seen, rel=0.15)
    due = row["due_participation_ratio"]
    assert (due == pytest.approx(seen, rel=0.15)) == (exponent == 1)
    assert (row["spectrum_error"] < 0.1) == (exponent == 1)
    ratio = row["weight_l1_l2_ratio"]
    if exponent == 1:
        assert row["due_weight_l1_l2_ratio"] == pytest.approx(ratio, rel=0.02)
        frame = found.densities[found.densities["what"] == "change"]
        assert np.abs(np.cumsum(frame["share"] - frame["due_share"])).max() < 0.03


def test_living_units_alone_are_balanced(rng):
    """A dead unit keeps what imbalance it began with; it is not counted."""
    weights = LayerWeights(
        weight_in=np.array([[1.0, 1.0], [5.0, 0.0]]), bias=np.zeros(2), weight_out=[[1.0, 1.0], [1.0, 0]]
    )
    activation = np.maximum(rng.normal(size=(40, 2)), 0) * [1, 0]
    made = [
        Recording.from_arrays(
            {"hidden_1": activation},
            label=np.zeros(40, dtype=int),
            condition=condition,
            seed=0,
            epoch=1,
            source="made up",
            weights={"hidden_1": weights},
            keep_activation="float32",
            attrs={"penalty": "l2", "reached": 1},
        )
        for condition in ("generalizing", "initialized")
    ]
    found = bridge_tables(*made, rng.normal(size=(40, 2)), arm="l2")
    assert found.layers["imbalance"][0] == 0


def test_arms_change_what_they_say_and_nothing_else():
    main = Training(hidden=(5,), batch_size=7)
    assert arm_training("sgd", main) == Training(
        hidden=(5,), batch_size=7, optimizer="sgd", learning_rate=0.1
    )
    for arm in ARMS:
        training = arm_training(arm, main)
        assert (training.final_epoch == LONG) == arm.endswith("long")
        assert (training.falls_from is not None) == arm.endswith("long")
        assert (training.optimizer == "sgd") == ("sgd" in arm)
        assert (training.penalty == "none") == (arm == "sgd")
    with pytest.raises(ValueError, match=r"arm must be one of sgd, .*; got 'adamw'"):
        arm_training("adamw", main)
