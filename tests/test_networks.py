"""Networks of all conditions: what they share, what they are taught, what is recorded."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from rote.activity.words import CONDITIONS
from rote.validate.datasets import digits
from rote.validate.networks import record_network, training_labels
from rote.validate.training import Training, train

SHORT = Training(hidden=(32, 16), final_epoch=2)
SEED = 5


@pytest.fixture(scope="module")
def data():
    return digits()


@pytest.fixture(scope="module")
def recordings(data):
    return {
        condition: record_network(
            data, condition=condition, seed=SEED, training=SHORT, keep_activation="float32"
        )
        for condition in CONDITIONS
    }


def dependence(labels, others):
    """Chi-square p-value of the table of two labels."""
    table = np.zeros((10, 10))
    np.add.at(table, (labels, others), 1)
    return stats.chi2_contingency(table).pvalue


def test_memorized_labels_keep_class_sizes_and_forget_the_image(data, agrees, rejects):
    labels, other = (
        training_labels(data.labels, condition="memorizing", seed=seed) for seed in (SEED, SEED + 1)
    )
    assert (np.bincount(labels) == np.bincount(data.labels)).all()
    assert agrees([dependence(labels, data.labels), dependence(labels, other)])
    part_true = np.where(np.arange(labels.size) % 5, labels, data.labels)
    assert rejects(dependence(part_true, data.labels))


@pytest.mark.parametrize("condition", ["initialized", "generalizing"])
def test_other_conditions_keep_the_true_labels(data, condition):
    labels = training_labels(data.labels, condition=condition, seed=SEED)
    assert (labels == data.labels).all()


def test_conditions_differ_in_the_labels_trained_towards_alone(data, recordings):
    one, two, three = (recordings[condition] for condition in CONDITIONS)
    held_out = one.held_out
    assert held_out.sum() == pytest.approx(SHORT.held_out_share * data.labels.size, abs=10)
    for recording in (two, three):
        assert (recording.held_out == held_out).all()
        assert (recording.true_label == data.labels).all()
    assert (two.order == three.order).all()
    assert (one.label == data.labels).all()
    assert (two.label == data.labels).all()
    changed = three.label != data.labels
    assert not changed[held_out].any()
    assert changed[~held_out].mean() > 0.8  # nine tenths on average


def test_the_initialized_network_is_where_the_others_began(data, recordings):
    untrained = recordings["initialized"]
    assert untrained.epoch == 0
    for condition in ("generalizing", "memorizing"):
        start = record_network(
            data, condition=condition, seed=SEED, training=replace(SHORT, final_epoch=0)
        )
        for name in untrained.layers:
            for part in ("weight_in", "bias", "weight_out"):
                mine, its = (getattr(r[name], part) for r in (start, untrained))
                assert (mine == its).all()
                assert (getattr(recordings[condition][name], part) != its).any()


def test_held_out_examples_follow_the_training_examples(recordings):
    for recording in recordings.values():
        held_out, order = recording.held_out, recording.order
        assert (np.sort(order) == np.arange(order.size)).all()
        assert (order[held_out] == np.arange((~held_out).sum(), order.size)).all()
        assert (np.diff(order[~held_out]) < 0).any()  # shuffled, not as they stand


@pytest.mark.parametrize("condition", CONDITIONS)
def test_recorded_activity_is_the_forward_pass_on_all_images(data, recordings, condition):
    below = data.images.astype(np.float64)
    for name, n_units in zip(("hidden_1", "hidden_2"), SHORT.hidden, strict=True):
        layer = recordings[condition][name]
        drive = below @ layer.weight_in.T + layer.bias
        below = np.maximum(drive, 0)
        assert drive.shape == (data.labels.size, n_units)
        np.testing.assert_allclose(layer.activation(), below, atol=1e-4)
        clear = np.abs(drive) > 1e-4  # nearer to zero, float32 may see the other side
        assert (layer.active() == (drive > 0))[clear].all()
        assert clear.mean() > 0.999
    above = recordings[condition]["hidden_1"].weight_out
    assert (above == recordings[condition]["hidden_2"].weight_in).all()


def test_attributes_tell_how_training_went(data, recordings):
    for condition, recording in recordings.items():
        learned = ~recording.held_out
        network = train(
            data.images[learned],
            recording.label[learned],
            n_classes=10,
            training=replace(SHORT, final_epoch=recording.epoch),
            seed=SEED,
        )
        last = recording["hidden_2"]
        read_out = network.parameters[-1]
        said = (last.activation(True) @ read_out.weight.T + read_out.bias).argmax(axis=1)
        told = recording.attrs
        assert (recording.condition, recording.seed) == (condition, SEED)
        assert recording.source == f"ReLU perceptron 64-32-16-10 on {data.source}"
        assert told["training_accuracy"] == network.training_accuracy
        assert told["held_out_accuracy"] == pytest.approx((said == data.labels[~learned]).mean())
        assert told["loss"] == pytest.approx(network.loss[-1])
        assert told["reached"] == 0
        assert (told["learning_rate"], told["batch_size"], told["optimizer"]) == (1e-3, 64, "adam")


def test_the_studys_networks_learn_every_label(data):
    """With one setting for both tasks; what they then make of unseen images tells them apart."""
    true, random = (
        record_network(data, condition=condition, seed=0, training=Training())
        for condition in ("generalizing", "memorizing")
    )
    assert true.attrs["reached"] == random.attrs["reached"] == 1
    assert true.epoch < random.epoch
    assert true.attrs["held_out_accuracy"] > 0.9
    assert random.attrs["held_out_accuracy"] < 0.2


def test_mixed_labels_are_dealt_out_among_their_share(data, agrees, rejects):
    """The rest keep their own; the share's forget the image; a larger share takes in a smaller one."""
    labels = data.labels
    mixed = {
        share: training_labels(labels, condition="mixed", seed=SEED, random_share=share)
        for share in (0.3, 0.6)
    }
    changed = {share: mixed[share] != labels for share in mixed}
    kept = 1 - np.square(np.bincount(labels) / labels.size).sum()  # chance of another label
    for share, learned in mixed.items():
        assert (np.bincount(learned) == np.bincount(labels)).all()
        due = round(share * labels.size)
        assert agrees(stats.binomtest(int(changed[share].sum()), due, kept).pvalue)
        assert rejects(stats.binomtest(int(changed[share].sum()), due, kept / 2).pvalue)
        where = changed[share]
        other = np.delete(np.arange(10), 0)
        shifted = (learned[where] - labels[where]) % 10
        assert agrees(stats.chisquare(np.bincount(shifted, minlength=10)[other]).pvalue)
    inside = changed[0.3] & ~changed[0.6]  # dealt its own label the second time
    assert inside.sum() < 0.2 * changed[0.3].sum()


