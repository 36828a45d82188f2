"""The weights that are taken along with the layers of a PyTorch model: those around each unit."""

import numpy as np
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


def recording_of(model, inputs, **options):
    batches = [(inputs, torch.zeros(len(inputs), dtype=int))]
    return rote.record.record_torch(model, batches, **options, **NOTES)


def test_weights_of_a_perceptron_are_taken_along():
    model = nn.Sequential(
        nn.Linear(4, 6),
        nn.BatchNorm1d(6),
        nn.ReLU(),
        nn.Linear(6, 5, bias=False),
        nn.ReLU(),
        nn.Linear(5, 3),
    )
    recording = recording_of(model, torch.randn(8, 4))
    for name, below, above in (("2", model[0], model[3]), ("4", model[3], model[5])):
        layer = recording[name]
        assert (layer.weight_in == below.weight.detach().numpy()).all()
        assert (layer.weight_out == above.weight.detach().numpy()).all()
        assert (layer.bias is None) == (below.bias is None)
    assert (recording["2"].bias == model[0].bias.detach().numpy()).all()


def test_weights_of_channels_are_those_of_their_kernels():
    model = nn.Sequential(
        nn.Conv2d(2, 3, 2),
        nn.ReLU(True),
        nn.MaxPool2d(2),
        nn.Conv2d(3, 4, 2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(16, 2),
    )
    images = torch.randn(5, 2, 7, 7)
    first, second = (recording_of(model, images, unit="channel")[name] for name in "14")
    kernel, above = model[3].weight.detach().numpy(), model[6].weight.detach().numpy()
    assert (first.weight_in == model[0].weight.detach().numpy().reshape(3, -1)).all()
    assert (first.weight_out.reshape(4, 2, 2, 3) == np.moveaxis(kernel, 1, 3)).all()
    assert (second.weight_out.reshape(2, 2, 2, 4) == np.moveaxis(above.reshape(2, 4, 2, 2), 1, 3)).all()
    by_position = recording_of(model, images)
    assert (by_position["4"].weight_out == above).all()
    assert set(by_position["1"].parts) == {"active_words"}
    assert recording_of(model, images, position_stride=2)["4"].weight_out is None


def test_weights_that_cannot_be_told_are_left_out():
    class Residual(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.relu, self.last, self.end = (
                nn.Linear(4, 4),
                nn.ReLU(),
                nn.ReLU(),
                nn.Linear(4, 2),
            )

        def forward(self, inputs):
            inner = self.relu(self.linear(inputs))
            return self.end(self.last(inner + inputs)) + self.end(inner)

    recording = recording_of(Residual(), torch.randn(6, 4))
    assert set(recording["relu"].parts) == {"active_words", "weight_in", "bias", "weight_out"}
    assert set(recording["last"].parts) == {"active_words", "weight_out"}


@pytest.mark.parametrize("unit", ["position", "channel"])
def test_weights_that_read_another_order_of_units_are_left_out(unit):
    flat = nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 2))
    assert recording_of(flat, torch.randn(6, 4, 5), unit=unit)["1"].weight_out is None
    along = nn.Sequential(nn.Conv1d(2, 3, 1), nn.ReLU(), nn.Linear(6, 2))  # reads positions
    assert recording_of(along, torch.randn(6, 2, 6), unit=unit)["1"].weight_out is None


class Between(nn.Module):
    """A weighted module, a ReLU and a weighted module, with something between each two."""

    def __init__(self, below, above, *, before=lambda x: x, behind=lambda x: x):
        super().__init__()
        self.below, self.relu, self.above = below, nn.ReLU(), above
        self.before, self.behind = before, behind

    def forward(self, inputs):
        return self.above(self.behind(self.relu(self.before(self.below(inputs)))))


