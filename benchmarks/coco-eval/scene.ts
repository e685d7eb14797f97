import { RandomStream } from '@hookline/core';
import type { CocoAnnotation, CocoDetection, CocoGroundTruth } from '@hookline/vision';

/** The size of the synthetic data set. */
export interface SceneSize {
  readonly images: number;
  readonly categories: number;
  readonly objectsPerImage: number;
  readonly detectionsPerImage: number;
}

/** Makes objects and detections similar to those of COCO's validation set: some objects are missed, and most detections are wrong. */
export function makeScene({ images, categories, objectsPerImage, detectionsPerImage }: SceneSize): {
  truth: CocoGroundTruth;
  detections: CocoDetection[];
} {
  const random = new RandomStream(1, 'coco-eval');
  const annotations: CocoAnnotation[] = [];
  const detections: CocoDetection[] = [];
  const side = (): number => Math.exp(Math.log(8) + random.float() * Math.log(50));
  for (let image = 1; image <= images; image++) {
    const kinds = Array.from({ length: 3 }, () => 1 + random.int(categories));
    for (let object = 0; object < objectsPerImage; object++) {
      const bbox = [random.float() * 500, random.float() * 400, side(), side()] as const;
      const category_id = kinds[random.int(3)] as number;
      const area = bbox[2] * bbox[3] * 0.7;
      annotations.push({ image_id: image, category_id, bbox, area, iscrowd: random.int(100) === 0 ? 1 : 0 });
      for (let copy = random.int(4); copy > 0; copy--) {
        const [x, y, width, height] = bbox;
        const shifted = [
          x + random.normal() * 0.08 * width,
          y + random.normal() * 0.08 * height,
          width,
          height,
        ] as const;
        detections.push({ image_id: image, category_id, bbox: shifted, score: random.float() });
      }
    }
    for (let rest = detections.length; rest < image * detectionsPerImage; rest++) {
      const bbox = [random.float() * 500, random.float() * 400, side(), side()] as const;
      const category_id = 1 + random.int(categories);
      detections.push({ image_id: image, category_id, bbox, score: random.float() * 0.6 });
    }
  }
  return {
    truth: {
      images: Array.from({ length: images }, (_, index) => ({ id: index + 1 })),
      categories: Array.from({ length: categories }, (_, index) => ({ id: index + 1, name: `class ${index + 1}` })),
      annotations,
    },
    detections,
  };
}
