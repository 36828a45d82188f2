"""What a PyTorch model does behind its modules' backs stops the recording, with a sentence."""

import contextlib

import numpy as np
import pytest

import rote

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")
pytestmark = pytest.mark.torch
nn, functional = torch.nn, torch.nn.functional

NOTES = {"condition": "unknown", "seed": 0, "epoch": 0, "source": "drawn"}
GRADIENTS = [torch.enable_grad, torch.no_grad, torch.inference_mode]


@pytest.fixture(autouse=True)
def _fixed(rng):
    torch.set_num_threads(1)
    torch.manual_seed(int(rng.integers(2**31)))


class Network(nn.Module):
    """Two Linear layers; ``between`` and ``behind`` are what is done after each."""

    def __init__(self, between=None, behind=None):
        super().__init__()
        self.first, self.second = nn.Linear(5, 5), nn.Linear(5, 5)
        self.relu, self.other = nn.ReLU(), nn.ReLU(inplace=True)
        self.between = between or (lambda model, x: model.relu(x))
        self.behind = behind or (lambda model, x: model.other(x))

    def forward(self, inputs):
        return self.behind(self, self.second(self.between(self, self.first(inputs))))


def hooks_of(model):
    return [h for m in model.modules() for h in (*m._forward_hooks, *m._forward_pre_hooks)]


def recorded(model, *inputs, **options):
    with rote.record.torch(model, **options) as recorder:
        for batch in inputs:
            model(batch)
    return recorder


RECTIFIERS = {
    "relu": lambda model, x: functional.relu(x),
    "relu_": lambda model, x: x.relu_(),
    "relu in place": lambda model, x: functional.relu(x, inplace=True),
    "torch.relu": lambda model, x: torch.relu(x),
    "clamp": lambda model, x: x.clamp(min=0),
    "clamp_min_": lambda model, x: x.clamp_min_(0),
    "maximum": lambda model, x: torch.maximum(x, torch.tensor(0.0)),
    "maximum, zeros": lambda model, x: torch.maximum(x, torch.zeros_like(x)),
    "maximum, turned": lambda model, x: torch.maximum(torch.tensor(0.0), x),
    "fmax": lambda model, x: torch.fmax(x, torch.zeros_like(x)),
    "max": lambda model, x: torch.max(x, torch.zeros_like(x)),
    "max, one": lambda model, x: torch.max(x, torch.tensor(0.0)),
    "minimum": lambda model, x: -torch.minimum(-x, torch.zeros_like(x)),
    "min": lambda model, x: -torch.min(torch.tensor(0), -x),
    "fmin": lambda model, x: -torch.fmin(-x, torch.zeros(5)),
    "clamp next to zero": lambda model, x: x.clamp(min=1e-12),
    "clamp at zeros": lambda model, x: x.clamp(min=torch.zeros_like(x)),
    "clamp from above": lambda model, x: -torch.clamp(-x, max=0),
    "clamp_max_": lambda model, x: -(-x).clamp_max_(0),
    "relu6": lambda model, x: functional.relu6(x),
    "leaky_relu": lambda model, x: functional.leaky_relu(x),
    "elu": lambda model, x: functional.elu(x),
    "gelu": lambda model, x: functional.gelu(x),
    "silu": lambda model, x: functional.silu(x),
    "threshold": lambda model, x: functional.threshold(x, 0, 0),
    "prelu": lambda model, x: functional.prelu(x, torch.tensor([0.1])),
}


@pytest.mark.parametrize("kind", RECTIFIERS)
@pytest.mark.parametrize("gradients", GRADIENTS)
def test_a_functional_rectifier_stops_the_recording(kind, gradients):
    model = Network(behind=RECTIFIERS[kind])
    sentence = r"a rectifier \(\w+\) ran as a function in the forward of the model \(Network\).* nn.ReLU"
    with gradients(), pytest.raises(ValueError, match=sentence):
        recorded(model, torch.randn(4, 5))
    assert hooks_of(model) == []


