"""Figures of a study, one file each, and its report."""

from ..activity.lazy import lazy_names

__all__ = [
    "CATALOGUE",
    "draw_correlation",
    "draw_error_rates",
    "draw_fano",
    "draw_magnitudes",
    "draw_population",
    "draw_priors",
    "draw_rates",
    "draw_reliability",
    "draw_summary",
    "draw_verdicts",
    "draw_weights",
    "report_study",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "CATALOGUE": "catalogue",
        "draw_correlation": "correlation",
        "draw_error_rates": "error_rates",
        "draw_fano": "fano",
        "draw_magnitudes": "magnitudes",
        "draw_population": "population",
        "draw_priors": "priors",
        "draw_rates": "rates",
        "draw_reliability": "reliability",
        "draw_summary": "summary",
        "draw_verdicts": "verdicts",
        "draw_weights": "weights",
        "report_study": "report",
    },
)
