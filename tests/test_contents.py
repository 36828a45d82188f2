"""Whole files with numbers that cannot be: said in one sentence on opening, saving or verifying."""

import os

import numpy as np
import pytest
import xarray as xr

from rote.record import files
from rote.record.layers import LayerWeights
from rote.record.measures import measure
from rote.record.npz import save_npz
from rote.record.recording import Recording
from rote.record.verification import verify

N_EXAMPLES = 200


def parts(n_units=70):
    """Return the datasets of a recording's examples and of its one layer."""
    rng = np.random.default_rng(0)
    recording = Recording.from_arrays(
        {"a": rng.normal(size=(N_EXAMPLES, n_units)).astype(np.float32)},
        label=np.arange(N_EXAMPLES) % 3,
        true_label=np.arange(N_EXAMPLES) % 3,
        condition="unknown",
        seed=0,
        epoch=0,
        source="drawn",
        weights={"a": LayerWeights(weight_in=np.ones((n_units, 4)), bias=np.ones(n_units))},
        keep_activation="float32",
    )
    return recording.tree.to_dataset(), recording.tree["a"].to_dataset(inherit=False)


def changed(dataset, name, place, value):
    """Return the dataset with one number changed."""
    values = dataset[name].to_numpy().copy()
    values[place] = value
    return dataset.assign({name: (dataset[name].dims, values)})


def written_by_another(path, root, layer):
    """Write datasets as they are, and seal the file: a program with a fault of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHUNK", 4096)
        patch.setattr(files, "checked_rows", lambda node, part, a, b: node[part][a:b].to_numpy())
        files.write_tree(xr.DataTree.from_dict({"/": root, "/a": layer}), path)
    return path


@pytest.fixture(params=["a.nc", "a.zarr"])
def path(request, tmp_path):
    """A name for a file of either kind."""
    return tmp_path / request.param


def sentence(call, path):
    with pytest.raises(ValueError, match=r"\w") as caught:
        call(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda r, a: (changed(r, "label", 7, -1), a), "label must be at least 0, got -1 at example 7"),
        (lambda r, a: (changed(r, "true_label", 3, -5), a), "true_label must be at least 0, got -5"),
        (lambda r, a: (changed(r, "order", 9, 0), a), "position of its own, got position 0 2 times"),
        (lambda r, a: (r.assign(held_out=r.label), a), "held_out must hold booleans along the axis"),
        (lambda r, a: (r.assign_attrs(source=3), a), "source must be a text, got"),
        (lambda r, a: (r.assign_attrs(seed=[1, 2]), a), "seed must be a whole number, got "),
        (lambda r, a: (r.assign_attrs(condition=["x", "y"]), a), "condition must be one of"),
        (lambda r, a: (r, changed(a, "bias", 4, np.nan)), "bias of layer 'a' must be finite, got nan"),
        (
            lambda r, a: (r, changed(a, "weight_in", (2, 1), np.inf)),
            "weight_in of layer 'a' must be finite, got inf at (2, 1)",
        ),
        (
            lambda r, a: (r, a.assign(activation=a.activation.astype(int))),
            "activation of layer 'a' must hold floats, got int64",
        ),
        (lambda r, a: (r, a.assign(bias=a.bias > 0)), "bias of layer 'a' must hold floats, got bool"),
    ],
)
def test_opening_looks_at_labels_order_and_weights(path, spoil, words):
    written_by_another(path, *spoil(*parts()))
    assert words in sentence(Recording.open, path)


ROWS = [
    (
        lambda a: changed(a, "activation", (150, 3), np.nan),
        "activation of layer 'a' must be finite, got nan at (150, 3)",
    ),
    (
        lambda a: changed(a, "active_words", (120, 1), 1 << 63),
        "active_words of layer 'a' must hold no bits behind its 70 units, got some at example 120",
    ),
    (
        lambda a: changed(a, "activation", (130, 69), np.float32(0.5) - 1),
        "must be above zero where active_words say so, got -0.5 at example 130, unit 69",
    ),
]


@pytest.mark.parametrize(("spoil", "words"), ROWS)
def test_rows_are_looked_at_by_verify_and_on_saving(path, spoil, words):
    root, layer = parts()
    layer = changed(layer, "activation", (130, slice(64, 70)), [0, 0, 0, 0, 0, 0.5])
    layer = changed(layer, "active_words", (130, 1), np.uint64(1 << 5))
    written_by_another(path, root, layer)
    verify(path)
    with Recording.open(path) as opened:
        opened.save(path.with_name("b.nc"))
    written = written_by_another(path.with_name(f"b{path.suffix}x{path.suffix}"), root, spoil(layer))
    assert words in sentence(verify, written)
    before = sorted(os.listdir(path.parent))
    with Recording.open(written) as opened, pytest.raises(ValueError, match=r"layer 'a'") as caught:
        opened.save(path.with_name("c.nc"))
    assert words in str(caught.value)
    assert sorted(os.listdir(path.parent)) == before


def test_large_weights_are_left_to_verify(path, monkeypatch):
    root, layer = parts()
    written_by_another(path, root, changed(layer, "weight_in", (2, 1), np.nan))
    monkeypatch.setattr("rote.record.contents.SMALL", 100)
    with Recording.open(path) as opened:
        assert np.isnan(opened["a"].weight_in).any()
    assert "weight_in of layer 'a' must be finite" in sentence(verify, path)


def test_what_is_counted_is_named_with_its_file(path):
    written_by_another(path, parts()[0], ROWS[1][0](parts()[1]))
    with Recording.open(path) as opened:
        assert ": active must hold no bits behind its 70" in sentence(lambda _: measure(opened), path)


def test_axes_that_do_not_fit_are_one_sentence(path):
    """Groups of another length: xarray lists both groups whole, on many lines."""
    root, layer = parts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "CHUNK", 4096)
        with files.new_file(path) as file:
            file.write_rows("a", "active_words", 0, layer["active_words"].to_numpy()[:150])
            file.write("", root)
            file.write("a", layer[["bias"]])
    words = "layer 'a' must hold as many examples as label, 200, got 150"
    assert words in sentence(Recording.open, path)


def test_groups_inside_a_layer_are_refused_and_not_dropped(path):
    root, layer = parts()
    recording = Recording(xr.DataTree.from_dict({"/": root, "/a": layer}))
    recording.tree["a/inner"] = xr.DataTree(xr.Dataset({"x": 1.0}))
    for save in (Recording.save, save_npz):
        with pytest.raises(ValueError, match="layer 'a' holds the group 'inner': a layer's arrays"):
            save(recording, path)
    assert os.listdir(path.parent) == []
    with files.new_file(path) as file:
        for name, dataset in (("a", layer), ("", root), ("a/inner", xr.Dataset({"x": 1.0}))):
            file.write(name, dataset)
    assert "layer 'a' holds the group 'inner'" in sentence(Recording.open, path)
