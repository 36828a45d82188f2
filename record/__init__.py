"""Activations of real networks: one container, one file, and the way to their statistics."""

from ..activity.lazy import lazy_names

__all__ = [
    "LayerWeights",
    "RecordedLayer",
    "Recording",
    "describe",
    "measure",
    "open",
    "open_npz",
    "save_npz",
    "verify",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "LayerWeights": "layers",
        "RecordedLayer": "layers",
        "Recording": "recording",
        "describe": "description",
        "measure": "measures",
        "open": "recording",
        "open_npz": "npz",
        "save_npz": "npz",
        "verify": "files",
    },
)
