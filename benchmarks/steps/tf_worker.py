"""TensorFlow's tf.function with Keras layers in a separate process. Reads lines {net, steps} and answers each with {ms}."""

import json
import os
import sys
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import tensorflow as tf  # noqa: E402

L = tf.keras.layers


def conv(filters, size, strides=1, bias=False):
    return L.Conv2D(filters, size, strides, padding="same", use_bias=bias)


def norm_relu(x):
    return L.ReLU()(L.BatchNormalization()(x))


def residual(x, filters, strides):
    second = L.BatchNormalization()(conv(filters, 3)(norm_relu(conv(filters, 3, strides)(x))))
    same = strides == 1 and x.shape[-1] == filters
    shortcut = x if same else L.BatchNormalization()(conv(filters, 1, strides)(x))
    return L.ReLU()(L.Add()([second, shortcut]))


def resnet18():
    inputs = tf.keras.Input((64, 64, 3))
    x = L.MaxPooling2D(3, 2, padding="same")(norm_relu(conv(64, 7, 2)(inputs)))
    for stage, filters in enumerate((64, 128, 256, 512)):
        x = residual(residual(x, filters, 1 if stage == 0 else 2), filters, 1)
    return tf.keras.Model(inputs, L.Dense(10)(L.GlobalAveragePooling2D()(x)))


def detector():
    inputs = tf.keras.Input((128, 160, 3))
    four = residual(norm_relu(conv(16, 3, 2)(inputs)), 32, 2)
    eight = residual(four, 64, 2)
    sixteen = residual(eight, 128, 2)
    top = L.Add()([L.UpSampling2D(2)(conv(64, 1)(sixteen)), conv(64, 1)(eight)])
    top = L.Add()([L.UpSampling2D(2)(conv(64, 1)(top)), conv(64, 1)(four)])
    return tf.keras.Model(inputs, conv(4, 1, bias=True)(norm_relu(conv(64, 3)(top))))


NETS = {
    "mlp": (lambda: tf.keras.Sequential([L.Dense(32, "relu"), L.Dense(4)]), (32, 16), (32, 4), "values", "adam"),
    "convnet": (
        lambda: tf.keras.Sequential(
            [L.Conv2D(32, 3, activation="relu"), L.Conv2D(64, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(),
             L.Dense(128, "relu"), L.Dense(10)]
        ),
        (64, 28, 28, 1), (64,), "classes", "adam",
    ),
    "resnet18": (resnet18, (16, 64, 64, 3), (16,), "classes", "momentum"),
    "detector": (detector, (16, 128, 160, 3), (16, 32, 40), "classes", "momentum"),
}


def prepare(name):
    build, shape, target_shape, loss_kind, optimizer_kind = NETS[name]
    model = build()
    x = tf.random.normal(shape)
    y = (
        tf.random.uniform(target_shape)
        if loss_kind == "values"
        else tf.random.uniform(target_shape, 0, 4, tf.int32)
    )
    optimizer = (
        tf.keras.optimizers.Adam(1e-3) if optimizer_kind == "adam" else tf.keras.optimizers.SGD(0.01, momentum=0.9)
    )

    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            out = model(x, training=True)
            if loss_kind == "values":
                loss = tf.reduce_mean(tf.math.squared_difference(out, y))
            else:
                loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, out))
        variables = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        return loss

    return lambda: step(x, y).numpy()


current, step = None, None
for line in sys.stdin:
    job = json.loads(line)
    if job["net"] != current:
        current, step = job["net"], prepare(job["net"])
        for _ in range(3):
            step()
    begin = time.perf_counter()
    for _ in range(job["steps"]):
        step()
    print(json.dumps({"ms": (time.perf_counter() - begin) * 1000 / job["steps"]}), flush=True)
