"""One PyTorch runner in a separate process. Reads lines {net, steps} and answers each with {ms} per step.

Argument: words joined by '+': eager, fused, channels_last, compile, bf16. `predict` runs the forward pass in eval mode instead.
"""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

WORDS = set(sys.argv[1].split("+"))
CHANNELS_LAST = "channels_last" in WORDS


class Residual(nn.Module):
    def __init__(self, before, filters, stride):
        super().__init__()
        self.first = nn.Conv2d(before, filters, 3, stride, 1, bias=False)
        self.first_norm = nn.BatchNorm2d(filters)
        self.second = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.second_norm = nn.BatchNorm2d(filters)
        self.shortcut = None
        if stride != 1 or before != filters:
            self.shortcut = nn.Sequential(nn.Conv2d(before, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x):
        out = self.second_norm(self.second(F.relu(self.first_norm(self.first(x)))))
        return F.relu(out + (x if self.shortcut is None else self.shortcut(x)))


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        blocks, before = [], 64
        for stage, filters in enumerate((64, 128, 256, 512)):
            blocks += [Residual(before, filters, 1 if stage == 0 else 2), Residual(filters, filters, 1)]
            before = filters
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(512, 10)

    def forward(self, x):
        return self.head(self.blocks(self.stem(x)).mean((2, 3)))


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.stride4, self.stride8, self.stride16 = Residual(16, 32, 2), Residual(32, 64, 2), Residual(64, 128, 2)
        self.top16, self.side8 = nn.Conv2d(128, 64, 1, bias=False), nn.Conv2d(64, 64, 1, bias=False)
        self.top8, self.side4 = nn.Conv2d(64, 64, 1, bias=False), nn.Conv2d(32, 64, 1, bias=False)
        self.head = nn.Sequential(nn.Conv2d(64, 64, 3, 1, 1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.Conv2d(64, 4, 1))

    def forward(self, x):
        four = self.stride4(self.stem(x))
        eight = self.stride8(four)
        top = F.interpolate(self.top16(self.stride16(eight)), scale_factor=2) + self.side8(eight)
        return self.head(F.interpolate(self.top8(top), scale_factor=2) + self.side4(four))


NETS = {
    "mlp": lambda: (nn.Sequential(nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 4)), (32, 16), (32, 4), "values", "adam"),
    "convnet": lambda: (
        nn.Sequential(
            nn.Conv2d(1, 32, 3), nn.ReLU(), nn.Conv2d(32, 64, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
            nn.Linear(64 * 12 * 12, 128), nn.ReLU(), nn.Linear(128, 10),
        ),
        (64, 1, 28, 28), (64,), "classes", "adam",
    ),
    "resnet18": lambda: (ResNet18(), (16, 3, 64, 64), (16,), "classes", "momentum"),
    "detector": lambda: (Detector(), (16, 3, 128, 160), (16, 32, 40), "classes", "momentum"),
}


def prepare(name):
    torch.manual_seed(0)
    model, shape, target_shape, loss_kind, optimizer_kind = NETS[name]()
    x = torch.randn(shape)
    y = torch.rand(target_shape) if loss_kind == "values" else torch.randint(0, 4, target_shape)
    if CHANNELS_LAST and x.dim() == 4:
        model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
    fused = "fused" in WORDS
    optimizer = (
        torch.optim.Adam(model.parameters(), 1e-3, fused=fused)
        if optimizer_kind == "adam"
        else torch.optim.SGD(model.parameters(), 0.01, momentum=0.9, fused=fused)
    )
    run = torch.compile(model) if "compile" in WORDS else model
    half = "bf16" in WORDS

    if "predict" in WORDS:
        model.eval()

        def predict():
            with torch.inference_mode():
                return run(x).flatten()[0].item()

        return predict

    def step():
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            out = run(x)
        loss = F.mse_loss(out.float(), y) if loss_kind == "values" else F.cross_entropy(out.float(), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


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
