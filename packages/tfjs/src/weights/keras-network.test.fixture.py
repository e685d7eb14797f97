"""Writes a small Keras network with random weights, for keras-network.test.ts: as keras-network.test.fixture.keras (Keras 3)
and .h5.gz (as Keras 2 and tf.keras wrote models), and what it gives for some inputs as .json. Both are packed, to be small.

    python3 -m venv .venv && .venv/bin/pip install tensorflow
    .venv/bin/python packages/tfjs/src/weights/keras-network.test.fixture.py
"""

import gzip
import json
import pathlib
import tempfile
import zipfile

import keras
import numpy as np
from keras import layers

BASE = pathlib.Path(__file__).with_suffix("")
random = np.random.default_rng(1)

network = keras.Sequential(
    [
        layers.Input((6, 6, 1)),
        layers.Conv2D(2, 3),
        layers.BatchNormalization(),
        layers.DepthwiseConv2D(2),
        keras.Sequential([layers.Input((3, 3, 2)), layers.Conv2D(2, 1), layers.BatchNormalization(), layers.Conv2D(1, 1)]),
        layers.Flatten(),
        layers.Dense(4),
        layers.Dropout(0.5),
        layers.Reshape((4, 1)),
        layers.Bidirectional(layers.LSTM(2)),
        layers.Dense(3),
    ]
)
network.set_weights([random.uniform(0.1, 0.9, weight.shape).astype("float32") for weight in network.get_weights()])
inputs = random.normal(size=(2, 6, 6, 1)).astype("float32")
outputs = network.predict(inputs, verbose=0)

with tempfile.TemporaryDirectory() as folder:
    path = pathlib.Path(folder)
    network.save(path / "network.keras")
    with zipfile.ZipFile(path / "network.keras") as source, zipfile.ZipFile(
        f"{BASE}.keras", "w", zipfile.ZIP_DEFLATED, compresslevel=9
    ) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
    network.save(path / "network.h5")
    pathlib.Path(f"{BASE}.h5.gz").write_bytes(gzip.compress((path / "network.h5").read_bytes(), 9, mtime=0))
facts = {"inputs": inputs.ravel().tolist(), "outputs": outputs.ravel().tolist()}
pathlib.Path(f"{BASE}.json").write_text(json.dumps(facts) + "\n")
