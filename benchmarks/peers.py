"""How other packages draw the cases. Each is imported where it is set up, so any may be missing.

Copula packages draw Gaussian copulas, whose uniforms or normals are then thresholded; they are given
the latent correlation, which they do not compute. Elephant and Brian2 draw spike trains, here with a
bin of one second or one step for an example; that these would still have to be binned is not counted.
"""

import logging
import sys

import numpy as np
from scipy.special import ndtri
from timing import Rival, Work


def normals(
    latent: np.ndarray,
    rate: np.ndarray,
    n_examples: int,
    rng: np.random.Generator,
    *,
    large: bool = False,
) -> tuple[Rival, ...]:
    """Return those that draw a multivariate normal, or its copula, and threshold it."""
    n_units = rate.size

    def numpy_() -> Work:
        mean = np.zeros(n_units)
        threshold = -ndtri(rate)
        return lambda: (
            rng.multivariate_normal(mean, latent, size=n_examples, method="cholesky") > threshold
        )

    def statsmodels() -> Work:
        from statsmodels.distributions.copula.api import GaussianCopula

        copula = GaussianCopula(corr=latent, k_dim=n_units)
        return lambda: copula.rvs(n_examples, random_state=rng) < rate

    def openturns() -> Work:
        import openturns

        copula = openturns.NormalCopula(openturns.CorrelationMatrix(latent.tolist()))
        return lambda: np.asarray(copula.getSample(n_examples)) < rate

    def copulae() -> Work:
        import copulae

        copula = copulae.GaussianCopula(dim=n_units)
        copula[:] = latent
        return lambda: copula.random(n_examples) < rate

    def copulas() -> Work:
        from copulas.multivariate import GaussianMultivariate

        uniform = {"type": "copulas.univariate.UniformUnivariate", "loc": 0.0, "scale": 1.0}
        copula = GaussianMultivariate.from_dict(
            {
                "columns": list(range(n_units)),
                "univariates": [dict(uniform)] * n_units,
                "correlation": latent.tolist(),
            }
        )
        return lambda: copula.sample(n_examples).to_numpy() < rate

    def bindata() -> Work:
        from bindata import rmvbin

        return lambda: rmvbin(margprob=rate, sigma=latent, N=n_examples, _skip_PSD_check=True)

    methods = {
        "numpy": ("multivariate normal above a threshold", numpy_),
        "statsmodels": ("Gaussian copula", statsmodels),
        "openturns": ("normal copula", openturns),
        "copulae": ("Gaussian copula", copulae),
        "copulas": ("Gaussian copula", copulas),
        "bindata": ("rmvbin, latent matrix given", bindata),
    }
    return tuple(
        Rival(package=package, method=method, build=build, large=large)
        for package, (method, build) in methods.items()
    )


def vine(n_units: int, n_examples: int, rate: np.ndarray) -> Rival:
    """Return a D-vine of Gaussian pairs of one tree: correlation .9^|i - j| is Markov."""

    def build() -> Work:
        import pyvinecopulib as pv

        pair = pv.Bicop(family=pv.BicopFamily.gaussian, parameters=np.array([[0.9]]))
        structure = pv.DVineStructure(order=np.arange(1, n_units + 1), trunc_lvl=1)
        copula = pv.Vinecop.from_structure(structure=structure, pair_copulas=[[pair] * (n_units - 1)])
        return lambda: copula.simulate(n_examples) < rate

    return Rival(package="pyvinecopulib", method="D-vine of one tree", build=build)


def spikes(n_units: int, n_examples: int, rate: float, correlation: float) -> tuple[Rival, ...]:
    """Return Elephant's compound Poisson process and its single interaction process."""

    def compound() -> Work:
        import quantities as pq
        from elephant.spike_train_generation import compound_poisson_process

        together = correlation / (n_units - (n_units - 1) * correlation)
        amplitude = np.zeros(n_units + 1)
        amplitude[[1, -1]] = 1 - together, together
        return lambda: compound_poisson_process(rate * pq.Hz, amplitude, n_examples * pq.s)

    def interaction() -> Work:
        import quantities as pq
        from elephant.spike_train_generation import single_interaction_process

        return lambda: single_interaction_process(
            rate * pq.Hz, correlation * rate * pq.Hz, n_examples * pq.s, n_spiketrains=n_units
        )

    return (
        Rival(package="elephant", method="compound Poisson process", build=compound),
        Rival(package="elephant", method="single interaction process", build=interaction),
    )


def brian(n_units: int, propensity: np.ndarray) -> Rival:
    """Return a group of Brian2 whose threshold is a random number below a propensity of each step."""

    def build() -> Work:
        import brian2

        sys.excepthook = sys.__excepthook__  # Brian2 writes what is uncaught into a file of its own,
        logging.captureWarnings(False)  # and warnings into its log
        brian2.BrianLogger.suppress_hierarchy("brian2")
        step = brian2.ms
        given = brian2.TimedArray(propensity, dt=step)
        group = brian2.NeuronGroup(
            n_units, "x : 1", threshold="rand() < given(t)", dt=step, namespace={"given": given}
        )
        monitor = brian2.SpikeMonitor(group)
        network = brian2.Network(group, monitor)
        network.store()

        def run() -> np.ndarray:
            network.restore()
            network.run(propensity.size * step)
            return np.asarray(monitor.i)

        return run

    return Rival(package="brian2", method="threshold rand() < propensity", build=build)