@pytest.mark.parametrize(
    "harmless",
    [
        lambda model, x: functional.normalize(x),  # clamps its norm above 1e-12
        lambda model, x: x.clamp(min=-1),
        lambda model, x: x.clamp(-1, 1),
        lambda model, x: x.square().clamp(min=1e-12).log().clamp(max=80),
        lambda model, x: x.softmax(1).log().clamp(max=-1e-12),
        lambda model, x: (
            x + (torch.arange(-2, 3).clamp(min=0) + torch.arange(-2, 3).min(torch.tensor(0)))
        ),
        lambda model, x: torch.maximum(x.square(), torch.zeros_like(x)),
        lambda model, x: torch.maximum(x, x.flip(1)) + x.max(0).values + x.min(),
        lambda model, x: torch.sigmoid(x),
        lambda model, x: x + 1,
        lambda model, x: x.add_(1),
    ],
)
@pytest.mark.parametrize("gradients", GRADIENTS)
def test_what_rectifies_nothing_is_let_pass(harmless, gradients):
    with gradients():
        recorder = recorded(Network(behind=harmless), torch.randn(4, 5))
    assert recorder.layers == ("relu",)
    assert recorder.skipped["other"] == "never called"


def test_the_error_says_where_and_its_advice_helps():
    block = Network(behind=RECTIFIERS["relu"])
    model, inputs = nn.Sequential(block, nn.Linear(5, 5)), torch.randn(20, 5)
    with pytest.raises(ValueError, match=r"in the forward of '0' \(Network\)"):
        recorded(model, inputs)
    block.behind = lambda model, x: model.other(x)  # the advice: a module in its place
    recording = recorded(model, inputs).recording(label=np.zeros(20, int), **NOTES)
    assert (recording["0.other"].active() == (block(inputs) > 0).numpy()).all()
    block.behind = RECTIFIERS["relu"]  # the other advice: what is asked for, in full
    recorder = recorded(model, inputs, layers=["0.relu", "0.second"])
    recording = recorder.recording(label=np.zeros(20, int), **NOTES)
    assert (recording["0.second"].active() == (block(inputs) > 0).numpy()).all()
    assert recorder.skipped["0 (relu)"] == "a function, not a module"


def test_rectifiers_of_the_body_and_of_a_recorded_module_are_their_own():
    class Own(nn.Module):
        def forward(self, x):
            return functional.relu(x)

    model = nn.Sequential(nn.Linear(5, 5), Own(), nn.ReLU())
    with pytest.raises(ValueError, match=r"in the forward of '1' \(Own\)"):
        recorded(model, torch.randn(4, 5))
    with rote.record.torch(model, layers=["1", "*"]) as recorder:
        functional.relu(model(torch.randn(4, 5)) - 1)
    assert recorder.layers == ("1", "2")


@pytest.mark.parametrize("gradients", GRADIENTS)
def test_a_module_used_twice_stops_the_recording(gradients):
    model = Network(behind=lambda model, x: model.relu(x))
    with (
        gradients(),
        pytest.raises(ValueError, match=r"'relu' \(ReLU\) was called twice in one pass .* own"),
    ):
        recorded(model, torch.randn(4, 5))
    model.other = model.relu  # one module under two names
    model.behind = lambda model, x: model.other(x)
    with gradients(), pytest.raises(ValueError, match=r"'relu' .* was called twice"):
        recorded(model, torch.randn(4, 5))


@pytest.mark.parametrize("gradients", GRADIENTS)
@pytest.mark.parametrize(
    "overwrite",
    [
        lambda x: x.add_(1),
        lambda x: x.flatten(1).mul_(2),
        lambda x: functional.dropout(x, 0.5, training=True, inplace=True),
        lambda x: torch.add(x.detach(), 1, out=x.detach()),
    ],
)
def test_an_output_overwritten_stops_the_recording(overwrite, gradients):
    model = Network(between=lambda model, x: overwrite(model.relu(x)))
    with (
        gradients(),
        pytest.raises(ValueError, match=r"output of layer 'relu' was overwritten .*aten\."),
    ):
        recorded(model, torch.randn(4, 5))


def test_another_shape_of_an_output_is_no_overwriting():
    model = Network(between=lambda model, x: model.relu(x).unsqueeze_(0).squeeze_(0))
    assert recorded(model, torch.randn(4, 5)).layers == ("relu", "other")


