"""Shows how much time each op of a captured step takes. Needs tensorflow.

    npx hookline inspect TRAINER --graph          writes OUTPUT/graph
    python profile_graph.py OUTPUT/graph [--top 20]

Runs the first graph with random weights and batches in a TensorFlow session, which is the same runtime, and sums up the
trace by op. Because ops run in parallel, the sum exceeds the time of the step.
"""

import argparse
import collections
import glob
import os
import re
import statistics
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import numpy as np  # noqa: E402
import tensorflow as tf  # noqa: E402

v1 = tf.compat.v1


def read_graph(folder):
    for file in glob.glob(os.path.join(folder, "*.graph")):
        for event in v1.train.summary_iterator(file):
            if event.graph_def:
                return v1.GraphDef.FromString(event.graph_def)
    raise SystemExit(f"{folder} holds no graph: write one with `hookline inspect TRAINER --graph`")


def initial_value(name, shape, rng):
    """Values that keep activations in a realistic range, because NaN and denormal numbers would change the costs."""
    if name.startswith("optimizer/"):
        return np.zeros(shape)
    if name.endswith(("gamma", "variance")):
        return np.ones(shape)
    if len(shape) > 1:
        return rng.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape)
    return np.zeros(shape)


def batch_value(tensor, rng):
    shape = tensor.shape.as_list()
    if not tensor.dtype.is_floating:
        return rng.integers(0, 2, shape)
    if not shape:
        return np.float32(1e-4)
    if shape[-1] == 4 and len(shape) == 3:  # boxes
        corner = rng.uniform(10, 60, (*shape[:-1], 2))
        return np.concatenate([corner, corner + 30], -1)
    return rng.uniform(0, 1, shape)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--top", type=int, default=20)
    parser.add_argument("--runs", type=int, default=20)
    args = parser.parse_args()
    graph = tf.Graph()
    with graph.as_default():
        tf.import_graph_def(read_graph(args.folder), name="")
    rng = np.random.default_rng(0)
    session = v1.Session(graph=graph)
    placeholders = [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]
    numpy_of = lambda tensor, value: np.asarray(value).astype(tensor.dtype.as_numpy_dtype)  # noqa: E731
    writes, values = [], {}
    for tensor in placeholders:
        found = re.match(r"(variables/\d+_(.*))/feed$", tensor.op.name)
        if found:
            writes.append(graph.get_operation_by_name(f"{found[1]}/write"))
            values[tensor] = numpy_of(tensor, initial_value(found[2], tensor.shape.as_list(), rng))
    session.run(writes, values)
    feeds = {t: numpy_of(t, batch_value(t, rng)) for t in placeholders if t.op.name.startswith("step0/")}
    fetches = [op.outputs[0] for op in graph.get_operations() if op.name.startswith("step0/returns/")]

    times = []
    for run in range(args.runs + 3):
        begin = time.perf_counter()
        session.run(fetches, feeds)
        if run >= 3:
            times.append((time.perf_counter() - begin) * 1000)
    print(f"step: median {statistics.median(times):.2f} ms, min {min(times):.2f} ms over {args.runs} runs")

    cost, count = collections.Counter(), collections.Counter()
    traced = 5
    for _ in range(traced):
        metadata = v1.RunMetadata()
        session.run(fetches, feeds, v1.RunOptions(trace_level=v1.RunOptions.FULL_TRACE), metadata)
        for device in metadata.step_stats.dev_stats:
            for node in device.node_stats:
                op = re.search(r"= (\w+)\(", node.timeline_label)
                name = op[1] if op else node.node_name
                cost[name] += (node.op_end_rel_micros - node.op_start_rel_micros) / 1000 / traced
                count[name] += 1 / traced
    total = sum(cost.values())
    print(f"ops: {total:.2f} ms in all")
    for name, milliseconds in cost.most_common(args.top):
        print(f"{milliseconds:9.3f} ms {milliseconds / total:6.1%} {count[name]:6.0f}  {name}")


main()
