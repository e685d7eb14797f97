"""PyTorch's DataLoader in a separate process. Reads lines {kind, batches} and answers each with {"ms"} per image.

Arguments: image folder, number of workers, batch size. `small` decodes with PIL and resizes to 160x128, `small_draft` does so in PIL's draft
mode, and `full` keeps 640x480. All of them apply the benchmark's augmentations: flip, scale, shift, brightness and contrast.
"""

import json
import math
import os
import random
import sys
import time

import torch
from PIL import Image, ImageEnhance
from torch.utils.data import DataLoader, Dataset

FOLDER, WORKERS, BATCH = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
FILES = sorted(os.path.join(FOLDER, name) for name in os.listdir(FOLDER) if name.endswith(".jpg"))


class Images(Dataset):
    def __init__(self, kind, length):
        self.kind, self.length = kind, length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        image = Image.open(FILES[index % len(FILES)])
        if self.kind == "small_draft":
            image.draft("RGB", (160, 128))
        image = image.convert("RGB")
        if self.kind != "full":
            image = image.resize((160, 120), Image.Resampling.BILINEAR)
        if random.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        width, height = image.size
        factor = math.exp(random.uniform(-0.35, 0.35))
        x = (1 - factor) * width / 2 + width * random.uniform(-0.15, 0.15)
        y = (1 - factor) * height / 2 + height * random.uniform(-0.15, 0.15)
        matrix = (1 / factor, 0, -x / factor, 0, 1 / factor, -y / factor)
        image = image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=(114, 114, 114))
        image = ImageEnhance.Brightness(image).enhance(random.uniform(0.8, 1.2))
        image = ImageEnhance.Contrast(image).enhance(random.uniform(0.8, 1.2))
        pixels = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(image.height, image.width, 3)
        if self.kind == "full":
            return pixels
        frame = torch.full((128, 160, 3), 114, dtype=torch.uint8)
        frame[: image.height] = pixels
        return frame


for line in sys.stdin:
    job = json.loads(line)
    kind, warmup, batches = job["net"].split(":")[0], int(job["net"].split(":")[1]), job["steps"]
    begin, images = None, 0
    for place, batch in enumerate(DataLoader(Images(kind, (warmup + batches) * BATCH), batch_size=BATCH, num_workers=WORKERS)):
        if place == warmup - 1:
            begin = time.perf_counter()
        elif place >= warmup:
            images += batch.shape[0]
    print(json.dumps({"ms": (time.perf_counter() - begin) * 1000 / images}), flush=True)
