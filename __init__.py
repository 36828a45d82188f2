"""Did this network learn, or did it memorize? Rote tells from how its units fire.

Draws correlated activation processes of synthetic layers, predicts what they do, fits the same models
to recorded activations, and tests the difference between learning and memorizing.
"""

from .activity.lazy import lazy_names

__version__ = "0.1.0"
__all__ = ["__version__", "figures", "inference", "measure", "record", "simulate", "validate"]

_LAYERS = ("activity", "simulate", "record", "inference", "validate", "figures")
__getattr__, __dir__ = lazy_names(__name__, {name: name for name in _LAYERS})


def measure(source: object, **options: object) -> object:
    """Measure activity, drawn or recorded.

    An array of booleans, ``(n_examples, n_units)``, gives :class:`rote.activity.Statistics`, a
    recording one for each layer, by its name. Options and errors are those of
    :func:`rote.activity.measure` and :func:`rote.record.measure`.
    """
    if hasattr(source, "layers"):
        from .record.measures import measure as measure_recording

        return measure_recording(source, **options)
    from .activity.measurement import measure as measure_array

    return measure_array(source, **options)
