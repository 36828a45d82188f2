"""A model's log-density at draws of its posterior: as a whole, and term by term.

A posterior holds each variable on its own scale; a sampler, and whoever integrates over the posterior,
works on the unbounded one, x = forward(parameter), where the density carries the Jacobians of the
transforms. Both are read off the model.
"""

from collections.abc import Callable

import numpy as np
import pymc as pm
import xarray as xr
from pytensor.graph.replace import graph_replace
from pytensor.tensor import TensorVariable

from ..activity.arrays import Floats

type Density = Callable[[Floats], Floats]
"""Log-density at points ``(n_points, n_dimensions)`` on the unbounded scale: ``(n_points,)``."""


def unbounded_draws(model: pm.Model, posterior: xr.DataTree) -> Floats:
    """Return the draws on the unbounded scale, side by side: ``(n_chains, n_draws, n_dimensions)``.

    Raises ``ValueError`` if ``posterior`` lacks a free variable of ``model`` (those that only serve the
    sampler are not kept) or holds a draw at an end of its range, ``TypeError`` for a discrete variable.
    """
    names = [variable.name for variable in model.free_RVs]
    draws = posterior["posterior"].to_dataset()
    if missing := [name for name in names if name not in draws]:
        raise ValueError(
            f"posterior must hold the free variables of the model, got none of {', '.join(missing)}: it "
            "is of another model, or of one with variables that only serve the sampler"
        )
    if discrete := [variable.name for variable in model.free_RVs if variable.dtype.startswith("int")]:
        raise TypeError(f"the model must have continuous variables, got {', '.join(discrete)}")
    values = [draws[name].transpose("chain", "draw", ...).to_numpy() for name in names]
    n_chains, n_draws = values[0].shape[:2]
    forward = _forward(model)
    points = zip(*(value.reshape(-1, *value.shape[2:]) for value in values), strict=True)
    flat = np.array([np.concatenate([np.ravel(x) for x in forward(*point)]) for point in points])
    if not np.isfinite(flat).all():
        raise ValueError("posterior must hold draws inside their ranges, got one at an end of its range")
    return flat.reshape(n_chains, n_draws, -1)


def log_density(model: pm.Model) -> Density:
    """Return the log of prior times likelihood, Jacobians included, as a function of flat points."""
    at = _at_points(model, [model.logp()])
    return lambda points: np.array([float(at(point)[0]) for point in points])


def likelihood_terms(model: pm.Model, posterior: xr.DataTree) -> dict[str, Floats]:
    """Return the terms of each observed variable and Potential: ``(n_chains, n_draws, ...)`` by name.

    Errors as of :func:`unbounded_draws`.
    """
    sources = [*model.observed_RVs, *model.potentials]
    draws = unbounded_draws(model, posterior)
    at = _at_points(model, model.logp(vars=sources, sum=False))
    terms = [at(point) for point in draws.reshape(-1, draws.shape[-1])]
    columns = [np.array(column) for column in zip(*terms, strict=True)]
    return {
        source.name: column.reshape(*draws.shape[:2], *column.shape[1:])
        for source, column in zip(sources, columns, strict=True)
    }


def _forward(model: pm.Model) -> Callable[..., list[Floats]]:
    """Compile the transforms, from all free variables to their values on the unbounded scale."""
    transformed = []
    for variable in model.free_RVs:
        transform = model.rvs_to_transforms[variable]
        inputs = () if transform is None else variable.owner.inputs
        transformed.append(transform.forward(variable, *inputs) if transform else variable)
    points = {variable: variable.type() for variable in model.free_RVs}
    graphs = graph_replace(transformed, points, strict=False)
    return pm.compile(list(points.values()), graphs, on_unused_input="ignore")


def _at_points(model: pm.Model, graphs: list[TensorVariable]) -> Callable[[Floats], list[Floats]]:
    """Compile ``graphs`` of the model's values as a function of one flat point."""
    start = model.initial_point(random_seed=0)
    shapes = [np.shape(start[variable.name]) for variable in model.value_vars]
    ends = np.cumsum([int(np.prod(shape)) for shape in shapes])[:-1]
    compiled = model.compile_fn(
        graphs, inputs=model.value_vars, point_fn=False, on_unused_input="ignore"
    )

    def at(point: Floats) -> list[Floats]:
        parts = zip(np.split(point, ends), shapes, strict=True)
        return compiled(*(part.reshape(shape) for part, shape in parts))

    return at
