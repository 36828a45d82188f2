"""PyMC models of the same processes: posteriors, comparisons over networks, and the hypotheses."""

from ..activity.lazy import lazy_names

__all__ = [
    "ConvergenceError",
    "Finding",
    "MeasuredLayer",
    "Twin",
    "Verdict",
    "answer",
    "compare_correlation",
    "compare_layers",
    "compare_rates",
    "correct_twins",
    "factor_comparison_model",
    "factor_model",
    "fit",
    "permutation_twin",
    "rate_comparison_model",
    "rate_model",
    "sample",
    "share_comparison_model",
    "value_comparison_model",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "ConvergenceError": "posterior",
        "Finding": "hypotheses",
        "MeasuredLayer": "claims",
        "Twin": "verdict",
        "Verdict": "verdict",
        "answer": "hypotheses",
        "compare_correlation": "hypotheses",
        "compare_layers": "hypotheses",
        "compare_rates": "hypotheses",
        "correct_twins": "verdict",
        "factor_comparison_model": "factor_comparison",
        "factor_model": "factor",
        "fit": "fitting",
        "permutation_twin": "twin",
        "rate_comparison_model": "rate_comparison",
        "rate_model": "rates",
        "sample": "posterior",
        "share_comparison_model": "share_comparison",
        "value_comparison_model": "value_comparison",
    },
)
