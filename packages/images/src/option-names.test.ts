import {
  BatchSampler,
  InferenceSampler,
  RandomSubsetTrainingSampler,
  RepeatFactorTrainingSampler,
  TrainingSampler,
} from '@hookline/data';
import {
  AffineTransform,
  blankPicture,
  decodeFile,
  DetectionLoader,
  drawDetections,
  findFormats,
  fixedSizeCrop,
  formatReport,
  minIoURandomCrop,
  padTransform,
  randomAffine,
  randomApply,
  randomCrop,
  randomExtent,
  randomFlip,
  randomRotation,
  prepareImage,
  randomWindow,
  readCoco,
  readPicture,
  readVoc,
  resize,
  resizeScale,
  resizeShortestEdge,
  rotationTransform,
  WindowTransform,
  writeCoco,
} from './index.ts';

const NOTHING = { boxes: new Float32Array(0), scores: new Float32Array(0), classes: new Int32Array(0) };
const NO_CLASSES = { classes: [], categoryIds: [], evaluator: 'coco', source: 'none' } as const;

const REPORT = { source: 'none', images: 0, annotations: 0, keptImages: 0, keptAnnotations: 0, problems: [] };

/** Calls each function with valid options and the given ones. */
const makers: Record<string, (junk: object) => unknown> = {
  randomFlip: (junk) => randomFlip(junk),
  randomApply: (junk) => randomApply(randomFlip(), junk),
  randomRotation: (junk) => randomRotation({ angles: [10], ...junk }),
  randomExtent: (junk) => randomExtent({ scale: [1, 1], shift: [0, 0], ...junk }),
  randomAffine: (junk) => randomAffine(junk),
  randomCrop: (junk) => randomCrop({ type: 'relative', size: [0.5, 0.5], ...junk }),
  fixedSizeCrop: (junk) => fixedSizeCrop({ width: 4, height: 4, ...junk }),
  randomWindow: (junk) => randomWindow({ width: 4, height: 4, ...junk }),
  minIoURandomCrop: (junk) => minIoURandomCrop(junk),
  resize: (junk) => resize({ width: 4, height: 4, ...junk }),
  resizeShortestEdge: (junk) => resizeShortestEdge({ lengths: [4], ...junk }),
  resizeScale: (junk) => resizeScale({ minScale: 1, maxScale: 2, width: 4, height: 4, ...junk }),
  AffineTransform: (junk) => new AffineTransform({ matrix: [1, 0, 0, 0, 1, 0], width: 4, height: 4, ...junk }),
  rotationTransform: (junk) => rotationTransform({ angle: 10, width: 4, height: 4, ...junk }),
  WindowTransform: (junk) => new WindowTransform({ x: 0, y: 0, width: 4, height: 4, ...junk }, 4, 4),
  padTransform: (junk) => padTransform({ left: 1, top: 1, right: 1, bottom: 1, ...junk }, 4, 4),
  formatReport: (junk) => formatReport(REPORT, junk),
  TrainingSampler: (junk) => new TrainingSampler(4, junk),
  RandomSubsetTrainingSampler: (junk) => new RandomSubsetTrainingSampler(4, 0.5, junk),
  RepeatFactorTrainingSampler: (junk) => new RepeatFactorTrainingSampler([1], junk),
  InferenceSampler: (junk) => new InferenceSampler(4, junk),
  BatchSampler: (junk) => new BatchSampler(new TrainingSampler(4), { batchSize: 1, ...junk }),
  drawDetections: (junk) => drawDetections(blankPicture(4, 4), NOTHING, { classNames: [], ...junk }),
  DetectionLoader: (junk) =>
    new DetectionLoader([{ file: 'a.png', width: 4, height: 4, imageId: 1, annotations: [] }], {
      batchSize: 1,
      workers: 0,
      ...junk,
    }),
};

describe('options with a misspelt name', () => {
  it.each(Object.entries(makers))('are refused by %s', (name, make) => {
    make({});
    expect(() => make({ shufle: true })).toThrow(`[HKL_OPTION_UNKNOWN] ${name}: it has no option "shufle"`);
  });

  it('are refused with the name that was meant', () => {
    expect(() => randomFlip({ prob: 1 } as object)).toThrow('probability');
    expect(() => new TrainingSampler(4, { shufle: false } as object)).toThrow('shuffle');
  });

  it.each<readonly [string, (junk: object) => Promise<unknown>]>([
    ['readCoco', (junk) => readCoco({ json: 'none.json', ...junk })],
    ['readVoc', (junk) => readVoc({ root: 'none', ...junk })],
    ['findFormats', (junk) => findFormats('none', junk)],
    ['prepareImage', (junk) => prepareImage('none.png', junk)],
    ['decodeFile', (junk) => decodeFile('none.png', junk)],
    ['readPicture', (junk) => readPicture('none.png', junk)],
    ['writeCoco', (junk) => writeCoco('none.json', { records: [], metadata: NO_CLASSES }, junk)],
  ])('are refused by %s', async (name, read) => {
    await expect(read({ strcit: true })).rejects.toThrow(`[HKL_OPTION_UNKNOWN] ${name}: it has no option "strcit"`);
  });
});