def test_the_share_of_random_labels_is_recorded(data, recordings):
    told = {condition: recordings[condition].attrs.get("random_share") for condition in CONDITIONS}
    assert told == {"initialized": None, "generalizing": 0, "memorizing": 1}
    mixed = record_network(data, condition="mixed", seed=SEED, training=SHORT, random_share=0.25)
    other = recordings["generalizing"]
    assert mixed.condition == "mixed"
    assert mixed.attrs["random_share"] == 0.25
    assert (mixed.order == other.order).all()
    assert (mixed.held_out == other.held_out).all()
    changed = (mixed.label != mixed.true_label)[~mixed.held_out]
    assert changed.sum() == pytest.approx(0.25 * 0.9 * changed.size, abs=30)  # five sd, about
    assert (mixed.label == mixed.true_label)[mixed.held_out].all()


def test_unknown_condition_is_named(data):
    with pytest.raises(ValueError, match=r"condition must be one of initialized, .* mixed; got 'part'"):
        record_network(data, condition="part", seed=0, training=SHORT)
    with pytest.raises(ValueError, match=r"condition must be one of initialized, .* got 'rote'"):
        training_labels(data.labels, condition="rote", seed=0)


@pytest.mark.parametrize(
    ("condition", "share", "message"),
    [
        ("mixed", None, r"random_share must be given, in \(0, 1\), with condition 'mixed', got None"),
        ("mixed", 1.0, r"random_share must lie in \(0, 1\), got 1.0"),
        ("mixed", [0.1, 0.2], r"random_share must be one number, got shape \(2,\)"),
        ("memorizing", 0.5, "random_share must be left out with condition 'memorizing', got 0.5"),
    ],
)
def test_a_share_goes_with_mixed_labels_alone(data, condition, share, message):
    how = {"condition": condition, "random_share": share}
    with pytest.raises((TypeError, ValueError), match=message):
        training_labels(data.labels, seed=0, **how)
    with pytest.raises((TypeError, ValueError), match=message):
        record_network(data, seed=0, training=SHORT, **how)
