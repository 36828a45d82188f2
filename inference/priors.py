"""What a model says before it has seen data: draws of its parameters from their prior.

The draws are made by the model's own graph, so that what is shown of a prior is what is fitted with.
"""

from collections.abc import Sequence

import numpy as np
import pymc as pm

from ..activity.arrays import Floats
from ..activity.checks import check_count, check_generator


def prior_draws(
    model: pm.Model,
    *,
    rng: np.random.Generator,
    n_draws: int = 2000,
    names: Sequence[str] | None = None,
) -> dict[str, Floats]:
    """Return draws ``(n_draws,)`` of the variables ``names`` of ``model``, each one number.

    By default they are all free variables that are one number. They are drawn jointly: a variable whose
    prior hangs on another follows the other's draw.
    """
    check_count("n_draws", n_draws)
    seed = int(check_generator(rng).integers(2**31))
    if names is None:
        names = [variable.name for variable in model.free_RVs if variable.ndim == 0]
    draws = pm.draw([model[name] for name in names], draws=n_draws, random_seed=seed)
    return {name: np.asarray(drawn) for name, drawn in zip(names, draws, strict=True)}
