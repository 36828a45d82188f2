"""What a study left in its folder, read when it is asked for: the source of every figure and table."""

import json
from functools import cache, cached_property
from pathlib import Path

import pandas as pd
import xarray as xr

from ..activity.alignment import Alignment, align
from ..activity.arrays import Floats
from ..activity.statistics import Statistics
from ..inference.verdict import Verdict
from ..record.measures import measure
from ..record.recording import Recording

SETTINGS = "study.json"


class Results:
    """The files of a study in ``folder``; a ``FileNotFoundError`` for a folder that holds none."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if not (self.folder / SETTINGS).is_file():
            raise FileNotFoundError(
                f"{self.folder} holds no study ({SETTINGS} is missing): make one with "
                f"`rote reproduce --out {self.folder}`"
            )

    @cached_property
    def settings(self) -> dict[str, object]:
        """The settings of the study, by name."""
        return json.loads((self.folder / SETTINGS).read_text(encoding="utf-8"))

    @property
    def seeds(self) -> range:
        """Seeds of the networks."""
        return range(self.settings["seed"], self.settings["seed"] + self.settings["seeds"])

    @cached_property
    def layer_names(self) -> list[str]:
        """Names of the hidden layers, from the input up."""
        return list(dict.fromkeys(self.layers["layer"]))

    @cached_property
    def networks(self) -> pd.DataFrame:
        """How each network was trained."""
        return pd.read_csv(self.folder / "networks.csv")

    @cached_property
    def layers(self) -> pd.DataFrame:
        """Statistics of each layer: a row for each network, layer, set of examples and of classes."""
        return pd.read_csv(self.folder / "layers.csv")

    @cached_property
    def units(self) -> pd.DataFrame:
        """Statistics of each unit, on training examples."""
        return pd.read_csv(self.folder / "units.csv")

    @cached_property
    def twins(self) -> pd.DataFrame:
        """Statistics of processes drawn at the fitted parameters."""
        return pd.read_csv(self.folder / "twins.csv")

    @cached_property
    def population(self) -> pd.DataFrame:
        """Population counts: recorded, drawn and predicted."""
        return pd.read_csv(self.folder / "population.csv")

    @cached_property
    def bridge(self) -> pd.DataFrame:
        """Weights predicted and as they are, a row for each layer of each trained network and arm."""
        return pd.read_csv(self.folder / "bridge.csv")

    @cached_property
    def bridge_units(self) -> pd.DataFrame:
        """How far each unit's weights moved, at which rate, and whether it was erased, in every arm."""
        return pd.read_csv(self.folder / "bridge_units.csv")

    @cached_property
    def bridge_spectra(self) -> pd.DataFrame:
        """Singular values of each layer's change, and predicted, in every arm."""
        return pd.read_csv(self.folder / "bridge_spectra.csv")

    @cached_property
    def bridge_densities(self) -> pd.DataFrame:
        """Densities of each layer's weights and of their change, and predicted, in every arm."""
        return pd.read_csv(self.folder / "bridge_densities.csv")

    @cached_property
    def drawn_read_out(self) -> pd.DataFrame:
        """What a penalized read-out leaves of drawn layers."""
        return pd.read_csv(self.folder / "drawn_read_out.csv")

    @cached_property
    def drawn_weights(self) -> pd.DataFrame:
        """Distribution of the read-out weights of drawn layers, and as expected of units alone."""
        return pd.read_csv(self.folder / "drawn_weights.csv")

    @cached_property
    def read_out(self) -> pd.DataFrame:
        """What a penalized read-out leaves of each layer of each network."""
        return pd.read_csv(self.folder / "read_out.csv")

    @cached_property
    def magnitude_laws(self) -> pd.DataFrame:
        """How well each law of magnitudes describes each layer of each network."""
        return pd.read_csv(self.folder / "magnitude_laws.csv")

    @cached_property
    def weight_map(self) -> pd.DataFrame:
        """Shapes of weight matrices that theory gives to rate laws and correlations."""
        return pd.read_csv(self.folder / "weight_map.csv")

    @cached_property
    def way_back(self) -> pd.DataFrame:
        """Errors of activity that was predicted from weights."""
        return pd.read_csv(self.folder / "way_back.csv")

    @cached_property
    def verdicts(self) -> list[Verdict]:
        """The verdicts, in the order of hypotheses and layers."""
        listed = json.loads((self.folder / "verdicts.json").read_text(encoding="utf-8"))
        return [Verdict.from_dict(verdict) for verdict in listed]

    def posterior(self, kind: str, layer: str) -> xr.DataTree:
        """Return the posterior over networks of ``kind``: ``rates``, ``rare_share`` or ``factor``."""
        return xr.open_datatree(self.folder / "fits" / f"{kind}-{layer}.nc", engine="h5netcdf")

    def recording(self, condition: str, seed: int) -> Recording:
        """Open the recording of one network; use it in a ``with`` block."""
        return Recording.open(self.folder / "recordings" / f"{condition}-{seed}.nc")

    @cache  # noqa: B019 - results live as long as the process that draws them
    def statistics(self, condition: str, seed: int, classes: str = "label") -> dict[str, Statistics]:
        """Return each layer's statistics on training examples, by default in labels trained towards."""
        with self.recording(condition, seed) as recording:
            how = {"held_out": False, "classes": classes, "window": self.settings["window"]}
            return measure(recording, **how)

    @cache  # noqa: B019
    def weight(self, condition: str, seed: int, layer: str) -> Floats:
        """Return the incoming weights of a layer's units: ``(n_units, n_inputs)``."""
        with self.recording(condition, seed) as recording:
            return recording[layer].weight_in

    @cache  # noqa: B019
    def alignment(self, condition: str, seed: int, layer: str) -> Alignment:
        """Return a layer's units turned to fire together, on training examples.

        Every other example in data set order is counted: the same ones for all networks of a seed.
        """
        with self.recording(condition, seed) as recording:
            return align(recording[layer].active(False))
