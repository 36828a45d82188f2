"""What forward passes of a PyTorch model really did, held against what its modules say.

Hooks on every module tell where in the model the computation is, a dispatch mode sees every operation
that is carried out, whoever asked for it. So three things that would make a recording wrong are seen
while they happen, and stop it with a sentence:

    a rectifier run outside of a ReLU-like module (``F.relu``, ``x.relu_()``, ``x.clamp(min=0)``,
    ``torch.maximum(x, zeros)``, ``-torch.clamp(-x, max=0)``, …)
    a module called twice in one pass, whose two activities would fall on one name
    a recorded output overwritten in place after it was recorded

A bound within ``TINY`` of zero, such as that of a norm it is divided by, rectifies what has numbers on
both sides of zero. What is not seen is a rectifier spelled out in other operations, such as
``torch.where(x > 0, x, 0)``.
"""

from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import NoReturn

import numpy as np
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode

from .torch_modules import RELU_LIKE, is_relu_like
from .torch_wiring import Wiring, storage_of

ALWAYS = (
    "relu relu6 threshold leaky_relu prelu _prelu_kernel rrelu rrelu_with_noise elu selu celu gelu silu "
    "mish hardswish rnn_relu rnn_relu_cell _addmm_activation _transformer_encoder_layer_fwd"
)
RECTIFIERS = frozenset(ALWAYS.split(" "))
CLAMPS = frozenset(("clamp", "clamp_min", "clamp_max", "clip", "hardtanh"))  # at zero, that is
PAIRS = frozenset(("maximum", "fmax", "max", "minimum", "fmin", "min"))  # of which one is zero
TINY = 1e-6


class ForwardWatch(TorchDispatchMode):
    """Watches a model while it is entered, and hands what its passes gave to ``end``.

    ``reduce(name, output, channel_axis)`` says what is kept of the output of each module of
    ``recorded``; ``end`` takes all that was kept in a pass, by name, unless the pass broke off.
    Functional rectifiers stop the pass, or are noted in ``functional`` where ``tolerant``.
    """

    def __init__(
        self,
        model: nn.Module,
        recorded: Mapping[str, nn.Module],
        *,
        reduce: Callable[[str, torch.Tensor, int], np.ndarray],
        end: Callable[[dict[str, np.ndarray]], None],
        tolerant: bool,
    ) -> None:
        super().__init__()
        self._model, self._reduce, self._end, self._tolerant = model, reduce, end, tolerant
        self._names = {module: name for name, module in model.named_modules()}
        self._recorded = {module: name for name, module in recorded.items()}
        self._handles: list[torch.utils.hooks.RemovableHandle] = []
        self._path: list[nn.Module] = []  # the modules being called, the model first
        self._outputs: dict[int, tuple[StorageWeakRef, str]] = {}  # of this pass, by storage
        self._batch: dict[str, np.ndarray] = {}  # of this pass, by layer
        self._n_examples: int | None = None
        self.functional: dict[str, str] = {}
        self.fault: Exception | None = None
        self.wiring = Wiring(self._recorded)

    def __enter__(self) -> "ForwardWatch":
        for module in self._names:
            self._handles.append(module.register_forward_pre_hook(self._before, with_kwargs=True))
            self._handles.append(module.register_forward_hook(self._after))
        return super().__enter__()

    def __exit__(self, *exception: object) -> None:
        try:
            super().__exit__(*exception)
        finally:
            for handle in self._handles:
                handle.remove()
            self._handles.clear()

    def _before(self, module: nn.Module, inputs: tuple, keywords: Mapping[str, object]) -> None:
        tensors = [each for each in (*inputs, *keywords.values()) if isinstance(each, torch.Tensor)]
        if module is self._model:
            self._path.clear()
            self._outputs.clear()
            self._batch = {}
            self.wiring.begin()
            self._n_examples = tensors[0].shape[0] if tensors and tensors[0].ndim else None
        elif not self._running() and module in self._recorded:
            self._stop(
                f"layer {self._recorded[module]!r} was called outside of a call of the model: call "
                "model(inputs), or record that part of the model which is called"
            )
        self._path.append(module)
        if tensors:
            self.wiring.enters(module, tensors[0])

    def _after(self, module: nn.Module, inputs: tuple, output: object) -> None:
        while self._path and self._path.pop() is not module:
            pass  # left by an exception that the model itself caught
        if module in self._recorded:
            self._record(module, self._recorded[module], output)
        if isinstance(output, torch.Tensor):
            self.wiring.leaves(module, output)
        if module is self._model and self._batch:
            self.wiring.end()
            self._guarded(self._end, self._batch)

    def _running(self) -> bool:
        """Whether a pass of the model is under way, and not one of its parts called alone."""
        return bool(self._path) and self._path[0] is self._model

    def _record(self, module: nn.Module, name: str, output: object) -> None:
        kind = type(module).__name__
        if name in self._batch:
            self._stop(
                f"layer {name!r} ({kind}) was called twice in one pass of the model, the second time "
                f"{self._where()}, and the two cannot be told apart: give each place a {kind} of its "
                "own, or record other layers"
            )
        if not isinstance(output, torch.Tensor) or output.layout != torch.strided or output.is_nested:
            self._stop(f"layer {name!r} must give a dense tensor, got {type(output).__name__}")
        if output.ndim < 2 or (self._n_examples or output.shape[0]) != output.shape[0]:
            self._stop(
                f"layer {name!r} must have an output with the example as its first of two axes or more, "
                f"for {self._n_examples} examples, got shape {tuple(output.shape)}: keep other axes "
                "behind the example's"
            )
        if isinstance(module, RELU_LIKE):
            self._outputs[storage_of(output)] = StorageWeakRef(output.untyped_storage()), name
        self._n_examples = output.shape[0]
        self._batch[name] = self._guarded(self._reduce, name, output.detach(), self.wiring.channel_axis)

    def _guarded[**P, R](self, call: Callable[P, R], *args: P.args) -> R:
        """Return ``call(*args)``, and remember an error that the body of the block may swallow."""
        try:
            return call(*args)
        except (OSError, TypeError, ValueError) as error:
            self.fault = error
            raise

    def __torch_dispatch__(
        self, func: object, types: Collection, args: tuple = (), kwargs: Mapping | None = None
    ) -> object:
        kwargs = kwargs or {}
        written = []
        if running := self._running():
            if _rectifies(func, args, kwargs) and not any(map(self._accounted_for, self._path)):
                self._found_functional(func)
            written = [_storage(args, kwargs, index, name) for index, name in _written(func)]
            for storage in written:
                if storage in self._outputs:
                    self._stop(
                        f"the output of layer {self._outputs[storage][1]!r} was overwritten after it "
                        f"was recorded ({func} {self._where()}), and the model went on with other "
                        "numbers: write x = x + y for x += y, or take inplace=False"
                    )
        result = func(*args, **kwargs)
        if running:
            self.wiring.runs(func.overloadpacket.__name__, args, result, written)
        return result

    def _accounted_for(self, module: nn.Module) -> bool:
        return module in self._recorded or is_relu_like(module)

    def _found_functional(self, func: object) -> None:
        name = func.overloadpacket.__name__
        if self._tolerant:
            where = self._names[self._path[-1]] or "model"
            self.functional[f"{where} ({name})"] = "a function, not a module"
            return
        self._stop(
            f"a rectifier ({name}) ran as a function {self._where()}, where no module can be recorded: "
            "put an nn.ReLU() (or its like) into __init__ and call that instead, one for each place; or "
            "name the layers to record in full, if those are all that is asked for"
        )

    def _where(self) -> str:
        module = self._path[-1] if self._path else self._model
        name = self._names[module]
        return f"in the forward of {f'{name!r} ' if name else 'the model '}({type(module).__name__})"

    def _stop(self, sentence: str) -> NoReturn:
        self.fault = ValueError(sentence)
        raise self.fault


