"""The hierarchy over networks: conditions, seeds, and networks as repeats.

A quantity x of network n, of condition c(n) and seed s(n), on an unbounded scale (logit or logarithm):

    x_n = center_c(n) + seed_sd · u_s(n) + network_sd_c(n) · e_n,    u, e ~ Normal(0, 1).

Networks of one seed start from the same weights and see the same split of the data, so they are blocks
of a randomized-block design: u is what a seed's networks share, and it cancels in the difference of
two conditions. Each condition has a network_sd of its own: trained networks differ more than
untrained ones, and one pooled value would lend the trained ones the certainty of the untrained. The
scales are log-normal, not half-normal: with few networks they are hardly known, and a prior that keeps
them off zero leaves no funnel there. With four networks of a condition it has a say in how wide the
interval of a difference is.

The sampler meets none of this directly. Where a network's data say x_n = guess_n ± error_n on their
own, centers, seed effects v = seed_sd·u and then x are drawn as what the normal approximation makes of
them given the scales, and the exact law corrects it (after Papaspiliopoulos, Roberts and Sköld,
Statistical Science 22, 2007). With r_cs = 1/(network_sd_c² + error²), zero where there is no such
network, a center's prior Normal(m, t²), and sums over the other index written as a dot:

    g_s = seed_sd⁻² + r_·s,    M = diag(t⁻² + r_c·) - Σ_s r_cs r_c's / g_s = L Lᵀ,
    center = L⁻ᵀ (L⁻¹ b + ζ),   b_c = m t⁻² + Σ_s r_cs (guess_cs - Σ_c' r_c's guess_c's / g_s),
    v_s = Σ_c r_cs (guess_cs - center_c) / g_s + z_s / √g_s,
    x_n = mean_n + w (guess_n - mean_n) + √w·error·z_n,    w = network_sd²/(network_sd² + error²),

with mean_n = center + v, and ζ and z without laws of their own. The densities of center, v and x and the
logarithms of the Jacobians, -Σ ln L_cc, -Σ ½ ln g_s and Σ ½ ln w + ln error, are added as a potential.
The guess changes how fast the chains move, not where they go.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pymc as pm
import pytensor.tensor as pt

from ..activity.arrays import Counts, Floats
from ..activity.checks import check_choice
from ..activity.words import CONDITIONS

type NetworkKey = tuple[str, int]
"""Condition and seed of a network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpreadPrior:
    """Log-normal priors (median, sd of the logarithm) of standard deviations on the unbounded scale.

    By default seeds, and networks of one condition, differ by a factor of about exp(0.2) in the odds
    (or in the quantity, where its scale is the logarithm); nine times in ten between exp(0.04) and e.
    """

    network: tuple[float, float] = (0.2, 1.0)
    seed: tuple[float, float] = (0.2, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """Which networks are compared; equal networks give equal models up to their data."""

    keys: tuple[NetworkKey, ...]
    conditions: tuple[str, ...] = field(init=False)
    seeds: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        for condition, _ in self.keys:
            check_choice("condition", condition, CONDITIONS)
        if len(set(self.keys)) < len(self.keys):
            raise ValueError("networks must differ in condition or seed, got one of them twice")
        present = tuple(c for c in CONDITIONS if c in {condition for condition, _ in self.keys})
        for condition in present:
            if len(self.of(condition)) < 2:
                raise ValueError(
                    f"condition {condition} needs two networks to tell how much networks differ, got 1"
                )
        if len(present) < 2:
            raise ValueError(f"networks must be of two conditions at least, got {present}")
        object.__setattr__(self, "conditions", present)
        object.__setattr__(self, "seeds", tuple(sorted({seed for _, seed in self.keys})))

    @classmethod
    def ordered(cls, keys: Iterable[NetworkKey]) -> "Networks":
        """Return the networks by condition, then seed."""
        return cls(keys=tuple(sorted(keys, key=lambda key: (*map(_rank, key[:1]), key[1]))))

    @property
    def coords(self) -> dict[str, list]:
        """Coordinates of the dims ``condition``, ``seed`` and ``network``."""
        names = [f"{condition}-{seed}" for condition, seed in self.keys]
        return {"condition": list(self.conditions), "seed": list(self.seeds), "network": names}

    @property
    def condition_index(self) -> Counts:
        """Position of each network's condition: ``(n_networks,)``."""
        return np.array([self.conditions.index(condition) for condition, _ in self.keys])

    @property
    def seed_index(self) -> Counts:
        """Position of each network's seed: ``(n_networks,)``."""
        return np.array([self.seeds.index(seed) for _, seed in self.keys])

    @property
    def cells(self) -> Floats:
        """One at each network's cell of the flattened (condition, seed) grid, else zero."""
        n_cells = len(self.conditions) * len(self.seeds)
        return np.eye(n_cells)[self.condition_index * len(self.seeds) + self.seed_index]

    @property
    def blocked(self) -> bool:
        """Whether any seed has networks of two conditions."""
        return len(self.seeds) < len(self.keys)

    def of(self, condition: str) -> list[int]:
        """Return the positions of a condition's networks."""
        return [n for n, key in enumerate(self.keys) if key[0] == condition]

    def contrast(self, first: str, second: str) -> Floats:
        """Return what makes ``first`` - ``second`` of the conditions: ``(n_conditions,)``."""
        for condition in (first, second):
            check_choice("condition", condition, self.conditions)
        return np.array([float(c == first) - float(c == second) for c in self.conditions])

    def shared_seeds(self, *conditions: str) -> list[int]:
        """Return the seeds of which there is a network of each of ``conditions``."""
        seeds = [{seed for c, seed in self.keys if c == condition} for condition in conditions]
        return sorted(set.intersection(*seeds))


def network_quantities(
    center: dict[str, tuple[float, float]],
    networks: Networks,
    *,
    spread: SpreadPrior,
    guess: Floats,
    error: Floats,
) -> pt.TensorVariable:
    """Add x of some quantities to the model in context; return it, ``(n_quantities, n_networks)``.

    ``center`` holds, for each quantity, mean and standard deviation of the normal prior of a
    condition's center; ``guess`` and ``error`` have the shape of x. The model needs the dims of
    :attr:`Networks.coords` and ``quantity``.
    """
    guess = pm.Data("guess", guess, dims=("quantity", "network"))
    error = pm.Data("error", error, dims=("quantity", "network"))
    sd = scale("network_sd", spread.network, dims=("quantity", "condition"))
    sd = sd[:, networks.condition_index]
    variance = sd**2 + error**2
    mean = network_means(center, networks, spread=spread, guess=guess, variance=variance)
    weight = sd**2 / variance
    z = pm.Flat("z", dims=("quantity", "network"))
    x = mean + weight * (guess - mean) + pt.sqrt(weight) * error * z
    law = -(((x - mean) / sd) ** 2) / 2 - pt.log(sd) + pt.log(weight) / 2 + pt.log(error)
    pm.Potential("network_law", law.sum())
    return x


def network_means(
    center: dict[str, tuple[float, float]],
    networks: Networks,
    *,
    spread: SpreadPrior,
    guess: pt.TensorVariable,
    variance: pt.TensorVariable,
) -> pt.TensorVariable:
    """Add centers and seed effects; return center + seed effect, ``(n_quantities, n_networks)``.

    ``variance`` is that of ``guess`` about the result. Arguments else as of :func:`network_quantities`.
    """
    prior_mean, prior_sd = np.array(list(center.values())).T[..., None]
    grid = (len(center), len(networks.conditions), len(networks.seeds))
    place = networks.cells

    r = (1 / variance @ place).reshape(grid)
    pull = (guess / variance @ place).reshape(grid)
    precision = prior_sd**-2 + r.sum(axis=2)
    b = prior_mean / prior_sd**2 + pull.sum(axis=2)
    matrix = precision[:, :, None] * np.eye(grid[1])
    if networks.blocked:
        seed_sd = scale("seed_sd", spread.seed, dims="quantity")[:, None]
        g = seed_sd**-2 + r.sum(axis=1)
        matrix -= ((r / g[:, None])[:, :, None] * r[:, None]).sum(axis=3)
        b -= (r * (pull.sum(axis=1) / g)[:, None]).sum(axis=2)

    zeta = pm.Flat("center_z", dims=("quantity", "condition"))
    typical, log_jacobian = _from_standard(matrix, b, zeta, grid[1])
    pm.Deterministic("center", typical, dims=("quantity", "condition"))
    law = log_jacobian - (((typical - prior_mean) / prior_sd) ** 2).sum() / 2
    mean = typical[:, networks.condition_index]
    if networks.blocked:
        z = pm.Flat("seed_z", dims=("quantity", "seed"))
        effect = (pull - r * typical[:, :, None]).sum(axis=1) / g + z / pt.sqrt(g)
        law += (-((effect / seed_sd) ** 2) / 2 - pt.log(seed_sd) - pt.log(g) / 2).sum()
        pm.Deterministic("seed_effect", effect, dims=("quantity", "seed"))
        mean += effect[:, networks.seed_index]
    pm.Potential("center_law", law)
    return mean


def _from_standard(
    matrix: pt.TensorVariable, b: pt.TensorVariable, zeta: pt.TensorVariable, size: int
) -> tuple[pt.TensorVariable, pt.TensorVariable]:
    """Return L⁻ᵀ (L⁻¹ b + ζ), with L Lᵀ = matrix (n, size, size), and the sum of -ln L_ii.

    Written out: for two or three conditions it compiles several times faster than LAPACK's routines.
    """
    root, standard, solved = {}, {}, {}
    for i in range(size):
        for j in range(i + 1):
            rest = matrix[:, i, j] - sum(root[i, k] * root[j, k] for k in range(j))
            root[i, j] = pt.sqrt(rest) if i == j else rest / root[j, j]
        standard[i] = (b[:, i] - sum(root[i, k] * standard[k] for k in range(i))) / root[i, i]
    for i in reversed(range(size)):
        rest = sum(root[k, i] * solved[k] for k in range(i + 1, size))
        solved[i] = (standard[i] + zeta[:, i] - rest) / root[i, i]
    log_jacobian = -sum(pt.log(root[i, i]).sum() for i in range(size))
    return pt.stack([solved[i] for i in range(size)], axis=1), log_jacobian


def scale(name: str, prior: tuple[float, float], dims: str | None = None) -> pt.TensorVariable:
    """Add a log-normal standard deviation, prior given by its median and sd of the logarithm."""
    median, log_sd = prior
    return pm.LogNormal(name, np.log(median), log_sd, dims=dims)


def _rank(condition: str) -> int:
    return CONDITIONS.index(check_choice("condition", condition, CONDITIONS))