def test_what_stops_a_scripted_function_is_said_as_clearly():
    scripted = torch.jit.CompilationUnit(
        "def half(x):\n    return x / 2\n\ndef bent(x):\n    return x.relu()\n"
    )
    assert recorded(Network(behind=lambda model, x: scripted.half(x)), torch.randn(4, 5)).n_examples == 4
    with pytest.raises(ValueError, match=r"a rectifier \(relu\) ran as a function in the forward of"):
        recorded(Network(behind=lambda model, x: scripted.bent(x)), torch.randn(4, 5))


def test_an_error_swallowed_by_the_body_comes_back():
    model = Network(behind=RECTIFIERS["relu"])
    with rote.record.torch(model) as recorder, contextlib.suppress(ValueError):
        model(torch.randn(4, 5))
    with pytest.raises(ValueError, match="a rectifier"):
        recorder.recording(label=[0] * 4, **NOTES)


def test_hooks_go_and_files_stay_when_the_body_raises(tmp_path):
    model, path = Network(), tmp_path / "a.nc"
    path.write_text("earlier")

    recorder = rote.record.torch(model, path=path, **NOTES)

    def interrupted():
        with recorder:
            model(torch.randn(4, 5))
            assert recorder.n_examples == 4
            assert len(hooks_of(model)) == 2 * len(list(model.modules()))
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        interrupted()
    assert hooks_of(model) == []
    assert [file.name for file in tmp_path.iterdir()] == ["a.nc"]
    assert path.read_text() == "earlier"
    with pytest.raises(ValueError, match=r"a\.nc was not written: the block that recorded ended with"):
        recorder.recording(label=[0] * 4)


def test_a_pass_that_breaks_off_leaves_nothing():
    def fail_once(model, x):
        if len(x) == 3:
            raise RuntimeError("broken")
        return model.other(x)

    model, inputs = Network(behind=fail_once), torch.randn(5, 5)
    with rote.record.torch(model) as recorder:
        with pytest.raises(RuntimeError, match="broken"):
            model(torch.randn(3, 5))
        model(inputs)
    recording = recorder.recording(label=[0] * 5, **NOTES)
    assert (recording["other"].active() == (model(inputs) > 0).numpy()).all()


def test_what_the_first_axis_means_is_held_against_the_inputs():
    folded = nn.Sequential(nn.Flatten(0, 1), nn.Linear(5, 5), nn.ReLU())
    with pytest.raises(ValueError, match=r"for 4 examples, got shape \(12, 5\)"):
        recorded(folded, torch.randn(4, 3, 5))
    with pytest.raises(ValueError, match=r"two axes or more, .* got shape \(5,\)"):
        recorded(Network(), torch.randn(5))


def test_passes_that_differ_stop_the_recording():
    def sometimes(model, x):
        return model.other(x) if len(x) == 4 else x

    model = Network(behind=sometimes)
    with pytest.raises(ValueError, match="must call the same layers, got another choice of other"):
        recorded(model, torch.randn(4, 5), torch.randn(3, 5))
    model = nn.Sequential(nn.Conv1d(1, 2, 1), nn.ReLU())
    with pytest.raises(ValueError, match="as many units for every input, got 8 behind 6"):
        recorded(model, torch.randn(2, 1, 3), torch.randn(2, 1, 4))


def test_activations_that_are_no_numbers_are_named():
    with pytest.raises(ValueError, match="layer 'relu' must be finite, got nan"):
        recorded(Network(), torch.full((4, 5), float("nan")))


def test_nothing_recorded_is_an_error_and_so_is_a_part_called_alone():
    model = nn.Sequential(Network(), nn.ReLU())
    with rote.record.torch(model) as recorder:
        pass
    with pytest.raises(ValueError, match="nothing was recorded: call the model itself"):
        recorder.recording(label=[0], **NOTES)
    with (
        pytest.raises(ValueError, match=r"'0.relu' was called outside of a call of the model"),
        rote.record.torch(model),
    ):
        model[0](torch.randn(4, 5))
