"""Which versions are at work: of rote, of Python, and of what the results depend on."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

from .. import __version__
from ..activity.kernel import STREAM

PACKAGES = (
    "numpy", "scipy", "numba", "pandas", "xarray", "h5netcdf", "pymc", "pytensor", "nutpie", "arviz",
    "statsmodels", "scikit-learn", "jax", "optax", "matplotlib",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return name and version of rote (and its commit, in a checkout), Python, streams and packages."""
    found = {"rote": __version__, "python": platform.python_version()}
    if commit := _commit():
        found["commit"] = commit
    return found | {"random stream": STREAM} | {name: version(name) for name in PACKAGES}


def _commit() -> str | None:
    """Return the commit of the checkout this package runs from, ``+`` if it was changed since."""
    root = Path(__file__).parents[1]
    if not (root / ".git").exists():
        return None
    try:
        told = [
            subprocess.run(
                ["git", "-C", str(root), *words], capture_output=True, text=True, check=True, timeout=10
            ).stdout.strip()
            for words in (["rev-parse", "--short=12", "HEAD"], ["status", "--porcelain"])
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return told[0] + "+" * bool(told[1])
