"""Words that every layer of the package uses alike."""

CONDITIONS = ("initialized", "generalizing", "memorizing")
"""How a network came about: not trained, trained on true labels, trained on random labels."""

CLASSES = ("label", "true_label")
"""Which labels make the classes: those trained towards, or the true ones."""

RARE = 0.05
"""Rate below which a unit counts as rare."""