def _rectifies(func: object, args: tuple, kwargs: Mapping) -> bool:
    name = func.overloadpacket.__name__.removesuffix("_")
    if name in CLAMPS:
        bounds = (*args[1:3], kwargs.get("min"), kwargs.get("max"))
        return any(_cuts(args[0], bound) for bound in bounds)
    if name in PAIRS and len(args) > 1 and isinstance(args[1], torch.Tensor):
        lost = torch.gt if "min" in name else torch.lt  # two rectified ones lose nothing, silent or not
        pairs = (args[:2], args[1::-1])
        return any(_cuts(one, other) and bool(lost(one, 0).any()) for one, other in pairs)
    return name in RECTIFIERS


def _cuts(numbers: torch.Tensor, bound: torch.Tensor | float | None) -> bool:
    """Whether ``bound`` cuts ``numbers`` off at zero, or next to zero with some of them on each side."""
    if bound is None or not numbers.is_floating_point():
        return False  # whole numbers are places and lengths
    if isinstance(bound, torch.Tensor):
        if storage_of(bound) is None or not bound.numel():
            return False
        bound = bound.detach().float().abs().max().item()
    if bound == 0 or not abs(bound) <= TINY:
        return bound == 0
    return storage_of(numbers) is not None and bool((numbers < 0).any() and (numbers > 0).any())


@cache
def _written(func: object) -> tuple[tuple[int, str], ...]:
    """Return position and name of the arguments whose numbers ``func`` overwrites."""
    if torch.Tag.inplace_view in func.tags:
        return ()  # another shape of the same numbers
    return tuple(
        (index, argument.name)
        for index, argument in enumerate(func._schema.arguments)
        if argument.alias_info is not None and argument.alias_info.is_write
    )


def _storage(args: tuple, kwargs: Mapping, index: int, name: str) -> int | None:
    return storage_of(args[index] if index < len(args) else kwargs.get(name))
