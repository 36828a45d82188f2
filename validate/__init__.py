"""The experiment: train networks that generalize and memorize, and hold predictions against them."""

from ..activity.lazy import lazy_names

__all__ = [
    "Dataset",
    "ReadOut",
    "Results",
    "Study",
    "Training",
    "ask_recordings",
    "digits",
    "draw_setup",
    "draw_twins",
    "fit_recording",
    "judge_rows",
    "leave_out",
    "make_rows",
    "mnist",
    "predicted_change",
    "prediction_errors",
    "record_network",
    "reference_row",
    "run_study",
    "solve_read_out",
    "train",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "Dataset": "datasets",
        "ReadOut": "read_out",
        "Results": "results",
        "Study": "settings",
        "Training": "training",
        "ask_recordings": "findings",
        "digits": "datasets",
        "draw_setup": "reference",
        "draw_twins": "twins",
        "fit_recording": "fits",
        "judge_rows": "reliability",
        "leave_out": "reliability",
        "make_rows": "reference",
        "mnist": "datasets",
        "predicted_change": "bridge",
        "prediction_errors": "way_back",
        "record_network": "networks",
        "reference_row": "reference",
        "run_study": "study",
        "solve_read_out": "read_out",
        "train": "training",
    },
)
