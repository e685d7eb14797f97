"""The nets of ../steps/torch_worker.py under DistributedDataParallel with gloo.

Arguments: number of processes, then NET=STEPS for each net. The first process writes one line of JSON.
"""

import io
import json
import os
import statistics
import sys
import time


def rank_main(rank, size, jobs):
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.join(here, "..", "steps"))
    # torch_worker.py answers requests from its standard input; an empty input lets the import return.
    sys.argv, sys.stdin = ["torch_worker.py", "eager"], io.StringIO("")
    import torch
    import torch.distributed as dist
    from torch.nn import functional as F
    from torch_worker import NETS

    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=size)
    figures = {}
    for name, steps in jobs:
        torch.manual_seed(rank)
        model, shape, target_shape, loss_kind, optimizer_kind = NETS[name]()
        model = torch.nn.parallel.DistributedDataParallel(model) if size > 1 else model
        x = torch.randn(shape)
        y = torch.rand(target_shape) if loss_kind == "values" else torch.randint(0, 4, target_shape)
        optimizer = (
            torch.optim.Adam(model.parameters(), 1e-3)
            if optimizer_kind == "adam"
            else torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)
        )
        times = []
        for _ in range(steps + 3):
            begin = time.perf_counter()
            optimizer.zero_grad(set_to_none=True)
            out = model(x)
            loss = F.mse_loss(out, y) if loss_kind == "values" else F.cross_entropy(out, y)
            loss.backward()
            optimizer.step()
            loss.item()
            times.append((time.perf_counter() - begin) * 1000)
        figures[name] = statistics.median(times[3:])
    if rank == 0:
        print(json.dumps(figures), flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    import socket

    import torch.multiprocessing as mp

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        os.environ.update(MASTER_ADDR="127.0.0.1", MASTER_PORT=str(probe.getsockname()[1]), OMP_NUM_THREADS="1")
    size = int(sys.argv[1])
    jobs = [(name, int(steps)) for name, steps in (job.split("=") for job in sys.argv[2:])]
    mp.spawn(rank_main, (size, jobs), nprocs=size)
