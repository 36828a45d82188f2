"""References: the packaged one, one's own, and what judges say of recordings by them."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import rote
from rote.cli import main
from rote.inference.references import PACKAGED, Reference, judge, reference
from rote.inference.signature import FEATURES, network_signature
from rote.record import Recording, measure

SHARES = np.linspace(0, 1, 41)


def recording(rng, *, bond, n_examples=600, layers=("a", "b"), label=None, **attrs):
    """Units of unequal rates that go with the label as far as ``bond``, in [0, 1], has it."""
    label = rng.integers(4, size=n_examples) if label is None else label
    drive = {name: rng.normal(0, 1, 30) + bond * rng.normal(0, 1, (4, 30))[label] for name in layers}
    active = {name: drive[name] + rng.normal(0, 1, drive[name].shape) > 0 for name in layers}
    return Recording.from_arrays(
        active, label=label, condition="unknown", seed=0, epoch=1, source="drawn", attrs=attrs
    )


def relabelled(one, label):
    active = {name: one[name].active() for name in one.layers}
    return Recording.from_arrays(
        active, label=label, condition="unknown", seed=0, epoch=1, source="drawn"
    )


@pytest.fixture(scope="module")
def own():
    """A reference of drawn recordings whose bond to the labels weakens with the random share."""
    rng = np.random.default_rng(1)
    made = (network_signature(measure(recording(rng, bond=1 - share))) for share in SHARES)
    return Reference(networks=pd.DataFrame(made).assign(random_share=SHARES))


def test_drawn_networks_are_judged_by_what_they_do(own, rng):
    bound, free = (judge(recording(rng, bond=bond), by=own) for bond in (0.9, 0.05))
    assert bound.like
    assert free.like
    assert bound.probability < 0.01
    assert free.probability > 0.99
    assert bound.interval[1] < 0.5 < free.interval[0]


def test_without_labels_no_label_is_looked_at(own, rng):
    bits = recording(rng, bond=0.9)
    other = relabelled(bits, rng.permutation(bits.label))
    blind = [judge(one, by=own, labels=False) for one in (bits, other)]
    assert (blind[0].weight == blind[1].weight).all()
    assert (judge(bits, by=own).weight != judge(other, by=own).weight).any()
    assert blind[0].features == tuple(name for name in FEATURES if "class" not in name)
    assert "judged without labels" in blind[0].sentence


def test_training_examples_alone_are_judged(own, rng):
    """Held-out examples may do what they like."""
    kept = recording(rng, bond=0.5)
    mixed = {
        name: np.concatenate([kept[name].active(), np.ones((200, 30), dtype=bool)])
        for name in kept.layers
    }
    both = Recording.from_arrays(
        mixed,
        label=np.r_[kept.label, np.zeros(200, dtype=int)],
        held_out=np.r_[np.zeros(600, dtype=bool), np.ones(200, dtype=bool)],
        condition="unknown",
        seed=0,
        epoch=1,
        source="drawn",
    )
    assert (judge(both, by=own).weight == judge(kept, by=own).weight).all()


def test_a_reference_is_read_as_it_was_written(own, tmp_path):
    told = replace(own, remarks=("drawn, not trained", "41 networks"))
    (tmp_path / "own.csv").write_text(told.text(), encoding="utf-8")
    again = Reference.open(tmp_path / "own.csv")
    assert again.remarks == told.remarks
    pd.testing.assert_frame_equal(again.networks, told.networks)


def test_a_table_of_another_kind_is_refused(own, tmp_path):
    with pytest.raises(ValueError, match=r"must have the columns .* lacking first_mean_rate"):
        Reference(networks=own.networks.drop(columns="first_mean_rate"))
    (tmp_path / "empty.csv").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match=r"empty\.csv: "):
        Reference.open(tmp_path / "empty.csv")
    with pytest.raises(FileNotFoundError):
        Reference.open(tmp_path / "none.csv")


def test_the_packaged_reference_is_what_the_docs_say():
    networks = rote.inference.reference().networks
    assert PACKAGED.stat().st_size <= 200_000
    assert len(networks) >= 250
    assert (networks["training_accuracy"] == 1).all()
    assert (
        networks["random_share"].map({0.0: "generalizing", 1.0: "memorizing"}).fillna("mixed")
        == networks["condition"]
    ).all()
    assert networks["seed"].is_unique
    assert set(networks["optimizer"]) == {"adam", "sgd"}
    kinds = networks["random_share"].isin([0, 1]).groupby(networks["random_share"] > 0.5).mean()
    assert kinds.between(0.5, 0.85).all()  # two thirds are pure: an error of .04, either way
    assert "network" in reference().remarks[0]


@pytest.fixture
def files(rng, own, tmp_path):
    (tmp_path / "own.csv").write_text(own.text(), encoding="utf-8")
    recording(rng, bond=0.9).save(tmp_path / "bound.nc")
    recording(rng, bond=0.05).save(tmp_path / "free.nc")
    recording(rng, bond=0.5, label=np.zeros(600, dtype=int)).save(tmp_path / "one-class.nc")
    recording(rng, bond=0.5, layers=("a",)).save(tmp_path / "shallow.nc")
    return tmp_path


def test_the_command_prints_a_sentence_for_each_file(files, capsys):
    paths = [str(files / f"{name}.nc") for name in ("bound", "free")]
    out = files / "told.json"
    assert main(["judge", *paths, "--reference", str(files / "own.csv"), "--json", str(out)]) == 0
    printed = capsys.readouterr().out.splitlines()
    told = json.loads(out.read_text(encoding="utf-8"))
    assert list(told) == paths
    assert printed == [f"{path}: {told[path]['sentence']}" for path in paths]
    assert told[paths[0]]["probability"] < 0.01 < 0.99 < told[paths[1]]["probability"]


def test_drawn_bits_are_unlike_the_packaged_networks(files, capsys):
    assert main(["judge", str(files / "free.nc")]) == 0
    assert "unlike anything in the reference" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("one-class", "without them judge by what needs none, labels=False (--without-labels)"),
        ("shallow", "layers must be two hidden layers at least, the first and the last, got 1"),
        ("none", "none.nc"),
    ],
)
def test_the_command_says_what_is_wrong(files, name, sentence, capsys):
    assert main(["judge", str(files / f"{name}.nc"), "--reference", str(files / "own.csv")]) == 2
    assert sentence in capsys.readouterr().err


def test_without_labels_one_class_will_do(files, capsys):
    reference = str(files / "own.csv")
    path = str(files / "one-class.nc")
    assert main(["judge", path, "--without-labels", "--reference", reference]) == 0
    assert "judged without labels" in capsys.readouterr().out


def test_help_shows_an_example(capsys):
    with pytest.raises(SystemExit):
        main(["judge", "--help"])
    assert "rote judge results/recordings/*.nc" in capsys.readouterr().out
