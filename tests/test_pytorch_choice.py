"""Which modules of a PyTorch model are recorded, and the models that cannot be."""

import pytest

import rote

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")
pytestmark = pytest.mark.torch
nn = torch.nn

NOTES = {"condition": "unknown", "seed": 0, "epoch": 0, "source": "drawn"}


@pytest.fixture(autouse=True)
def _fixed(rng):
    torch.set_num_threads(1)
    torch.manual_seed(int(rng.integers(2**31)))


def perceptron():
    return nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Dropout(), nn.Linear(6, 5), nn.GELU(), nn.Tanh())


def recording_of(model, inputs, **options):
    batches = [(inputs, torch.zeros(len(inputs), dtype=int))]
    return rote.record.record_torch(model, batches, **options, **NOTES)


def chosen(model, layers):
    with rote.record.torch(model, layers=layers) as recorder, torch.no_grad():
        model(torch.randn(3, 4))
    return recorder


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        (None, ("1", "4")),
        ("*", ("1", "4")),
        ("1", ("1",)),
        (["4", "1"], ("1", "4")),  # in the order in which the model calls them
        ("[0-3]", ("1",)),
        (["0", "[!1]"], ("0", "4")),
    ],
)
def test_layers_are_names_or_patterns_and_all_others_are_listed(layers, found):
    model = perceptron()
    recorder = chosen(model, layers)
    assert recorder.layers == found
    assert set(recorder.skipped) == set("012345") - set(found)
    assert recorder.skipped["5"] == "Tanh is not ReLU-like"
    if "4" not in found:
        assert recorder.skipped["4"] == f"not named by layers={layers!r}"


def test_a_recording_notes_how_it_came_about():
    attrs = recording_of(perceptron(), torch.randn(3, 4), unit="channel", attrs={"accuracy": 1.0}).attrs
    assert attrs["recorded_with"] == f"PyTorch {torch.__version__}, unit='channel', position_stride=1"
    assert attrs["not_recorded"].startswith(
        "0, 3 (Linear is not ReLU-like); 2 (Dropout is not ReLU-like)"
    )
    assert attrs["accuracy"] == 1


@pytest.mark.parametrize(
    ("module", "reason"),
    [
        (nn.Threshold(0.5, 1.0), "Threshold gives 1.0 below its threshold, which would count as active"),
        (nn.LeakyReLU(-0.1), r"LeakyReLU turns negative inputs into positive outputs \(slope -0.1\)"),
        (nn.PReLU(init=-0.5), r"PReLU turns negative inputs into positive outputs \(slope -0.5\)"),
        (nn.Hardtanh(), "Hardtanh goes from -1.0 up, not from 0"),
        (nn.Softplus(), "Softplus is not ReLU-like"),
    ],
)
def test_what_is_above_zero_for_other_inputs_is_not_relu_like(module, reason):
    with pytest.raises(ValueError, match=f"finds no ReLU-like module, only .*{reason}"):
        chosen(nn.Sequential(nn.Linear(4, 4), module), "*")


@pytest.mark.parametrize("parent", [nn.ReLU, nn.ReLU6, nn.GELU])
def test_a_subclass_that_computes_something_else_is_not_relu_like(parent):
    class Own(parent):
        def forward(self, x):
            return x.abs()

    class Named(parent):
        """Computes what its parent does."""

    model = nn.Sequential(nn.Linear(4, 4), Own(), Named(), nn.ReLU())
    model[3].forward = lambda x: x.abs()
    recorder = chosen(model, None)
    assert recorder.layers == ("2",)
    assert recorder.skipped["1"] == "Own has a forward of its own, which need not be ReLU-like"
    assert recorder.skipped["3"] == "ReLU has a forward of its own, which need not be ReLU-like"
    assert chosen(model, ["1", "2"]).layers == ("1", "2")  # in full, any module


@pytest.mark.parametrize(
    "module",
    [
        nn.ReLU(),
        nn.ReLU6(),
        nn.Hardtanh(0, 2),
        nn.Threshold(0.0, 0.0),
        nn.LeakyReLU(),
        nn.PReLU(),
        nn.RReLU(),
        nn.ELU(),
        nn.SELU(),
        nn.CELU(),
        nn.GELU(),
        nn.SiLU(),
        nn.Mish(),
        nn.Hardswish(),
    ],
)
@pytest.mark.parametrize("gradients", [torch.enable_grad, torch.inference_mode])
def test_a_relu_like_module_is_active_where_its_input_is_above_zero(module, gradients):
    model, inputs = nn.Sequential(nn.Linear(4, 50), module), torch.randn(9, 4)
    with gradients():
        recorder = rote.record.torch(model)
        with recorder:
            model(inputs)
    active = recorder.recording(label=[0] * 9, **NOTES)["1"].active()
    assert (active == (model[0](inputs) > 0).numpy()).all()


@pytest.mark.parametrize(
    ("layers", "error", "sentence"),
    [
        ("*rleu*", ValueError, r"'\*rleu\*' names no layer of the model"),
        (["1", "x"], ValueError, r"layers=\['1', 'x'\]: 'x' names no layer"),
        ([], TypeError, r"layers must be a name or pattern, or several of them, got \[\]"),
        ([1], TypeError, r"layers must be a name or pattern"),
    ],
)
def test_layers_that_name_nothing_are_named(layers, error, sentence):
    with pytest.raises(error, match=sentence):
        rote.record.torch(perceptron(), layers=layers)


