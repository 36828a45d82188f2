"""Activity of scikit-learn's multilayer perceptrons, from their coefficients.

    h_0 = inputs,    h_l = max(0, h_(l-1) W_l + b_l)    for each hidden layer l

scikit-learn gives no hidden activations, so they are computed here; the output computed from them is
held against the model's own ``predict_proba`` or ``predict``, so that what is recorded is what it does.
"""

from importlib.metadata import version

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, softmax
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted

from .layers import LayerWeights
from .recording import Recording

AGREEMENT = 1e-4  # of outputs in single precision, relative to the largest
OUTPUTS = {
    "softmax": lambda score: softmax(score, axis=1),
    "logistic": expit,
    "identity": np.asarray,
    "exp": np.exp,
}


def sklearn(model: MLPClassifier | MLPRegressor, inputs: ArrayLike, **options: object) -> Recording:
    """Return the recording of the hidden layers ``relu1``, ``relu2``, … on ``inputs``.

    ``inputs`` are ``(n_examples, n_features)``, as for ``model.predict``; ``options``, ``label`` among
    them, are those of :meth:`~rote.record.recording.Recording.from_arrays`, weights excepted: they are
    taken along. Raises ``TypeError`` for another model, ``NotFittedError`` for one that was not
    fitted, and ``ValueError`` for an activation that is not "relu", for no hidden layer and for inputs
    of the wrong shape.
    """
    if not isinstance(model, MLPClassifier | MLPRegressor):
        raise TypeError(f"model must be an MLPClassifier or MLPRegressor, got {type(model).__name__}")
    if model.activation != "relu":
        raise ValueError(f"model must have activation='relu', got {model.activation!r}")
    check_is_fitted(model)
    if len(model.coefs_) < 2:
        raise ValueError("model must have a hidden layer, got hidden_layer_sizes=()")
    inputs = np.asarray(inputs)
    if inputs.ndim != 2 or inputs.shape[1] != model.n_features_in_:
        raise ValueError(
            f"inputs must have shape (n_examples, {model.n_features_in_}), got {inputs.shape}"
        )
    hidden = _hidden(model, inputs)
    _check_output(model, inputs, hidden[-1])
    names = [f"relu{number}" for number in range(1, len(hidden) + 1)]
    weights = [
        LayerWeights(weight_in=below.T, bias=bias, weight_out=above.T)
        for below, bias, above in zip(model.coefs_, model.intercepts_, model.coefs_[1:], strict=False)
    ]
    noted = {"recorded_with": f"scikit-learn {version('scikit-learn')}"}
    options["attrs"] = noted | dict(options.get("attrs") or {})
    return Recording.from_arrays(
        dict(zip(names, hidden, strict=True)), weights=dict(zip(names, weights, strict=True)), **options
    )


def _hidden(model: MLPClassifier | MLPRegressor, inputs: np.ndarray) -> list[np.ndarray]:
    """Return the activations of each hidden layer, ``(n_examples, n_units)``."""
    layers = [inputs]
    for weight, bias in zip(model.coefs_[:-1], model.intercepts_[:-1], strict=True):
        layers.append(np.maximum(layers[-1] @ weight + bias, 0))
    return layers[1:]


def _check_output(model: MLPClassifier | MLPRegressor, inputs: np.ndarray, last: np.ndarray) -> None:
    """Raise ``ValueError`` unless the model's own output is the one that follows from ``last``."""
    score = last @ model.coefs_[-1] + model.intercepts_[-1]
    computed = OUTPUTS[model.out_activation_](score)
    classifies = isinstance(model, MLPClassifier)
    said = model.predict_proba(inputs) if classifies else model.predict(inputs)
    if computed.shape[1] == 1 and classifies:
        computed = np.hstack([1 - computed, computed])
    apart = np.abs(computed - said.reshape(computed.shape)).max()
    if not apart <= AGREEMENT * max(1, np.abs(computed).max()):
        raise ValueError(
            f"model must give the output that follows from its coefs_ and intercepts_, got outputs "
            f"{apart:.2g} apart: is it a subclass with a forward pass of its own?"
        )
