"""PyTorch networks: what is recorded is what NumPy computes from their weights, wherever it is kept."""

import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import rote
from rote.activity.packing import pack

torch = pytest.importorskip("torch", reason="PyTorch is not installed: make test-torch")
pytestmark = pytest.mark.torch
fake_tensor = pytest.importorskip("torch._subclasses.fake_tensor", reason="PyTorch has moved it")
nn = torch.nn

NOTES = {"condition": "memorizing", "seed": 3, "epoch": 4, "source": "drawn"}


@pytest.fixture(autouse=True)
def _fixed(rng):
    torch.set_num_threads(1)  # these networks are small
    torch.manual_seed(int(rng.integers(2**31)))


def perceptron(*, inplace=False):
    return nn.Sequential(
        nn.Linear(8, 70), nn.ReLU(inplace), nn.Linear(70, 9), nn.ReLU(inplace), nn.Linear(9, 3)
    )


def convolutional():
    return nn.Sequential(
        nn.Conv2d(2, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(2),
        nn.Conv2d(4, 6, 3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(24, 5),
        nn.ReLU6(),
        nn.Linear(5, 3),
    ).eval()


def loader(inputs, labels, size=7):
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(inputs, labels), batch_size=size)


def numbers(tensor):
    return tensor.detach().numpy()


@pytest.mark.parametrize("inplace", [False, True])
@pytest.mark.parametrize("keep", ["bits", "float16", "float32"])
def test_a_perceptron_is_recorded_as_numpy_computes_it(keep, inplace):
    model, inputs, labels = perceptron(inplace=inplace), torch.randn(40, 8), torch.arange(40) % 3
    with rote.record.torch(model, keep=keep) as recorder:
        for batch, _ in loader(inputs, labels):
            model(batch)
    recording = recorder.recording(label=labels, **NOTES)
    due, precision = numbers(inputs), "float32" if keep == "bits" else keep
    for name, linear in (("1", model[0]), ("3", model[2])):
        due = np.maximum(due @ numbers(linear.weight).T + numbers(linear.bias), 0)
        assert (recording[name].active() == (due > 0)).all()
        activation = recording[name].activation()
        assert (activation is None) == (keep == "bits")
        if keep != "bits":
            assert activation == pytest.approx(due, rel=2 * float(np.finfo(precision).eps), abs=1e-6)
    assert (recording.label == np.arange(40) % 3).all()
    assert (recording.condition, recording.seed, recording.epoch) == ("memorizing", 3, 4)


@pytest.mark.parametrize("stride", [1, 2, 3, 20])
def test_a_unit_is_a_channel_at_a_position_or_a_channel(stride):
    model, images, labels = convolutional(), torch.randn(12, 2, 8, 8), torch.zeros(12, dtype=int)
    due = numbers(model[:3](images))  # (example, channel, row, column)
    first = min((stride - 1) // 2, 7)
    thinned = due[:, :, first::stride, first::stride]
    options = {"layers": "2", "position_stride": stride} | NOTES
    by_position = rote.record.record_torch(model, loader(images, labels), **options)["2"]
    by_channel = rote.record.record_torch(model, loader(images, labels), unit="channel", **options)["2"]
    assert (by_position.active() == (thinned.reshape(12, -1) > 0)).all()
    assert (by_channel.active() == (thinned > 0).any(axis=(2, 3))).all()
    assert by_channel.n_units == 4


def test_channels_of_sequences_are_the_last_axis_behind_a_linear():
    class Wide(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.relu, self.conv, self.last = (
                nn.Linear(5, 3),
                nn.ReLU(),
                nn.Conv1d(4, 6, 1),
                nn.ReLU(),
            )

        def forward(self, sequence):
            return self.last(self.conv(self.relu(self.linear(sequence))))

    sequences, model = torch.randn(10, 4, 5), Wide()
    batches = [(sequences, torch.zeros(10, dtype=int))]
    recording = rote.record.record_torch(model, batches, unit="channel", keep="float32", **NOTES)
    assert (recording["relu"].activation() == numbers(model.linear(sequences).relu().amax(1))).all()
    assert (recording["last"].activation() == numbers(model(sequences).amax(2))).all()


@pytest.mark.parametrize("n_units", [1, 63, 64, 65, 200])
def test_bits_are_packed_on_the_device_as_in_numpy(n_units):
    from rote.record.torch_units import pack_tensor

    active = torch.rand(33, n_units) < 0.3
    assert (pack_tensor(active) == pack(numbers(active))).all()
    assert (pack_tensor(active.T.contiguous().T) == pack(numbers(active))).all()


def test_rounding_silences_no_unit_and_hides_no_overflow():
    from rote.record.torch_units import rounded

    values = torch.tensor([1e-12, 0.0, -1e-12, 1.0, 1e6])
    kept = rounded(values, "float16")
    assert (kept > 0).tolist() == [True, False, False, True, True]
    assert kept[-1] == np.inf
    model = nn.Sequential(nn.Linear(1, 1, bias=False), nn.ReLU())
    with pytest.raises(
        ValueError, match="layer '1' must lie within 65504 of zero to be kept as float16, got 1e"
    ):
        _record(model, torch.full((2, 1), 1e6), keep="float16")


def _record(model, inputs, **options):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(1)
    return rote.record.record_torch(
        model, [(inputs, torch.zeros(len(inputs), dtype=int))], **options, **NOTES
    )


@pytest.mark.parametrize("keep", ["bits", "float16", "float32"])
def test_a_file_holds_what_memory_holds(keep, tmp_path):
    model, path = convolutional(), tmp_path / "a.nc"
    batches = loader(torch.randn(30, 2, 8, 8), torch.arange(30) % 4)
    held_out = np.arange(30) > 20
    memory = rote.record.record_torch(model, batches, keep=keep, held_out=held_out, **NOTES)
    disk = rote.record.record_torch(model, batches, keep=keep, held_out=held_out, path=path, **NOTES)
    assert disk.path == path
    with disk:
        assert memory.tree.identical(disk.tree.load())


def test_memory_stays_flat_with_a_file_and_grows_without(tmp_path):
    model, inputs = nn.Sequential(nn.Linear(4, 8192), nn.ReLU()), torch.randn(200, 4)

    def peak(n_batches, options):
        batches = ((inputs, torch.zeros(200, dtype=int)) for _ in range(n_batches))
        tracemalloc.start()
        rote.record.record_torch(model, batches, **options, **NOTES).close()
        return tracemalloc.get_traced_memory()[1], tracemalloc.stop()

    targets = {"file": {"path": tmp_path / "a.nc"}, "memory": {}}
    for options in targets.values():
        rote.record.record_torch(model, [(inputs, torch.zeros(200, dtype=int))], **options, **NOTES)
    grown = {name: peak(70, each)[0] - peak(20, each)[0] for name, each in targets.items()}
    assert grown["memory"] > 50 * 200 * 8192 / 8  # every bit is there
    assert grown["file"] < grown["memory"] / 10  # labels and order are: 8 bytes an example each, copied


def test_running_statistics_are_those_of_the_recording(monkeypatch):
    model = convolutional()
    batches = loader(torch.randn(50, 2, 8, 8), torch.arange(50) % 3)
    options = {"n_classes": 3, "window": 4}
    running = rote.record.measure_torch(model, batches, magnitudes=True, **options)
    recording = rote.record.record_torch(model, batches, keep="float32", **NOTES)
    for name, due in rote.measure(recording, window=4).items():
        for field in ("coactive_count", "class_active", "window_square", "magnitude_sum"):
            assert (getattr(running[name], field) == getattr(due, field)).all(), field
    monkeypatch.setattr("rote.record.torch_recorder.rounded", None)  # bits alone leave the device
    bits = rote.record.measure_torch(model, batches, pairs=False, **options)
    for name, due in running.items():
        assert (bits[name].window_histogram == due.window_histogram).all()
        assert (bits[name].coactive_count.size, bits[name].n_magnitudes) == (0, 0)
    assert rote.record.measure_torch(model, batches)["2"].n_classes == 0


def test_pairs_that_no_memory_holds_stop_the_first_pass(monkeypatch):
    """Units that are a channel at a position are many."""
    monkeypatch.setattr("rote.activity.room._memory", lambda: 1 << 18)
    model, words = convolutional(), r"layer '2': counts of all pairs of 256 units take 524,288 bytes, .*"
    with rote.record.torch(model, keep="statistics"), pytest.raises(ValueError, match=words):
        model(torch.randn(5, 2, 8, 8))
    batches = loader(torch.randn(5, 2, 8, 8), torch.zeros(5, dtype=int))
    statistics = rote.record.measure_torch(model, batches, pairs=False)
    assert statistics["2"].n_units == 256


def test_labels_may_come_before_or_after_their_batch():
    model = perceptron()
    with rote.record.torch(model, keep="statistics", n_classes=4) as recorder:
        recorder.label([0, 1])
        model(torch.randn(2, 8))
        model(torch.randn(3, 8))
        with pytest.raises(ValueError, match="got too few"):
            recorder.statistics()
        recorder.label(torch.tensor([2, 3, 3]))
    assert recorder.statistics()["1"].class_examples.tolist() == [1, 1, 1, 2]
    with rote.record.torch(model, keep="statistics", n_classes=4) as recorder:
        model(torch.randn(2, 8))
        with pytest.raises(ValueError, match="n_classes=4 needs labels of each batch"):
            model(torch.randn(2, 8))


def test_the_function_leaves_model_and_modes_as_they_were():
    model = convolutional().train()
    model[1].eval()
    before = {name: values.clone() for name, values in model.state_dict().items()}
    rote.record.record_torch(model, loader(torch.randn(9, 2, 8, 8), torch.zeros(9, dtype=int)), **NOTES)
    assert [module.training for module in model] == [True, False] + [True] * 8
    assert all((values == before[name]).all() for name, values in model.state_dict().items())


@pytest.mark.parametrize(
    ("keep", "leaves"),
    [
        ("bits", [(torch.uint8, (7, 8)), (torch.uint8, (7, 8))]),
        ("statistics", [(torch.uint8, (7, 8)), (torch.uint8, (7, 8))]),
        ("float16", [(torch.float16, (7, 36)), (torch.float16, (7, 30))]),
    ],
)
def test_outputs_are_reduced_where_they_lie(keep, leaves, monkeypatch):
    """A pretended GPU: tensors without values, which refuse to meet others on another device."""
    left = []
    monkeypatch.setattr(torch.Tensor, "cpu", lambda tensor: left.append(tensor) or tensor)
    monkeypatch.setattr(  # values that are looked at, and what arrives
        torch.Tensor, "numpy", lambda tensor: np.zeros(tensor.shape, str(tensor.dtype)[6:])
    )
    monkeypatch.setattr(fake_tensor.FakeTensor, "tolist", lambda tensor: [0.0, 1.0])
    monkeypatch.setattr(torch.Tensor, "__bool__", lambda tensor: False)
    options = {"n_classes": 2} if keep == "statistics" else {}
    with fake_tensor.FakeTensorMode():
        with torch.device("cuda"):
            model = nn.Sequential(
                nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 30), nn.ReLU(inplace=True)
            )
        inputs = torch.randn(7, 2, 8, 8, device="cuda")
        with rote.record.torch(model, keep=keep, position_stride=2, **options) as recorder:
            model(inputs)
            recorder.label(np.zeros(7, dtype=np.int64))
        assert [(tensor.dtype, tuple(tensor.shape)) for tensor in left] == leaves
        assert {tensor.device.type for tensor in left} == {"cuda"}
        with pytest.raises(Exception, match="cuda"):  # the pretence would tell
            model(inputs.to("cpu"))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gives_the_same_recording():
    model, images, labels = convolutional(), torch.randn(20, 2, 8, 8), torch.zeros(20, dtype=int)
    model.double()  # so that no unit lies within rounding of its threshold
    here = rote.record.record_torch(model, loader(images.double(), labels), **NOTES)
    there = rote.record.record_torch(model.cuda(), loader(images.double(), labels), **NOTES)
    assert all((here[name].words() == there[name].words()).all() for name in here.layers)


def test_recording_loads_pytorch_only_when_it_is_asked_for(tmp_path):
    code = (
        "import rote, sys; rote.record.torch; rote.record.Recording; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    assert Path(rote.__file__).parent.is_dir()
