"""Activations of real networks: one container, one file, and the way to their statistics."""

from ..activity.lazy import lazy_names

__all__ = [
    "LayerWeights",
    "RecordedLayer",
    "Recording",
    "describe",
    "measure",
    "measure_torch",
    "open",
    "open_npz",
    "record_torch",
    "save_npz",
    "sklearn",
    "tally",
    "torch",
    "verify",
    "writer",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "LayerWeights": "layers",
        "RecordedLayer": "layers",
        "Recording": "recording",
        "describe": "description",
        "measure": "measures",
        "measure_torch": "pytorch",
        "open": "recording",
        "open_npz": "npz",
        "record_torch": "pytorch",
        "save_npz": "npz",
        "sklearn": "sklearn_mlp",
        "tally": "measures",
        "torch": "pytorch",
        "verify": "verification",
        "writer": "appending",
    },
)
