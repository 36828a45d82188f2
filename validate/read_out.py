"""Read-out weights of drawn or recorded activity, under L1 and under L2.

The sums that are minimised, and what becomes of units that are active alone, are those of
:mod:`rote.simulate.read_out`; here units may be active together. scikit-learn solves both: its ridge has
the same λ, its lasso divides the squares by the number of examples T, α = λ/T. No read-out has an
intercept.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge, lasso_path

from ..activity.arrays import Activity, Counts, Floats
from ..activity.checks import as_floats, check_choice
from ..record.recording import Recording
from ..simulate.dichotomized import DichotomizedGaussian
from ..simulate.process import Process
from ..simulate.rates import BetaRates
from ..simulate.read_out import PENALTIES, LoneUnits, check_strength, lone_weight

N_UNITS, N_EXAMPLES = 200, 5000  # of drawn layers
TOLD = ("norm_l1", "norm_l2", "l1_l2_ratio", "unexplained")  # of their read-outs
SIZES = np.linspace(0, 1.4, 71)  # of weights, at which their distribution is told
KINDS = {  # of them: Beta law of the rates, loading on a common factor
    "memorizing": ((1, 199), 0.0),
    "generalizing": ((2, 10), 0.4),
}

_GAP = 1e-8  # of the lasso's objective from its optimum, relative to the target's sum of squares
_SWEEPS = 100_000  # of the lasso over all weights


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReadOut:
    """The weights of one read-out at several strengths of its penalty."""

    penalty: str
    strength: Floats  # (n_strengths,)
    weight: Floats  # (n_strengths, n_units)
    unexplained: Floats  # (n_strengths,) squares left over, as a share of the target's

    @property
    def survivors(self) -> Counts:
        """Number of units whose weight is not zero: ``(n_strengths,)``."""
        return np.count_nonzero(self.weight, axis=1)

    @property
    def norm_l1(self) -> Floats:
        """Sum of absolute weights: ``(n_strengths,)``."""
        return np.abs(self.weight).sum(axis=1)

    @property
    def norm_l2(self) -> Floats:
        """Euclidean norm of the weights: ``(n_strengths,)``."""
        return np.linalg.norm(self.weight, axis=1)

    @property
    def l1_l2_ratio(self) -> Floats:
        """E|w| / √E w² over all units, ``(n_strengths,)``: nan where no weight is left."""
        n_units = self.weight.shape[1]
        return np.divide(
            self.norm_l1 / np.sqrt(n_units),
            self.norm_l2,
            out=np.full(self.strength.size, np.nan),
            where=self.norm_l2 > 0,
        )


def solve_read_out(
    activity: Activity | NDArray[np.floating],
    target: ArrayLike,
    *,
    penalty: str,
    strength: ArrayLike,
) -> ReadOut:
    """Solve the read-out of ``target`` ``(n_examples,)`` at each ``strength`` λ > 0 of ``penalty``.

    ``activity`` ``(n_examples, n_units)`` is boolean, or activations; ``penalty`` is "l1" or "l2".
    Raises ``RuntimeError`` if the lasso does not converge, and ``TypeError`` or ``ValueError`` for
    arguments of another kind, shape or range.
    """
    activity = np.asarray(activity)
    units = as_floats("activity", activity.view(np.uint8) if activity.dtype == np.bool_ else activity)
    if units.ndim != 2 or 0 in units.shape:
        raise ValueError(f"activity must have shape (n_examples, n_units), got {units.shape}")
    target = as_floats("target", target)
    if target.shape != (len(units),):
        raise ValueError(f"target must have shape ({len(units)},), got {target.shape}")
    if not target.any():
        raise ValueError("target must not be zero on all examples")
    strength = np.atleast_1d(check_strength(strength))
    if strength.ndim != 1 or not strength.size:
        raise ValueError(f"strength must be one number or some in a row, got shape {strength.shape}")
    solver = _lasso if check_choice("penalty", penalty, PENALTIES) == "l1" else _ridge
    weight = solver(units, target, strength)
    left = np.square(target - weight @ units.T).sum(axis=1)
    return ReadOut(
        penalty=penalty, strength=strength, weight=weight, unexplained=left / np.square(target).sum()
    )


def read_out_rows(recording: Recording, *, strength: ArrayLike) -> pd.DataFrame:
    """Read every class out of each layer of ``recording``; a row for each layer, penalty and strength.

    The target is 1 on training examples with the label of the class and lies below 0 on the others, with
    mean 0. ``survivors`` is the share of the units with a weight, ``norm_l2`` that of the weights and
    ``unexplained`` the share of squares left over; ``lone_survivors`` and ``lone_norm_l2`` are those of
    units that were active alone, as often and on the same targets. All are means over classes.
    """
    strength, rows = np.atleast_1d(check_strength(strength)), []
    label = recording.label[~recording.held_out]
    for name in recording.layers:
        active = recording[name].active(False)
        count = active.sum(axis=0)
        for penalty in PENALTIES:
            found = []
            for one in np.unique(label):
                target = (label == one) - (label == one).mean()
                solved = solve_read_out(active, target, penalty=penalty, strength=strength)
                mean = np.divide(target @ active, count, out=np.zeros(count.size), where=count > 0)
                how = {"penalty": penalty, "strength": strength[:, None]}
                alone = lone_weight(mean, count, **how)
                columns = [solved.survivors / count.size, (alone != 0).mean(axis=1)]
                columns += [solved.norm_l2, np.linalg.norm(alone, axis=1), solved.unexplained]
                found.append(columns)
            names = ("survivors", "lone_survivors", "norm_l2", "lone_norm_l2", "unexplained")
            table = pd.DataFrame(dict(zip(names, np.mean(found, axis=0), strict=True)))
            who = {"condition": recording.condition, "seed": recording.seed, "layer": name}
            rows.append(table.assign(**who, penalty=penalty, strength=strength))
    return pd.concat(rows, ignore_index=True)


def drawn_layer(kind: str, rng: np.random.Generator) -> Process:
    """Return a layer of ``KINDS`` with rates drawn from its law."""
    (a, b), loading = KINDS[check_choice("kind", kind, tuple(KINDS))]
    law = BetaRates(n_units=N_UNITS, mean=a / (a + b), concentration=a + b)
    return DichotomizedGaussian(rate=law.sample(rng=rng), loading=loading)


def drawn_read_outs(
    n_draws: int, strength: ArrayLike, *, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read a sum with weights ±1 out of ``n_draws`` drawn layers of each of ``KINDS``.

    The first table has a row for each kind, draw, penalty and strength: ``survivors`` are shares of all
    units, norms those of the weights, and ``lone_*`` what is expected of units that are active alone.
    The second has the distribution of the sizes |w|, pooled over draws: ``share`` of all units up to
    ``size`` and ``lone_share``, as expected.
    """
    strength, rows, below = np.atleast_1d(check_strength(strength)), [], {}
    for kind in KINDS:
        for draw in range(n_draws):
            process, signs = drawn_layer(kind, rng), rng.choice([-1.0, 1.0], size=N_UNITS)
            activity = process.sample(N_EXAMPLES, rng=rng)
            lone = LoneUnits(rate=process.rate, target=signs, n_examples=N_EXAMPLES)
            for penalty in PENALTIES:
                solved = solve_read_out(activity, activity @ signs, penalty=penalty, strength=strength)
                for place, one in enumerate(strength):
                    size, chance = lone.weight_law(penalty=penalty, strength=float(one))
                    size = np.abs(size)
                    rows.append(
                        {"kind": kind, "draw": draw, "penalty": penalty, "strength": one}
                        | {name: getattr(solved, name)[place] for name in TOLD}
                        | {"survivors": solved.survivors[place] / N_UNITS}
                        | {"lone_survivors": chance[size > 0].sum()}
                        | {"lone_norm_l1": N_UNITS * chance @ size}
                        | {"lone_norm_l2": np.sqrt(N_UNITS * chance @ size**2)}
                    )
                    seen = (np.abs(solved.weight[place]) <= SIZES[:, None]).mean(axis=1)
                    due = (size <= SIZES[:, None]) @ chance
                    below.setdefault((kind, penalty, one), []).append([seen, due])
    frames = []
    for (kind, penalty, one), shares in below.items():
        seen, due = np.mean(shares, axis=0)
        who = {"kind": kind, "penalty": penalty, "strength": one}
        frames.append(pd.DataFrame({"size": SIZES, "share": seen, "lone_share": due}).assign(**who))
    return pd.DataFrame(rows), pd.concat(frames, ignore_index=True)


def _ridge(units: Floats, target: Floats, strength: Floats) -> Floats:
    solver = Ridge(alpha=strength, fit_intercept=False, solver="cholesky")  # a target for each strength
    copies = np.repeat(target[:, None], strength.size, axis=1)
    return solver.fit(units, copies).coef_.reshape(strength.size, -1)


def _lasso(units: Floats, target: Floats, strength: Floats) -> Floats:
    strongest = np.argsort(-strength)  # each solution is where the next begins
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        try:
            _, path, _ = lasso_path(
                np.asfortranarray(units),
                target,
                alphas=strength[strongest] / len(target),
                precompute=True,
                tol=_GAP,
                max_iter=_SWEEPS,
            )
        except ConvergenceWarning as error:
            raise RuntimeError(
                f"the lasso did not converge within {_SWEEPS} sweeps at strengths down to "
                f"{strength.min():g}: take stronger ones, or fewer units that are alike"
            ) from error
    weight = np.empty_like(path.T)
    weight[strongest] = path.T
    return weight
