import { selectDevice, tf } from '@hookline/tfjs';
import { CocoEvaluator } from './evaluators/coco-evaluator.ts';
import { VocEvaluator } from './evaluators/voc-evaluator.ts';
import { residualBackbone } from './backbones/residual-backbone.ts';
import { detector } from './detector/detector.ts';
import { batchNorm, conv, depthwiseConv } from './layers/layers.ts';
import { linearLayer } from './layers/linear.ts';
import { Parameters } from './layers/parameters.ts';
import { fcosHead } from './detector/fcos-head.ts';
import { retinaHead } from './detector/retina-head.ts';
import { classificationLoss } from './classifier/classification-loss.ts';
import { evaluateCoco } from './coco-eval/evaluate-coco.ts';
import { evaluateVoc } from './coco-eval/voc-ap.ts';
import { boxVoting } from './prediction/box-voting.ts';
import { predictImage } from './prediction/predict-image.ts';
import { predictViews } from './prediction/predict-views.ts';
import { postprocess } from './postprocess/postprocess.ts';

beforeAll(() => selectDevice('auto'));

const truth = { images: [], annotations: [], categories: [] };
const nothing = { boxes: new Float32Array(0), scores: new Float32Array(0), classes: new Int32Array(0) };

it.each<[string, (junk: object) => unknown]>([
  ['fcosHead', (junk) => fcosHead(junk)],
  ['retinaHead', (junk) => retinaHead(junk)],
  ['residualBackbone', (junk) => residualBackbone(junk)],
  ['detector', (junk) => detector({ classNames: ['a'], ...junk })],
  ['CocoEvaluator', (junk) => new CocoEvaluator({ truth, ...junk })],
  ['VocEvaluator', (junk) => new VocEvaluator({ truth, ...junk })],
  ['option "postprocess" of an evaluator', (junk) => new CocoEvaluator({ truth, postprocess: junk })],
  ['option "focal" of fcosHead', (focal) => fcosHead({ focal })],
  ['option "focal" of retinaHead', (focal) => retinaHead({ focal })],
  ['boxVoting', (junk) => boxVoting(nothing, junk)],
  ['conv', (junk) => conv(new Parameters(), 'a', { from: 1, to: 1, ...junk })],
  ['depthwiseConv', (junk) => depthwiseConv(new Parameters(), 'a', { kernel: 3, channels: 1, stride: 1, ...junk })],
  ['batchNorm', (junk) => batchNorm(new Parameters(), 'a', 1, junk)],
  ['linearLayer', (junk) => linearLayer(new Parameters(), 'a', { from: 1, to: 1, ...junk })],
  ['evaluateCoco', (junk) => evaluateCoco(truth, [], junk)],
  ['evaluateVoc', (junk) => evaluateVoc(truth, [], junk)],
  ['classificationLoss', (junk) => classificationLoss(tf.zeros([1, 2]), tf.zeros([1], 'int32'), junk)],
])('%s refuses an option with a misspelt name', (name, make) => {
  make({});
  expect(() => make({ clases: 3 })).toThrow(`[HKL_OPTION_UNKNOWN] ${name}: it has no option "clases"`);
});

it('predictImage refuses an option with a misspelt name, before it reads the image', async () => {
  const model = detector({ classNames: ['a'] });
  const prediction = predictImage(model, 'nowhere.png', { scoreTreshold: 0.5 } as object);
  await expect(prediction).rejects.toThrow('Did you mean "scoreThreshold"');
});

it('the functions that read the outputs of a network refuse an option with a misspelt name', async () => {
  const model = detector({ classNames: ['a'] });
  const junk = { scoreTreshold: 0.5 } as object;
  const outputs = { boxes: tf.zeros<tf.Rank.R3>([1, 1, 4]), scores: tf.zeros<tf.Rank.R3>([1, 1, 1]) };
  await expect(postprocess(outputs, junk)).rejects.toThrow('postprocess: it has no option "scoreTreshold"');
  await expect(predictViews(model, tf.zeros([1, 8, 8, 3]), junk)).rejects.toThrow('predictViews: it has no option');
  await expect(predictImage(model, 'nowhere.png', { tta: junk })).rejects.toThrow('option "tta" of predictImage');
});
