"""Which modules of a PyTorch model are recorded, and why the others are not.

A module is *ReLU-like* when it lets pass what lies above a threshold and holds the rest at zero or near
below it, so that its output is above zero exactly where a ReLU's would be. ReLU-like modules are found
by themselves, unless a subclass computes something of its own; any other module is recorded only when
it is named in full.
"""

from collections.abc import Sequence
from fnmatch import fnmatchcase

from torch import jit, nn

from .schema import check_layer_name

RELU_LIKE = (
    nn.ReLU,
    nn.Hardtanh,  # from 0 up, such as ReLU6
    nn.Threshold,
    nn.LeakyReLU,
    nn.PReLU,
    nn.RReLU,
    nn.ELU,
    nn.SELU,
    nn.CELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Hardswish,
)
PARALLEL = (nn.DataParallel, nn.parallel.DistributedDataParallel)


def is_relu_like(module: nn.Module) -> bool:
    """Whether ``module`` computes what one of ``RELU_LIKE`` does, whatever its numbers are."""
    computes = getattr(module.forward, "__func__", None)
    return any(isinstance(module, kind) and computes is kind.forward for kind in RELU_LIKE)


def check_model(model: nn.Module) -> None:
    """Raise unless ``model`` runs its modules one by one in Python, where hooks see them.

    A ``TypeError`` for what is no module, a ``ValueError`` for a compiled, scripted or spread one.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be a torch.nn.Module, got {type(model).__name__}")
    for name, module in model.named_modules():
        which = f"part {name!r} of model" if name else "model"
        if hasattr(module, "_orig_mod"):
            raise ValueError(
                f"{which} is compiled by torch.compile, whose code calls no module and cannot be "
                "recorded: record the module it was made of (its _orig_mod holds the same weights)"
            )
        if getattr(module, "_compiled_call_impl", None) is not None:
            raise ValueError(
                f"{which} is compiled in place, and compiled code cannot be recorded: record before "
                "calling compile(), or load its state_dict into a model that is not compiled"
            )
        if isinstance(module, jit.ScriptModule):
            raise ValueError(
                f"{which} is TorchScript, which calls no module in Python and cannot be recorded: "
                "load its state_dict into the model it was made of"
            )
        if isinstance(module, PARALLEL):
            raise ValueError(
                f"{which} is {type(module).__name__}, whose copies would each record a part of the "
                "examples: record its .module"
            )


def choose_modules(
    model: nn.Module, layers: str | Sequence[str] | None
) -> tuple[dict[str, nn.Module], dict[str, str]]:
    """Return the modules to record and, for every other layer, the reason why it is not.

    ``layers`` is a name or a pattern (``*``, ``?``, ``[…]``), several of them, or ``None`` for all
    that is ReLU-like. Raises ``TypeError`` for other kinds and ``ValueError`` for what names nothing.
    """
    wanted = _as_names(layers)
    modules = {name: module for name, module in model.named_modules() if name}
    chosen, skipped = {}, {}
    for name, module in modules.items():
        if name in wanted:
            chosen[name] = module
        elif any(module.children()):
            continue  # its parts are what is chosen or skipped
        elif reason := _why_not(module):
            skipped[name] = reason
        elif any(fnmatchcase(name, pattern) for pattern in wanted):
            chosen[name] = module
        else:
            skipped[name] = f"not named by layers={layers!r}"
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in chosen):
            raise ValueError(_nothing_found(layers, pattern, skipped))
    for name in chosen:
        check_layer_name(name)
    return chosen, skipped


def named_in_full(layers: str | Sequence[str] | None) -> bool:
    """Whether ``layers`` leaves nothing to a pattern."""
    return not any(set(name) & set("*?[") for name in _as_names(layers))


def _as_names(layers: str | Sequence[str] | None) -> tuple[str, ...]:
    if layers is None:
        return ("*",)
    names = (layers,) if isinstance(layers, str) else tuple(layers)
    if not names or not all(isinstance(name, str) for name in names):
        raise TypeError(f"layers must be a name or pattern, or several of them, got {layers!r}")
    return names


def _why_not(module: nn.Module) -> str | None:
    """Return why ``module`` is not ReLU-like, ``None`` if it is."""
    kind = type(module).__name__
    if not isinstance(module, RELU_LIKE):
        return f"{kind} is not ReLU-like"
    if not is_relu_like(module):
        return f"{kind} has a forward of its own, which need not be ReLU-like"
    if isinstance(module, nn.Hardtanh) and module.min_val != 0:
        return f"{kind} goes from {module.min_val} up, not from 0"
    if isinstance(module, nn.Threshold) and module.value > 0:
        return f"{kind} gives {module.value} below its threshold, which would count as active"
    slopes = {
        nn.LeakyReLU: lambda leaky: leaky.negative_slope,
        nn.RReLU: lambda random: random.lower,
        nn.PReLU: lambda learned: learned.weight.min().item(),
    }
    for leaky, slope in slopes.items():
        if isinstance(module, leaky) and slope(module) < 0:
            return f"{kind} turns negative inputs into positive outputs (slope {slope(module):g})"
    return None


def _nothing_found(layers: object, pattern: str, skipped: dict[str, str]) -> str:
    alike = [f"{name} ({reason})" for name, reason in skipped.items() if fnmatchcase(name, pattern)]
    if not alike:
        known = ", ".join(skipped) or "none"
        return f"layers={layers!r}: {pattern!r} names no layer of the model, whose others are {known}"
    return (
        f"layers={layers!r} finds no ReLU-like module, only {', '.join(alike)}: if the model calls relu "
        "as a function, put an nn.ReLU() in its place; or name a module in full to record its output"
    )
