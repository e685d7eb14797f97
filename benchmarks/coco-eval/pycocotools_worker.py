"""pycocotools_worker.py SCENE.json ROUNDS: times pycocotools on a scene and prints {"seconds": [...], "stats": [...]}."""

import contextlib
import io
import json
import sys
import time

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

with open(sys.argv[1]) as file:
    scene = json.load(file)
truth = scene["truth"]
for number, annotation in enumerate(truth["annotations"]):
    annotation["id"] = number + 1

seconds = []
for _ in range(int(sys.argv[2])):
    detections = [dict(each) for each in scene["detections"]]
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO()
        coco.dataset = truth
        begin = time.perf_counter()
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(detections), "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
        seconds.append(time.perf_counter() - begin)
print(json.dumps({"seconds": seconds, "stats": run.stats.tolist()}))
