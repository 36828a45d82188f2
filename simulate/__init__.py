"""Processes of activation: each draws activity and predicts its statistics in closed form."""

from ..activity.lazy import lazy_names

__all__ = [
    "BetaRates",
    "ClassConditional",
    "DichotomizedGaussian",
    "ExchangeableBernoulli",
    "FactorGaussian",
    "GammaFrailty",
    "IndependentBernoulli",
    "LatentGaussian",
    "Layer",
    "PairPrediction",
    "PopulationBernoulli",
    "Prediction",
    "SharedFeatures",
    "binary_covariance",
    "correlation_bounds",
    "latent_correlation",
    "least_correlation",
    "nearest_correlation",
    "one_factor_pmf",
    "poisson_binomial_pmf",
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        "BetaRates": "rates",
        "ClassConditional": "class_conditional",
        "DichotomizedGaussian": "dichotomized",
        "ExchangeableBernoulli": "exchangeable",
        "FactorGaussian": "factors",
        "GammaFrailty": "frailty",
        "IndependentBernoulli": "independent",
        "LatentGaussian": "latent_gaussian",
        "Layer": "layers",
        "PairPrediction": "prediction",
        "PopulationBernoulli": "population_law",
        "Prediction": "prediction",
        "SharedFeatures": "features",
        "binary_covariance": "bivariate",
        "correlation_bounds": "bivariate",
        "latent_correlation": "bivariate",
        "least_correlation": "population_law",
        "nearest_correlation": "latent_gaussian",
        "one_factor_pmf": "population",
        "poisson_binomial_pmf": "population",
    },
)
