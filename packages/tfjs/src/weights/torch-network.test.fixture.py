"""A small PyTorch network, for load-weights.test.ts.

python torch-network.test.fixture.py write   writes torch-network.test.fixture.safetensors: random weights, inputs, outputs
python torch-network.test.fixture.py check F prints what the network gives for the same inputs with the weights of F
"""

import json
import pathlib
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn

FILE = pathlib.Path(__file__).with_suffix(".safetensors")


class Network(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(2, 3, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(3)
        self.depthwise = nn.Conv2d(3, 6, (3, 1), padding=(1, 0), groups=3)
        self.fc = nn.Linear(6, 4)

    def forward(self, x):
        x = torch.relu(self.bn(self.stem(x)))
        return self.fc(self.depthwise(x).mean((2, 3)))


if sys.argv[1] == "write":
    torch.manual_seed(0)
    network = Network()
    with torch.no_grad():
        for value in network.state_dict().values():
            if value.dtype == torch.float32:
                value.copy_(torch.rand_like(value) + 0.1)
    network.eval()
    inputs = torch.randn(2, 2, 5, 4)
    outputs = network(inputs).detach()
    save_file({**network.state_dict(), "test.inputs": inputs, "test.outputs": outputs}, FILE)
else:
    network = Network()
    network.load_state_dict(load_file(sys.argv[2]), strict=True)
    network.eval()
    print(json.dumps(network(load_file(FILE)["test.inputs"]).tolist()))
