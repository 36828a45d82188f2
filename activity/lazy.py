"""Subpackages name what they hold and load it when it is first asked for.

``import rote`` must not load PyMC, JAX or Matplotlib, and a user of one module should not pay for
its neighbours.
"""

from collections.abc import Callable
from importlib import import_module


def lazy_names(
    package: str, home: dict[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return ``__getattr__`` and ``__dir__`` of ``package``; ``home`` maps a name to its module."""

    def load(name: str) -> object:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(f"{package}.{home[name]}")
        return module if home[name] == name else getattr(module, name)

    return load, lambda: sorted(home)
