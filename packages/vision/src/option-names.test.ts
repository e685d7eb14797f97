import { selectDevice } from '@hookline/tfjs';
import { CocoEvaluator } from './evaluators/coco-evaluator.ts';
import { VocEvaluator } from './evaluators/voc-evaluator.ts';
import { residualBackbone } from './backbones/residual-backbone.ts';
import { detector } from './detector/detector.ts';
import { fcosHead } from './detector/fcos-head.ts';
import { retinaHead } from './detector/retina-head.ts';
import { predictImage } from './prediction/predict-image.ts';

beforeAll(() => selectDevice('auto'));

const truth = { images: [], annotations: [], categories: [] };

it.each<[string, (junk: object) => unknown]>([
  ['fcosHead', (junk) => fcosHead(junk)],
  ['retinaHead', (junk) => retinaHead(junk)],
  ['residualBackbone', (junk) => residualBackbone(junk)],
  ['detector', (junk) => detector({ classNames: ['a'], ...junk })],
  ['CocoEvaluator', (junk) => new CocoEvaluator({ truth, ...junk })],
  ['VocEvaluator', (junk) => new VocEvaluator({ truth, ...junk })],
])('%s refuses an option with a misspelt name', (name, make) => {
  make({});
  expect(() => make({ clases: 3 })).toThrow(`[HKL_OPTION_UNKNOWN] ${name}: it has no option "clases"`);
});

it('predictImage refuses an option with a misspelt name, before it reads the image', async () => {
  const model = detector({ classNames: ['a'] });
  const prediction = predictImage(model, 'nowhere.png', { scoreTreshold: 0.5 } as object);
  await expect(prediction).rejects.toThrow('Did you mean "scoreThreshold"');
});
