"""Typical networks given how much networks and seeds differ: everything normal, done by hand.

Given the scales, the values y_s of one seed's networks, counted from the centers' prior mean, and the C
centers, with prior sd t, are jointly normal. With W_s zero where the seed has no network of a condition,

    W_s = (diag network_sd² + seed_sd² 1 1')⁻¹,    M = t⁻² I + Σ_s W_s,    b = Σ_s W_s y_s,
    ln p(values | scales) = ½ Σ_s ln det W_s - ½ ln det M - ½ [Σ_s y_s' W_s y_s - b' M⁻¹ b] + const,
    centers | scales, values ~ Normal(M⁻¹ b, M⁻¹).

The hierarchy is that of :mod:`rote.inference.networks`, whose ``network_means`` is the same as a graph.
"""

from dataclasses import dataclass

import numpy as np

from ..activity.arrays import Floats
from .difference import Difference
from .networks import Networks


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SeedSums:
    """What the law of the values asks of them; seeds with networks of the same conditions are added."""

    present: Floats  # (n_kinds, n_conditions) which conditions a kind of seed has, 1 or 0
    n_seeds: Floats  # (n_kinds,)
    total: Floats  # (n_sets, n_kinds · n_conditions) values
    product: Floats  # (n_sets, n_kinds · n_conditions²) products of two values of one seed

    @classmethod
    def of(cls, values: Floats, networks: Networks) -> "SeedSums":
        """Sum ``values``, ``(n_sets, n_networks)`` in the order of ``networks``."""
        grid = len(networks.conditions), len(networks.seeds)
        there = networks.cells.sum(axis=0).reshape(grid)
        present, kind = np.unique(there.T, axis=0, return_inverse=True)
        cells = (values @ networks.cells).reshape(len(values), *grid)
        member = np.eye(len(present))[kind.ravel()]  # (n_seeds, n_kinds)
        total = np.einsum("ncs,sk->nkc", cells, member)
        product = np.einsum("ncs,nds,sk->nkcd", cells, cells, member, optimize=True)
        return cls(
            present=present,
            n_seeds=member.sum(axis=0),
            total=total.reshape(len(values), -1),
            product=product.reshape(len(values), -1),
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Centers:
    """The normal law of the centers at each of many values of the scales."""

    network_sd: Floats  # (n_scales, n_conditions)
    within_seed: Floats  # (n_scales, n_kinds, n_conditions, n_conditions) W
    from_total: Floats  # (n_scales, n_conditions, n_kinds · n_conditions) leads to b
    covariance: Floats  # (n_scales, n_conditions, n_conditions) M⁻¹
    log_det: Floats  # (n_scales,) Σ_s ln det W_s - ln det M

    @classmethod
    def given(
        cls, network_sd: Floats, seed_sd: Floats | None, sums: SeedSums, prior_sd: float
    ) -> "Centers":
        """Compute it for ``network_sd`` (n_scales, n_conditions), ``seed_sd`` (n_scales,) if any."""
        n_scales, n_conditions = network_sd.shape
        r = (network_sd**-2)[:, None, :] * sums.present
        seed_variance = np.zeros(1) if seed_sd is None else seed_sd**2
        inflated = 1 + seed_variance[:, None] * r.sum(axis=2)
        w = r[..., None] * np.eye(n_conditions)
        w -= (seed_variance[:, None] / inflated)[..., None, None] * r[..., :, None] * r[..., None, :]
        precision = prior_sd**-2 * np.eye(n_conditions) + np.einsum("k,gkcd->gcd", sums.n_seeds, w)
        n_networks = sums.n_seeds @ sums.present
        log_det = -2 * np.log(network_sd) @ n_networks - np.log(inflated) @ sums.n_seeds
        return cls(
            network_sd=network_sd,
            within_seed=w,
            from_total=w.transpose(0, 2, 1, 3).reshape(n_scales, n_conditions, -1),
            covariance=np.linalg.inv(precision),
            log_det=log_det - np.linalg.slogdet(precision)[1],
        )

    def log_likelihood(self, sums: SeedSums) -> Floats:
        """Return ln p(values | scales), up to a constant, of each set: ``(n_sets, n_scales)``."""
        n_scales, n_sets = len(self.log_det), len(sums.total)
        explained = self.from_total.transpose(0, 2, 1) @ self.covariance @ self.from_total
        squares = (sums.total[:, :, None] * sums.total[:, None, :]).reshape(n_sets, -1)
        exponent = sums.product @ self.within_seed.reshape(n_scales, -1).T
        exponent -= squares @ explained.reshape(n_scales, -1).T
        return (self.log_det - exponent) / 2

    def difference(self, contrast: Floats) -> tuple[Floats, Floats, Floats]:
        """Return what leads from totals to the mean of a difference, its sd, and sd of two networks'.

        ``contrast`` (n_conditions,) is 1 for one condition and -1 for another; the first is ``(n_scales,
        n_kinds · n_conditions)``, the others ``(n_scales,)``.
        """
        of_b = contrast @ self.covariance  # (n_scales, n_conditions)
        to_mean = np.einsum("gc,gck->gk", of_b, self.from_total)
        unit = np.sqrt(self.network_sd**2 @ np.abs(contrast))
        return to_mean, np.sqrt(of_b @ contrast), unit


def difference_of_draws(
    values: Floats,
    networks: Networks,
    *,
    center: tuple[float, float],
    network_sd: Floats,
    seed_sd: Floats | None,
    first: str = "memorizing",
    second: str = "generalizing",
) -> Difference:
    """Return the posterior of ``first`` - ``second`` from draws of each network's own value.

    ``values`` are ``(n_draws, n_networks)`` in the order of ``networks``, ``network_sd`` (n_draws,
    n_conditions), ``seed_sd`` (n_draws,) where seeds are shared; ``center`` is mean and sd of the normal
    prior of a center. Its error is that of an average over the draws.
    """
    sums = SeedSums.of(values - center[0], networks)
    centers = Centers.given(network_sd, seed_sd, sums, center[1])
    to_mean, sd, unit = centers.difference(networks.contrast(first, second))
    return Difference(
        mean=(to_mean * sums.total).sum(axis=1),
        sd=sd,
        unit=unit,
        prior_sd=center[1] * np.sqrt(2),
        log_weight=np.full(len(values), -np.log(len(values))),
    )
