"""Writes torch-vectors.test.fixture.json: where optimizers stand after steps of given gradients.

SGD, Adam, AdamW, RMSprop and Adagrad are torch's own. Lion and LAMB are not in torch: they are written out
here from the formulas of their papers (Chen et al., 2023; You et al., 2020, algorithm 2), in double precision.

    python3 -m venv .venv && .venv/bin/pip install torch
    .venv/bin/python packages/tfjs/src/optim/torch-vectors.test.fixture.py
"""

import json
from pathlib import Path

import torch

STEPS = 50
KEPT = [1, 2, 10, 50]
SHAPES = {"w": [3, 2], "b": [4]}

generator = torch.Generator().manual_seed(5)


def draw(shape, scale):
    # Rounded, so that the file is short; float32 all the same.
    values = torch.randn(shape, generator=generator) * scale
    return (values * 1e4).round() / 1e4


start = {name: draw(shape, 0.5) for name, shape in SHAPES.items()}
gradients = [{name: draw(shape, 1) for name, shape in SHAPES.items()} for _ in range(STEPS)]


def lion(parameter, state, gradient, step, lr, beta1, beta2, weight_decay):
    m = state.setdefault("m", torch.zeros_like(parameter))
    parameter *= 1 - lr * weight_decay
    parameter -= lr * torch.sign(beta1 * m + (1 - beta1) * gradient)
    state["m"] = beta2 * m + (1 - beta2) * gradient


def lamb(parameter, state, gradient, step, lr, beta1, beta2, epsilon, weight_decay):
    m = beta1 * state.get("m", torch.zeros_like(parameter)) + (1 - beta1) * gradient
    v = beta2 * state.get("v", torch.zeros_like(parameter)) + (1 - beta2) * gradient**2
    state.update(m=m, v=v)
    direction = (m / (1 - beta1**step)) / ((v / (1 - beta2**step)).sqrt() + epsilon) + weight_decay * parameter
    weight_norm, norm = parameter.norm(), direction.norm()
    trust = weight_norm / norm if weight_norm > 0 and norm > 0 else 1.0
    parameter -= lr * trust * direction


def by_formula(formula, **options):
    def run():
        parameters = {name: value.double().clone() for name, value in start.items()}
        states = {name: {} for name in start}
        kept = {}
        for step in range(1, STEPS + 1):
            for name, parameter in parameters.items():
                formula(parameter, states[name], gradients[step - 1][name].double(), step, **options)
            if step in KEPT:
                kept[step] = numbers(parameters)
        return kept

    return run


def by_torch(make, **options):
    def run():
        parameters = {name: torch.nn.Parameter(value.clone()) for name, value in start.items()}
        optimizer = make(list(parameters.values()), foreach=False, **options)
        kept = {}
        for step in range(1, STEPS + 1):
            for name, parameter in parameters.items():
                parameter.grad = gradients[step - 1][name].clone()
            optimizer.step()
            if step in KEPT:
                kept[step] = numbers(parameters)
        return kept

    return run


def numbers(tensors):
    return {name: [float(f"{value:.9g}") for value in each.detach().flatten().tolist()] for name, each in tensors.items()}


optim = torch.optim
CASES = [
    ("sgd", dict(learningRate=0.01), by_torch(optim.SGD, lr=0.01)),
    (
        "sgd",
        dict(learningRate=0.01, momentum=0.9, nesterov=True, weightDecay=0.1),
        by_torch(optim.SGD, lr=0.01, momentum=0.9, nesterov=True, weight_decay=0.1),
    ),
    (
        "adam",
        dict(learningRate=0.01, weightDecay=0.1),
        by_torch(optim.Adam, lr=0.01, weight_decay=0.1),
    ),
    (
        "adamW",
        dict(learningRate=0.01, beta1=0.8, beta2=0.99, epsilon=1e-6, weightDecay=0.1),
        by_torch(optim.AdamW, lr=0.01, betas=(0.8, 0.99), eps=1e-6, weight_decay=0.1),
    ),
    ("rmsprop", dict(learningRate=0.01), by_torch(optim.RMSprop, lr=0.01)),
    (
        "rmsprop",
        dict(learningRate=0.005, alpha=0.9, epsilon=0.01, momentum=0.8, weightDecay=0.1),
        by_torch(optim.RMSprop, lr=0.005, alpha=0.9, eps=0.01, momentum=0.8, weight_decay=0.1),
    ),
    ("rmsprop", dict(learningRate=0.01, centered=True), by_torch(optim.RMSprop, lr=0.01, centered=True)),
    (
        "rmsprop",
        dict(learningRate=0.005, alpha=0.9, momentum=0.5, centered=True, weightDecay=0.1),
        by_torch(optim.RMSprop, lr=0.005, alpha=0.9, momentum=0.5, centered=True, weight_decay=0.1),
    ),
    ("adagrad", dict(learningRate=0.05), by_torch(optim.Adagrad, lr=0.05)),
    (
        "adagrad",
        dict(learningRate=0.05, lrDecay=0.1, initialAccumulator=0.5, epsilon=0.01, weightDecay=0.1),
        by_torch(
            optim.Adagrad, lr=0.05, lr_decay=0.1, initial_accumulator_value=0.5, eps=0.01, weight_decay=0.1
        ),
    ),
    ("lion", dict(learningRate=0.003), by_formula(lion, lr=0.003, beta1=0.9, beta2=0.99, weight_decay=0.0)),
    (
        "lion",
        dict(learningRate=0.003, beta1=0.95, beta2=0.98, weightDecay=0.5),
        by_formula(lion, lr=0.003, beta1=0.95, beta2=0.98, weight_decay=0.5),
    ),
    (
        "lamb",
        dict(learningRate=0.01),
        by_formula(lamb, lr=0.01, beta1=0.9, beta2=0.999, epsilon=1e-6, weight_decay=0.01),
    ),
    (
        "lamb",
        dict(learningRate=0.01, beta1=0.8, beta2=0.95, epsilon=1e-3, weightDecay=0),
        by_formula(lamb, lr=0.01, beta1=0.8, beta2=0.95, epsilon=1e-3, weight_decay=0.0),
    ),
]

written = {
    "torch": torch.__version__.split("+")[0],
    "start": numbers(start),
    "gradients": [{name: [round(v, 4) for v in each.flatten().tolist()] for name, each in step.items()} for step in gradients],
    "cases": [{"optimizer": name, "options": options, "after": run()} for name, options, run in CASES],
}
Path(__file__).with_suffix(".json").write_text(json.dumps(written) + "\n")
