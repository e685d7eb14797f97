"""Writes swa.test.fixture.json: the averages of torch's AveragedModel over given weights.

    python3 -m venv .venv && .venv/bin/pip install torch
    .venv/bin/python plugins/ema/src/swa.test.fixture.py
"""

import json
from pathlib import Path

import torch

generator = torch.Generator().manual_seed(2)
model = torch.nn.Linear(3, 2, bias=False)
averaged = torch.optim.swa_utils.AveragedModel(model)
steps = []
for _ in range(12):
    weight = (torch.randn([2, 3], generator=generator) * 1e4).round() / 1e4
    with torch.no_grad():
        model.weight.copy_(weight)
    averaged.update_parameters(model)
    flat = averaged.module.weight.detach().flatten().tolist()
    steps.append([[float(f"{value:.6g}") for value in weight.flatten().tolist()], [float(f"{v:.9g}") for v in flat]])

# Prettier breaks the lines afterwards.
vectors = {"torch": torch.__version__.split("+")[0], "steps": steps}
Path(__file__).with_name("swa.test.fixture.json").write_text(json.dumps(vectors))
