import { inEvalMode, tf } from '@hookline/tfjs';
import type { Detector } from '../detector/detector.ts';
import type { Detections } from '@hookline/images';
import { candidates, type PostprocessOptions } from '../postprocess/postprocess.ts';
import { boxVoting, type VotingOptions } from './box-voting.ts';
import { listViews, makeView, undoView, type ViewOptions } from './views.ts';

/** Options of {@link predictViews}. */
export interface TtaOptions extends ViewOptions, VotingOptions, Pick<PostprocessOptions, 'scoreThreshold' | 'topK'> {}

/**
 * Detects in several views of each image and puts the detections together by voting. The images stay with the caller.
 *
 * @param images [batch, height, width, 3]
 * @returns per image, in its pixels, best score first
 */
export async function predictViews(
  model: Pick<Detector, 'training' | 'predict'>,
  images: tf.Tensor4D,
  options: TtaOptions = {},
): Promise<Detections[]> {
  const [batch, height, width] = images.shape;
  const found: Detections[][] = Array.from({ length: batch }, () => []);
  for (const view of listViews(options)) {
    const seen = makeView(images, view);
    const outputs = inEvalMode(model, () => model.predict(seen));
    try {
      const [, places, classes] = outputs.scores.shape;
      const [scores, boxes] = (await Promise.all([outputs.scores.data(), outputs.boxes.data()])) as Float32Array[];
      for (let image = 0; image < batch; image++) {
        const one = candidates(
          (scores as Float32Array).subarray(image * places * classes, (image + 1) * places * classes),
          (boxes as Float32Array).subarray(image * places * 4, (image + 1) * places * 4),
          classes,
          options,
        );
        undoView(one.boxes, view, [height, width]);
        found[image]?.push(one);
      }
    } finally {
      tf.dispose([seen, outputs.scores, outputs.boxes]);
    }
  }
  return found.map((views) => boxVoting(join(views), options));
}

function join(parts: readonly Detections[]): Detections {
  const count = parts.reduce((sum, { scores }) => sum + scores.length, 0);
  const joined: Detections = {
    boxes: new Float32Array(count * 4),
    scores: new Float32Array(count),
    classes: new Int32Array(count),
  };
  let at = 0;
  for (const { boxes, scores, classes } of parts) {
    joined.boxes.set(boxes, at * 4);
    joined.scores.set(scores, at);
    joined.classes.set(classes, at);
    at += scores.length;
  }
  return joined;
}
