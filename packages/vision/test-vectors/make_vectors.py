"""Makes the test vectors of the COCO evaluation with pycocotools.

    python -m venv venv && venv/bin/pip install pycocotools
    venv/bin/python make_vectors.py [--real COCO.json]

Each vector is one JSON file in this folder: ground truth, detections, and what pycocotools says of them. With --real,
a vector is made of the first images of a COCO file as well.
"""

import argparse
import contextlib
import io
import json
import os

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

HERE = os.path.dirname(os.path.abspath(__file__))


def evaluate(truth, detections):
    """The results of pycocotools: the twelve numbers, and per setting the mean precision and the recall."""
    coco = COCO()
    # Ids from 1: pycocotools takes a match with the object of id 0 for none.
    annotations = [dict(a, id=i + 1) for i, a in enumerate(truth["annotations"])]
    coco.dataset = dict(truth, annotations=annotations)
    with contextlib.redirect_stdout(io.StringIO()):
        coco.createIndex()
        if detections:
            results = coco.loadRes([dict(d) for d in detections])
        else:
            results = COCO()
            results.dataset = dict(truth, annotations=[])
            results.createIndex()
        run = COCOeval(coco, results, "bbox")
        run.evaluate()
        run.accumulate()
        run.summarize()
    return {
        "stats": run.stats.tolist(),
        # [thresholds, categories, area ranges, maximal detections], flat
        "precision": run.eval["precision"].mean(axis=1).ravel().tolist(),
        "recall": run.eval["recall"].ravel().tolist(),
    }


def scene(rng, images, categories, objects, crowds=0.0, sizes=(4, 200), decimals=1):
    """Images with random objects, and detections that are these objects shifted, doubled, missed and made up."""
    truth = {
        "images": [{"id": int(i)} for i in images],
        "categories": [{"id": int(c), "name": f"class {c}"} for c in categories],
        "annotations": [],
    }
    detections = []

    def box():
        w, h = np.exp(rng.uniform(np.log(sizes[0]), np.log(sizes[1]), 2))
        x, y = rng.uniform(0, 300, 2)
        return [round(float(v), decimals) for v in (x, y, w, h)]

    for image in images:
        for _ in range(rng.integers(0, objects + 1)):
            bbox = box()
            category = int(rng.choice(categories))
            area = round(bbox[2] * bbox[3] * float(rng.uniform(0.4, 1)), 2)
            truth["annotations"].append(
                {
                    "image_id": int(image),
                    "category_id": category,
                    "bbox": bbox,
                    "area": area,
                    "iscrowd": int(rng.random() < crowds),
                }
            )
            for _ in range(rng.integers(0, 3)):
                shift = rng.normal(0, 0.08, 4) * [bbox[2], bbox[3], bbox[2], bbox[3]]
                detections.append(
                    {
                        "image_id": int(image),
                        "category_id": category if rng.random() < 0.9 else int(rng.choice(categories)),
                        "bbox": [round(float(v), decimals) for v in np.array(bbox) + shift],
                        "score": round(float(rng.uniform(0.1, 1)), 2),
                    }
                )
        for _ in range(rng.integers(0, 4)):
            detections.append(
                {
                    "image_id": int(image),
                    "category_id": int(rng.choice(categories)),
                    "bbox": box(),
                    "score": round(float(rng.uniform(0, 0.8)), 2),
                }
            )
    order = rng.permutation(len(detections))
    return truth, [detections[i] for i in order]


def one(image, bbox, area=None, crowd=0, category=1):
    area = bbox[2] * bbox[3] if area is None else area
    return {"image_id": image, "category_id": category, "bbox": bbox, "area": area, "iscrowd": crowd}


def found(image, bbox, score, category=1):
    return {"image_id": image, "category_id": category, "bbox": bbox, "score": score}


def frame(annotations, images=(1,), categories=(1,)):
    return {
        "images": [{"id": i} for i in images],
        "categories": [{"id": c, "name": f"class {c}"} for c in categories],
        "annotations": annotations,
    }