def shuffled(x):
    return x.view(len(x), 2, x.shape[1] // 2, *x.shape[2:]).transpose(1, 2)


def perceptron_around(**between):
    return Between(nn.Linear(3, 6), nn.Linear(6, 2), **between), torch.randn(5, 3)


def convolutions_around(**between):
    return Between(nn.Conv2d(2, 6, 1), nn.Conv2d(6, 3, 1), **between), torch.randn(5, 2, 6, 6)


SHUFFLES = {
    "reshape": lambda x: shuffled(x).reshape(x.shape),
    "contiguous": lambda x: shuffled(x).contiguous().view(x.shape),
    "clone": lambda x: shuffled(x).clone(memory_format=torch.contiguous_format).view(x.shape),
    "flatten": lambda x: shuffled(x).flatten(1).view(x.shape),
}
GRADIENTS = [torch.enable_grad, torch.no_grad, torch.inference_mode]


def parts_of(around, gradients, **between):
    model, inputs = around(**between)
    with gradients(), rote.record.torch(model, unit="channel") as recorder:
        model(inputs)
    return recorder.recording(label=[0] * 5, **NOTES)["relu"].parts.keys() - {"active_words"}


@pytest.mark.parametrize("around", [perceptron_around, convolutions_around])
@pytest.mark.parametrize("kind", SHUFFLES)
@pytest.mark.parametrize("gradients", GRADIENTS)
def test_weights_on_the_other_side_of_a_shuffle_are_left_out(around, kind, gradients):
    shuffle = SHUFFLES[kind]
    assert parts_of(around, gradients) == {"weight_in", "bias", "weight_out"}
    assert parts_of(around, gradients, before=shuffle) == {"weight_out"}
    assert parts_of(around, gradients, behind=shuffle) == {"weight_in", "bias"}


@pytest.mark.parametrize("gradients", GRADIENTS)
def test_weights_behind_other_changes_of_axes_are_left_out_too(gradients):
    sides = {"weight_in", "bias"}
    turned = {"behind": lambda x: x.transpose(1, 2)}  # as many places as channels
    assert parts_of(convolutions_around, gradients, **turned) == sides
    assert parts_of(convolutions_around, gradients, before=turned["behind"]) == {"weight_out"}
    averaged = {"behind": lambda x: x.mean(1, keepdim=True).expand(-1, 6, -1, -1).mean(1).flatten(1)}

    def over_channels(**between):
        return Between(nn.Conv2d(2, 6, 1), nn.Linear(36, 3), **between), torch.randn(5, 2, 6, 6)

    assert parts_of(over_channels, gradients, **averaged) == sides
    assert parts_of(over_channels, gradients, behind=lambda x: x.mean(1).flatten(1)) == sides


@pytest.mark.parametrize("gradients", GRADIENTS)
def test_weights_behind_the_same_numbers_in_other_memory_are_kept(gradients):
    both = {"weight_in", "bias", "weight_out"}
    last = {"memory_format": torch.channels_last}
    assert parts_of(convolutions_around, gradients, before=lambda x: x.to(**last)) == both
    assert parts_of(convolutions_around, gradients, behind=lambda x: x.contiguous(**last)) == both

    def pooled(**between):
        return Between(nn.Conv2d(2, 6, 1), nn.Linear(6, 3), **between), torch.randn(5, 2, 6, 6)

    assert parts_of(pooled, gradients, behind=lambda x: x.mean((2, 3))) == both
    assert (
        parts_of(pooled, gradients, behind=lambda x: x.mean((-2, -1), keepdim=True).flatten(1)) == both
    )

    def flat(**between):
        model = Between(nn.Conv2d(2, 6, 1), nn.Linear(216, 3), behind=lambda x: x.flatten(1))
        return model.to(**last), torch.randn(5, 2, 6, 6).to(**last)

    assert parts_of(flat, gradients) == both


def test_weights_are_those_of_the_first_pass_however_the_model_learns_on():
    model, inputs = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)), torch.randn(6, 4)
    before = model[0].weight.detach().clone().numpy()
    with rote.record.torch(model) as recorder:
        model(inputs)
    with torch.no_grad():
        model[0].weight.add_(1)
    recording = recorder.recording(label=[0] * 6, **NOTES)
    assert (recording["1"].weight_in == before).all()


def test_transformers_need_their_relu_as_a_module():
    batches = [(torch.randn(4, 3, 8), torch.zeros(4, dtype=int))]
    functional = nn.Sequential(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), nn.ReLU())
    sentence = r"a rectifier \(relu\) ran as a function in the forward of '0'"
    with pytest.raises(ValueError, match=sentence):
        rote.record.record_torch(functional, batches, **NOTES)
    model = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation=nn.ReLU())
    layer = rote.record.record_torch(model, batches, unit="channel", **NOTES)["activation"]
    assert layer.n_units == 16
    assert (layer.weight_in == model.linear1.weight.detach().numpy()).all()
