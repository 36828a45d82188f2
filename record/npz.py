"""Recordings as npz files, out and in: plain NumPy arrays, for programs that read no netCDF.

An array without a slash in its name is a layer, ``(n_examples, n_units)``, booleans or activations;
``LAYER/weight_in``, ``LAYER/bias`` and ``LAYER/weight_out`` are the weights around it. The other names
are the arguments of :meth:`~rote.record.recording.Recording.from_arrays`: label,
true_label, order, held_out, condition, seed, epoch, source, and attrs as a JSON text. So

    np.savez("mine.npz", relu1=activation, label=y, condition="unknown", seed=0, epoch=9, source="…")

makes a file that :func:`open_npz` reads. Pickled objects are refused: they would run as a program.
"""

import io
import json
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from .layers import LayerWeights
from .reading import FAULTS, read
from .recording import Recording
from .schema import EXAMPLE_KINDS, check_tree
from .writing import written_aside

NOTES = ("condition", "seed", "epoch", "source")
WEIGHTS = ("weight_in", "bias", "weight_out")
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, SyntaxError, tokenize.TokenError, *FAULTS)


def save_npz(recording: Recording, path: str | Path) -> None:
    """Write ``recording`` to ``path`` as a compressed npz file; see the module for its arrays.

    An earlier file is replaced when this one is whole, never before.
    """
    check_tree(recording.tree)
    arrays = {name: read(recording.tree, name) for name in recording.tree.dataset.data_vars}
    arrays |= {name: recording.tree.attrs[name] for name in NOTES}
    arrays["attrs"] = json.dumps(recording.attrs)
    for name in recording.layers:
        layer = recording[name]
        arrays[name] = layer.activation() if "activation" in layer.parts else layer.active()
        arrays |= {f"{name}/{part}": getattr(layer, part) for part in WEIGHTS if part in layer.parts}
    with written_aside(path) as aside, aside.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def open_npz(path: str | Path) -> Recording:
    """Read the recording in the npz file at ``path``; see the module for its arrays.

    Activations are kept in single precision. Raises ``FileNotFoundError`` for no file, ``ValueError``
    for a file of another kind, cut short, damaged, with pickled objects, without a needed array or
    with one that ``from_arrays`` refuses.
    """
    path = Path(path)
    arrays = _read_arrays(path)
    if lacking := [name for name in (*NOTES, "label") if name not in arrays]:
        raise ValueError(
            f"{path} lacks {', '.join(lacking)}: an npz recording holds label, {', '.join(NOTES)} "
            "and an array for each layer"
        )
    notes = {name: _scalar(path, name, arrays.pop(name)) for name in NOTES}
    attrs = _scalar(path, "attrs", arrays.pop("attrs", np.array("{}")))
    per_example = {name: arrays.pop(name) for name in EXAMPLE_KINDS if name in arrays}
    layers = {name: array for name, array in arrays.items() if "/" not in name}
    floats = any(array.dtype.kind == "f" for array in layers.values())
    try:
        return Recording.from_arrays(
            layers,
            **per_example,
            **notes,
            weights=_weights({name: a for name, a in arrays.items() if "/" in name}),
            keep_activation="float32" if floats else False,
            attrs=_notes(attrs),
        )
    except FAULTS as error:
        raise ValueError(f"{path}: {str(error).splitlines()[0]}") from error


def _weights(arrays: dict[str, np.ndarray]) -> dict[str, LayerWeights]:
    parts: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        layer, _, part = name.partition("/")
        if part not in WEIGHTS:
            raise ValueError(f"array {name!r} is not LAYER/ and one of {', '.join(WEIGHTS)}")
        parts.setdefault(layer, {})[part] = array
    return {layer: LayerWeights(**arrays) for layer, arrays in parts.items()}


def _notes(text: str) -> object:
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise ValueError(f"attrs must be a JSON text, got {text!r}") from error


def _scalar(path: Path, name: str, array: np.ndarray) -> str | int:
    if array.ndim:
        raise ValueError(f"{name} of {path} must be one value, got shape {array.shape}")
    return array.item()


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Return every array of the npz file; its checksums are tested before anything is parsed."""
    if not path.is_file():
        raise FileNotFoundError(f"npz file {path} does not exist: check the name and the folder")
    content = path.read_bytes()
    if not content.startswith(b"PK"):
        raise ValueError(f"{path} is not an npz file: write one with numpy.savez, arrays by name")
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names, damaged = archive.namelist(), archive.testzip()
    except BROKEN as error:
        raise ValueError(f"{path} is cut short or damaged: {error}") from error
    # a flipped bit in the directory can hide an array; the last 22 bytes say how many there are
    counted = int.from_bytes(content[-12:-10], "little")
    if damaged or (content[-22:-18] == b"PK\5\6" and counted != len(names)):
        raise ValueError(f"{path} is damaged in {damaged or 'its directory'}: write it again")
    if strange := [name for name in names if not name.endswith(".npy")]:
        raise ValueError(f"{path} is a zip file but not an npz file: it holds {strange[0]!r}")
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        return {name: _plain(path, name, archive) for name in archive.files}


def _plain(path: Path, name: str, archive: np.lib.npyio.NpzFile) -> np.ndarray:
    try:
        array = archive[name]
    except (MemoryError, OverflowError) as error:  # a few bytes that claim to be numbers without end
        raise ValueError(f"array {name!r} of {path} claims to be larger than memory") from error
    except BROKEN as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(
            f"array {name!r} of {path} is not a plain array (pickled objects are refused, since "
            f"loading them can run any program): save numbers, booleans or texts; {reason[:100]}"
        ) from error
    if not isinstance(array, np.ndarray):
        raise ValueError(f"array {name!r} of {path} is not an array: write the file with numpy.savez")
    return array