def cases():
    rng = np.random.default_rng(20)
    yield "plain", *scene(rng, range(1, 13), (1, 2, 3), 6)
    yield "crowds", *scene(rng, range(1, 11), (1, 2), 6, crowds=0.35)
    yield "score-ties", *ties(rng)
    yield "unordered-ids", *scene(rng, (907, 3, 41, 12, 500, 77), (90, 7, 44, 18), 5)
    truth, detections = scene(rng, range(1, 9), (1, 3), 5)
    truth["categories"] += [{"id": 2, "name": "class 2"}, {"id": 4, "name": "class 4"}]
    detections += [found(1, [0, 0, 10, 10], 0.9, category=4), found(1, [0, 0, 10, 10], 0.9, category=99)]
    yield "absent-categories", truth, detections

    # Areas on the ends of the ranges belong to both sides.
    ends = [1023.99, 1024, 1024.01, 9215.99, 9216, 9216.01, 0]
    annotations = [one(i + 1, [10, 10, 40, 40], area) for i, area in enumerate(ends)]
    detections = [found(i + 1, [10, 10 + i, 40, 40], 0.9 - 0.1 * i) for i in range(len(ends))]
    detections += [found(i + 1, [200, 200, s, s], 0.5) for i, s in enumerate((32, 31.9, 32.1, 96, 95.9, 96.1))]
    yield "area-ends", frame(annotations, range(1, 8)), detections

    # IoU of exactly a threshold; of equal ones the last object; sizeless boxes.
    annotations = [one(1, [0, 0, 10, 10]), one(1, [0, 0, 10, 10], 2000), one(2, [0, 0, 10, 10]), one(2, [5, 0, 10, 10])]
    annotations += [one(3, [0, 0, 0, 10]), one(3, [30, 30, 10, 9])]
    detections = [found(1, [0, 0, 10, 5], 0.9), found(1, [0, 0, 10, 9], 0.8), found(1, [0, 0, 10, 10], 0.7)]
    detections += [found(2, [2.5, 0, 10, 10], 0.9), found(2, [0, 0, 10, 7.5], 0.8), found(2, [5, 0, 10, 6], 0.7)]
    detections += [found(3, [0, 0, 0, 10], 0.9), found(3, [30, 30, 10, 10], 0.8), found(3, [5, 5, -4, 9], 0.7)]
    yield "iou-ties", frame(annotations, (1, 2, 3)), detections

    # More than 100 detections in an image, and 100 objects, so that each recall threshold is met exactly.
    annotations = [one(1, [20 * (i % 10), 20 * (i // 10), 15, 15]) for i in range(100)]
    detections = [
        found(1, [20 * (i % 10) + 0.01 * (i % 7), 20 * (i // 10), 15, 15], 0.99 - 0.005 * (i * 37 % 100))
        for i in range(100)
    ]
    detections += [found(1, [300 + i, 300, 12, 12], 0.985 - 0.01 * i) for i in range(60)]
    yield "over-100", frame(annotations, (1, 2)), detections

    yield "no-detections", frame([one(1, [0, 0, 10, 10])]), []
    yield "no-objects", frame([]), [found(1, [0, 0, 10, 10], 0.9)]


def ties(rng):
    """Few different scores, within images and across them, in an order of the file that is not that of the images."""
    truth, detections = scene(rng, range(1, 11), (1, 2), 5)
    for each in detections:
        each["score"] = round(each["score"] * 3) / 4
    return truth, detections


def real(path, images=20):
    """The first images of a data set, with detections that are its boxes shifted."""
    with open(path) as file:
        data = json.load(file)
    rng = np.random.default_rng(5)
    ids = sorted(image["id"] for image in data["images"])[:images]
    keys = ("image_id", "category_id", "bbox", "area", "iscrowd")
    annotations = [{k: a[k] for k in keys} for a in data["annotations"] if a["image_id"] in ids]
    truth = {
        "images": [{"id": i} for i in ids],
        "categories": [{"id": c["id"], "name": c["name"]} for c in data["categories"]],
        "annotations": annotations,
    }
    detections = []
    for a in annotations:
        if rng.random() < 0.85:
            bbox = np.array(a["bbox"]) + rng.normal(0, 0.07, 4) * (a["bbox"][2:] * 2)
            score = round(float(rng.beta(4, 2)), 3)
            detections.append(found(a["image_id"], [round(float(v), 1) for v in bbox], score, a["category_id"]))
    for i in ids:
        for _ in range(4):
            bbox = [round(float(v), 1) for v in (*rng.uniform(0, 500, 2), *rng.uniform(20, 120, 2))]
            category = int(rng.choice([c["id"] for c in data["categories"]]))
            detections.append(found(i, bbox, round(float(rng.beta(2, 4)), 3), category))
    return truth, detections


def write(name, truth, detections):
    vector = {"truth": truth, "detections": detections, "expected": evaluate(truth, detections)}
    with open(os.path.join(HERE, f"{name}.json"), "w") as file:
        json.dump(vector, file, separators=(",", ":"))
        file.write("\n")
    print(f"{name}: AP {vector['expected']['stats'][0]:.4f}, {len(truth['annotations'])} objects, {len(detections)} detections")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--real", help="a COCO file of instances")
    path = parser.parse_args().real
    for case in cases():
        write(*case)
    if path:
        write("real", *real(path))
