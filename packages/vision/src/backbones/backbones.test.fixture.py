"""Writes backbones.test.fixture.json: features, logits and gradients of torchvision's networks at made-up weights.

Weights are not random numbers of torch but follow a formula of a tensor's name and the place of each number in it, which the test
knows too: so the fixture holds no weights.

    python3 -m venv .venv && .venv/bin/pip install torch torchvision
    .venv/bin/python packages/vision/src/backbones.test.fixture.py
"""

import json
from pathlib import Path

import numpy
import torch
from torchvision import models

CLASSES = 5
SIZE = (2, 3, 64, 96)
KEPT = 40


def hashed(name):
    """FNV-1a of the name's bytes, 32 bits."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def noise(name, count):
    """Numbers from -1 to 1: the name and the place, mixed by integer arithmetic."""
    x = (numpy.arange(count, dtype=numpy.uint64) * 2654435761 + hashed(name)) % 2**32
    x = ((x ^ (x >> 16)) * 73244475) % 2**32
    x = ((x ^ (x >> 16)) * 73244475) % 2**32
    x = x ^ (x >> 16)
    return x.astype(numpy.float64) / 2**31 - 1


def made_up(name, tensor):
    values = noise(name, tensor.numel()).reshape(tuple(tensor.shape))
    if name.endswith("running_mean"):
        values = values * 0.3
    elif name.endswith("running_var"):
        values = 1 + values * 0.5
    elif tensor.dim() > 1:
        # The standard deviation of uniform numbers is 1/sqrt(3) of their bound.
        values = values * (6 / numpy.prod(tensor.shape[1:])) ** 0.5
    elif name.endswith("weight"):
        values = 1 + values * 0.5
    else:
        values = values * 0.3
    return torch.from_numpy(values.astype(numpy.float32))


def fill(model):
    for name, tensor in model.state_dict().items():
        if tensor.is_floating_point():
            with torch.no_grad():
                tensor.copy_(made_up(name, tensor))


def some(tensor):
    """A few numbers of a tensor, evenly spread over it, and its mean of magnitudes; NCHW comes as NHWC."""
    if tensor.dim() == 4:
        tensor = tensor.permute(0, 2, 3, 1)
    flat = tensor.detach().double().reshape(-1)
    step = max(1, len(flat) // KEPT)
    return {
        "shape": list(tensor.shape),
        "step": step,
        "values": [float(f"{value:.7g}") for value in flat[::step][:KEPT]],
        "magnitude": float(f"{flat.abs().mean():.7g}"),
    }


def resnet_features(model, x):
    x = model.maxpool(model.relu(model.bn1(model.conv1(x))))
    found = []
    for layer in [model.layer1, model.layer2, model.layer3, model.layer4]:
        x = layer(x)
        found.append(x)
    return found


def mobilenet_features(model, x):
    found = []
    for place, layer in enumerate(model.features):
        x = layer(x)
        if place in [1, 3, 8, 12]:
            found.append(x)
    return found


x = torch.from_numpy(noise("input", numpy.prod(SIZE)).astype(numpy.float32)).reshape(SIZE) * 2
cotangent = torch.from_numpy(noise("cotangent", SIZE[0] * CLASSES).astype(numpy.float32)).reshape(SIZE[0], CLASSES)
networks = {}
for name, make, features in [
    ("resnet18", models.resnet18, resnet_features),
    ("resnet50", models.resnet50, resnet_features),
    ("mobilenetV3Small", models.mobilenet_v3_small, mobilenet_features),
]:
    model = make(num_classes=CLASSES)
    fill(model)
    model.eval()
    networks[name] = {
        "names": len([each for each in model.state_dict() if not each.endswith("num_batches_tracked")]),
        "features": [some(each) for each in features(model, x)],
        "logits": some(model(x)),
    }
    # Gradients with frozen statistics, as with frozen batch norm in train mode.
    (model(x) * cotangent).sum().backward()
    kept = {
        "resnet18": ["conv1.weight", "layer2.0.downsample.0.weight", "layer4.1.bn2.weight", "fc.bias"],
        "resnet50": ["conv1.weight", "layer4.0.conv2.weight"],
        "mobilenetV3Small": ["features.0.0.weight", "features.4.block.1.0.weight", "features.4.block.2.fc1.weight"],
    }[name]
    parameters = dict(model.named_parameters())
    # In torch's own order of axes.
    networks[name]["gradients"] = {
        each: some(parameters[each].grad.reshape(-1)) for each in kept
    }
    if name == "resnet18":
        model.train()
        model(x)
        state = model.state_dict()
        networks[name]["trained"] = {
            each: some(state[each]) for each in ["bn1.running_mean", "layer4.1.bn2.running_var"]
        }

losses = {}
logits = torch.from_numpy(noise("logits", 12).astype(numpy.float32)).reshape(4, 3) * 3
truth = torch.tensor([0, 2, 1, 2])
for name, options in {
    "plain": {},
    "smoothed": {"label_smoothing": 0.1},
    "weighted": {"weight": torch.tensor([1.0, 0.5, 3.0])},
    "both": {"label_smoothing": 0.1, "weight": torch.tensor([1.0, 0.5, 3.0])},
}.items():
    losses[name] = torch.nn.functional.cross_entropy(logits, truth, **options).item()

Path(__file__).with_name("backbones.test.fixture.json").write_text(
    json.dumps({"size": list(SIZE), "classes": CLASSES, "networks": networks, "losses": losses}) + "\n"
)
