"""Writes one-cycle.test.fixture.json: the learning rates of torch's OneCycleLR, of which the largest is 1.

Each case is [total steps, pctStart, annealStrategy, divFactor, finalDivFactor, threePhase, rates by iteration].

    python3 -m venv .venv && .venv/bin/pip install torch
    .venv/bin/python plugins/lr-scheduler/src/schedules/one-cycle.test.fixture.py
"""

import itertools
import json
from pathlib import Path

import torch

cases = []
for total, start, strategy, (div, final), three in itertools.product(
    [10, 33], [0.3, 0.25, 0.5], ["cos", "linear"], [(25.0, 1e4), (10.0, 100.0)], [False, True]
):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        max_lr=1.0,
        total_steps=total,
        pct_start=start,
        anneal_strategy=strategy,
        cycle_momentum=False,
        div_factor=div,
        final_div_factor=final,
        three_phase=three,
    )
    rates = []
    for _ in range(total):
        rates.append(float(f"{optimizer.param_groups[0]['lr']:.10g}"))
        optimizer.step()
        scheduler.step()
    cases.append([total, start, strategy, div, final, three, rates])

# Prettier breaks the lines afterwards.
vectors = {"torch": torch.__version__.split("+")[0], "cases": cases}
Path(__file__).with_name("one-cycle.test.fixture.json").write_text(json.dumps(vectors))
