"""Writes torch-vectors.test.fixture.json: which learning rates torch's ReduceLROnPlateau sets over scripted histories.

Each case holds options (their names, those of this plugin, are in "options"), the values of a metric, and
the numbers of the values after which the rate became smaller, each with that rate.

    python3 -m venv .venv && .venv/bin/pip install torch
    .venv/bin/python plugins/reduce-on-plateau/src/torch-vectors.test.fixture.py
"""

import json
import math
import random
from pathlib import Path

import torch

CASES = 200
LENGTH = 30
draw = random.Random(11)


def history(mode):
    """A metric that gets better in jumps, rests on plateaus, has noise, and now and then is not finite."""
    down = mode == "min"
    value, values = draw.choice([1.0, 10.0, -2.0, 0.0]), []
    for _ in range(LENGTH):
        kind = draw.random()
        if kind < 0.35:
            value += (-1 if down else 1) * draw.choice([1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.5])
        noise = draw.choice([0, 0, 0.001, 0.05]) * draw.uniform(-1, 1)
        values.append(float(f"{value + noise:.5g}"))
        if draw.random() < 0.02:
            values[-1] = draw.choice([math.nan, math.inf if down else -math.inf])
    return values


cases = []
for number in range(CASES):
    options = {
        "mode": draw.choice(["min", "max"]),
        "factor": draw.choice([0.1, 0.5, 0.3, 0.9]),
        "patience": draw.choice([0, 1, 2, 3, 5, 10]),
        "threshold": draw.choice([0, 1e-4, 1e-3, 0.01, 0.1]),
        "thresholdMode": draw.choice(["rel", "abs"]),
        "cooldown": draw.choice([0, 0, 1, 2, 5]),
        "minLr": draw.choice([0, 0, 1e-3, 0.02]),
        "epsilon": draw.choice([1e-8, 1e-8, 1e-3]),
    }
    values = history(options["mode"])
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer,
        mode=options["mode"],
        factor=options["factor"],
        patience=options["patience"],
        threshold=options["threshold"],
        threshold_mode=options["thresholdMode"],
        cooldown=options["cooldown"],
        min_lr=options["minLr"],
        eps=options["epsilon"],
    )
    reductions, rate = [], 0.1
    for index, value in enumerate(values):
        scheduler.step(value)
        now = optimizer.param_groups[0]["lr"]
        if now != rate:
            reductions.append([index, now])
            rate = now
    cases.append([list(options.values()), " ".join(f"{value:.5g}" for value in values), reductions])

vectors = {
    "torch": torch.__version__.split("+")[0],
    "learningRate": 0.1,
    "options": list(options),
    "cases": cases,
}
# Prettier breaks the lines afterwards.
Path(__file__).with_name("torch-vectors.test.fixture.json").write_text(json.dumps(vectors))
