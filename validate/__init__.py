"""The experiment: train networks that generalize and memorize, and hold predictions against them."""

from ..activity.lazy import lazy_names

__all__ = [
    "Dataset",
    "Results",
    "Study",
    "Training",
    "digits",
    "draw_twins",
    "mnist",
    "record_network",
    "run_study",
    "train",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Dataset": "datasets",
        "Results": "results",
        "Study": "settings",
        "Training": "training",
        "digits": "datasets",
        "draw_twins": "twins",
        "mnist": "datasets",
        "record_network": "networks",
        "run_study": "study",
        "train": "training",
    },
)