def test_models_whose_modules_are_not_called_are_refused():
    compiled, inside = perceptron(), perceptron()
    compiled.compile()
    inside[1] = torch.compile(inside[1])
    with pytest.raises(ValueError, match=r"model is compiled by torch\.compile.* _orig_mod"):
        rote.record.torch(torch.compile(perceptron()))
    with pytest.raises(ValueError, match=r"part '1' of model is compiled by torch\.compile"):
        rote.record.torch(inside)
    with pytest.raises(ValueError, match="model is compiled in place"):
        rote.record.torch(compiled)
    with pytest.raises(ValueError, match=r"DataParallel, whose copies .* record its \.module"):
        rote.record.torch(nn.DataParallel(perceptron()))
    with pytest.raises(TypeError, match=r"model must be a torch\.nn\.Module, got function"):
        rote.record.torch(lambda x: x)


@pytest.mark.filterwarnings("ignore:Guards may run slower:RuntimeWarning")
@torch.no_grad()
def test_compiled_functions_run_uncompiled_while_they_are_recorded():
    """What ``torch.compile`` made of a function steps aside where every operation is watched."""
    model, inputs = perceptron().eval(), torch.randn(30, 4)
    with rote.record.torch(model) as plain:
        model(inputs)
    model.forward = torch.compile(model.forward, backend="aot_eager")
    model(inputs)  # is compiled by now
    with rote.record.torch(model) as compiled:
        model(inputs)
    due, found = (each.recording(label=[0] * 30, **NOTES) for each in (plain, compiled))
    assert found.layers == due.layers
    assert all((found[name].words() == due[name].words()).all() for name in due.layers)

    class Functional(nn.Module):
        """A rectifier inside of a compiled function."""

        def __init__(self):
            super().__init__()
            self.hidden, self.relu, self.out = nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 6)
            self.rectify = torch.compile(lambda x: nn.functional.relu(x), backend="aot_eager")

        def forward(self, x):
            return self.rectify(self.out(self.relu(self.hidden(x))))

    model = Functional()
    model(inputs)
    with (
        rote.record.torch(model),
        pytest.raises(ValueError, match=r"a rectifier \(relu\) ran as a func"),
    ):
        model(inputs)


@pytest.mark.parametrize(
    ("options", "error", "sentence"),
    [
        (
            {"keep": "all"},
            ValueError,
            "keep must be one of bits, float16, float32, statistics; got 'all'",
        ),
        ({"unit": "pixel"}, ValueError, "unit must be one of position, channel; got 'pixel'"),
        ({"position_stride": 0}, ValueError, "position_stride must be at least 1, got 0"),
        ({"seed": 1}, TypeError, "seed must be given to recording"),
        ({"path": "a.nc", "seed": 1}, TypeError, "condition"),
        ({"path": "a.nc", "keep": "statistics"}, ValueError, "keep='statistics' writes no file"),
        ({"path": "a.nc", **NOTES, "condition": "odd"}, ValueError, "condition must be one of"),
    ],
)
def test_impossible_options_are_named_at_once(options, error, sentence):
    with pytest.raises(error, match=sentence):
        rote.record.torch(perceptron(), **options)


def test_wrong_ends_of_a_recorder_are_named(tmp_path):
    model, inputs = perceptron(), torch.randn(3, 4)
    with rote.record.torch(model) as bits:
        model(inputs)
    with pytest.raises(
        ValueError, match=r"label must hold one value for each of the 3 examples .* got none"
    ):
        bits.recording(**NOTES)
    with pytest.raises(TypeError, match="keep='bits' keeps no statistics"):
        bits.statistics()
    with pytest.raises(ValueError, match="a recorder records once"), bits:
        pass
    with rote.record.torch(model, keep="statistics") as running:
        model(inputs)
    with pytest.raises(TypeError, match="keep='statistics' keeps no activity"):
        running.recording(label=[0] * 3, **NOTES)
    with rote.record.torch(model, path=tmp_path / "a.nc", **NOTES) as file:
        model(inputs)
    with pytest.raises(TypeError, match="epoch must be given together with path"):
        file.recording(label=[0] * 3, epoch=1)
    with pytest.raises(ValueError, match="keep must be one of bits, float16, float32; got 'statistics'"):
        rote.record.record_torch(model, [], keep="statistics", **NOTES)
    with pytest.raises(TypeError, match=r"missing 1 required positional argument: 'source'"):
        rote.record.record_torch(model, [], condition="unknown", seed=0, epoch=0)
    with pytest.raises(TypeError, match=r"batches must be pairs \(inputs, labels\), got Tensor"):
        rote.record.record_torch(model, [inputs], **NOTES)


def test_a_model_of_functional_relus_alone_is_told_what_to_do():
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(4, 4)

        def forward(self, inputs):
            return self.linear(inputs).relu()

    with pytest.raises(
        ValueError, match=r"only linear \(Linear is not ReLU-like\): .* nn\.ReLU\(\) in its"
    ):
        rote.record.torch(Functional())
    active = recording_of(model := Functional(), inputs := torch.randn(6, 4), layers="linear")[
        "linear"
    ].active()
    assert (active == (model(inputs) > 0).numpy()).all()
