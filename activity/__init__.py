"""Ground floor: arrays and their axes, checks, kernels, random streams, statistics of activity."""

from .lazy import lazy_names

__all__ = ["Alignment", "Statistics", "Tally", "align", "measure", "pack", "unpack", "weight_statistics"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Alignment": "alignment",
        "Statistics": "statistics",
        "Tally": "tally",
        "align": "alignment",
        "measure": "measurement",
        "pack": "packing",
        "unpack": "packing",
        "weight_statistics": "weights",
    },
)
