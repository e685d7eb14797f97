import { assertKnownOptions, type OptionNames, pickOptions } from '@hookline/core';
import { type Detections, type PostprocessOptions, selectCandidates } from '@hookline/inference/detections';
import { inEvalMode, tf } from '@hookline/tfjs';
import type { Detector } from '../detector/detector.ts';
import { mapImages } from '../postprocess/postprocess.ts';
import { boxVoting, VOTING_OPTIONS, type VotingOptions } from './box-voting.ts';
import { listViews, makeView, undoView, VIEW_OPTIONS, type ViewOptions } from './views.ts';

/** Options of {@link predictViews}. */
export interface TtaOptions extends ViewOptions, VotingOptions, Pick<PostprocessOptions, 'scoreThreshold' | 'topK'> {}

/** All names of {@link TtaOptions}. */
export const TTA_OPTIONS = {
  ...{ ...VIEW_OPTIONS, ...VOTING_OPTIONS },
  ...{ scoreThreshold: true, topK: true },
} as const satisfies OptionNames<TtaOptions>;

/**
 * Detects objects in several views of each image and merges the detections by {@link boxVoting}. The network runs in eval mode.
 *
 * @param images RGB from 0 to 255, [batch, height, width, 3]; the caller still owns them
 * @returns detections of each image, best score first, with boxes in pixels of `images`
 * @throws HooklineError `HKL_OPTION_UNKNOWN`
 */
export async function predictViews(
  model: Pick<Detector, 'training' | 'predict'>,
  images: tf.Tensor4D,
  options: TtaOptions = {},
): Promise<Detections[]> {
  assertKnownOptions('predictViews', options, TTA_OPTIONS);
  const [batch, height, width] = images.shape;
  const found: Detections[][] = Array.from({ length: batch }, () => []);
  for (const view of listViews(options)) {
    const seen = makeView(images, view);
    const outputs = inEvalMode(model, () => model.predict(seen));
    try {
      await mapImages(outputs, (scores, boxes, classes, image) => {
        const one = selectCandidates(scores, boxes, classes, options);
        undoView(one.boxes, view, [height, width]);
        found[image]?.push(one);
      });
    } finally {
      tf.dispose([seen, outputs.scores, outputs.boxes]);
    }
  }
  return found.map((views) => boxVoting(concatDetections(views), pickOptions(options, VOTING_OPTIONS)));
}

function concatDetections(parts: readonly Detections[]): Detections {
  const count = parts.reduce((sum, { scores }) => sum + scores.length, 0);
  const all: Detections = {
    boxes: new Float32Array(count * 4),
    scores: new Float32Array(count),
    classes: new Int32Array(count),
  };
  let at = 0;
  for (const { boxes, scores, classes } of parts) {
    all.boxes.set(boxes, at * 4);
    all.scores.set(scores, at);
    all.classes.set(classes, at);
    at += scores.length;
  }
  return all;
}
