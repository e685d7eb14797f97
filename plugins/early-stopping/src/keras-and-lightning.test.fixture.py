"""Writes keras-and-lightning.test.fixture.json: at which value of a metric Keras's and Lightning's EarlyStopping stop.

Each case is [mode, patience, minDelta, values, Keras, Lightning without check_finite, Lightning as it is by default]; the
last three are the number of the value, counted from 0, or null. Those of `baselines` are [mode, patience, minDelta, values,
baseline, Keras], and those of `thresholds` [mode, patience, minDelta, values, stopping_threshold, divergence_threshold, Lightning].

    python3 -m venv .venv && .venv/bin/pip install torch keras pytorch-lightning
    KERAS_BACKEND=torch .venv/bin/python plugins/early-stopping/src/keras-and-lightning.test.fixture.py
"""

import json
import math
import random
from pathlib import Path
from types import SimpleNamespace

import keras
import pytorch_lightning
import torch
from pytorch_lightning.callbacks import EarlyStopping

CASES = 100
LENGTH = 25
draw = random.Random(3)


def history(mode, holes):
    value, values = draw.choice([1.0, 0.5, -3.0]), []
    for _ in range(LENGTH):
        if draw.random() < 0.4:
            value += (-1 if mode == "min" else 1) * draw.choice([0.001, 0.01, 0.1])
        values.append(float(f"{value + draw.choice([0, 0, 0.02]) * draw.uniform(-1, 1):.5g}"))
        # Not at first: Keras never stops at its first epoch.
        if holes and len(values) > 1 and draw.random() < 0.1:
            values[-1] = draw.choice([math.nan, math.inf if mode == "min" else -math.inf])
    return values


def by_keras(mode, patience, delta, values, baseline=None):
    callback = keras.callbacks.EarlyStopping(
        monitor="m", mode=mode, patience=patience, min_delta=delta, baseline=baseline
    )
    model = SimpleNamespace(stop_training=False)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"m": value})
        if model.stop_training:
            return epoch
    return None


def by_lightning(mode, patience, delta, values, check_finite, **thresholds):
    callback = EarlyStopping("m", mode=mode, patience=patience, min_delta=delta, check_finite=check_finite, **thresholds)
    for epoch, value in enumerate(values):
        stops, _ = callback._evaluate_stopping_criteria(torch.tensor(value, dtype=torch.float64))
        if stops:
            return epoch
    return None


def text_of(values):
    return " ".join(f"{value:.5g}" for value in values)


def draw_case(holes):
    mode, patience = draw.choice(["min", "max"]), draw.choice([1, 2, 3, 5, 8])
    delta = draw.choice([0, 0.001, 0.01, 0.05])
    return mode, patience, delta, history(mode, holes)


cases = []
for number in range(CASES):
    given = draw_case(holes=number >= CASES // 2)
    mode, patience, delta, values = given
    text = text_of(values)
    cases.append([mode, patience, delta, text, by_keras(*given), by_lightning(*given, False), by_lightning(*given, True)])

baselines, thresholds = [], []
for number in range(CASES // 2):
    given = draw_case(holes=number % 2 == 1)
    mode, patience, delta, values = given
    # One of the values themselves, so that equality is among the cases.
    baseline, better, worse = (draw.choice([value for value in values if math.isfinite(value)]) for _ in range(3))
    better, worse = (min if mode == "min" else max)(better, worse), (max if mode == "min" else min)(better, worse)
    limits = draw.choice([(better, None), (None, worse), (better, worse)])
    stop = by_lightning(*given, False, stopping_threshold=limits[0], divergence_threshold=limits[1])
    baselines.append([mode, patience, delta, text_of(values), baseline, by_keras(*given, baseline)])
    thresholds.append([mode, patience, delta, text_of(values), *limits, stop])

versions = {"keras": keras.__version__, "lightning": pytorch_lightning.__version__}
# Prettier breaks the lines afterwards.
Path(__file__).with_name("keras-and-lightning.test.fixture.json").write_text(json.dumps({**versions, "cases": cases, "baselines": baselines, "thresholds": thresholds}))
