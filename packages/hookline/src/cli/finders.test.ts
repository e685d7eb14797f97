import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { failureOf } from './batch-size/try-size.ts';
import { describeThroughput, nextMemory, scaledRate, suggestSize } from './batch-size/suggest-size.ts';
import { buildCommand, runCommand, userFolder } from './built-command.test.support.ts';

/** A trainer file that learns which of two numbers is larger, and fails for batches larger than 1. */
const TRAINER = `
import { ArrayLoader, ClassificationEvaluator, defineConfig, defineTrainer, layersModel, tf } from 'hookline';

const x = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i * 1.7));
const y = Int32Array.from({ length: 32 }, (_, i) => (x[2 * i]! > x[2 * i + 1]! ? 1 : 0));
const data = { x: { data: x, shape: [32, 2] }, y: { data: y, shape: [32] } };

export default defineTrainer({
  config: defineConfig({ seed: 1, solver: { batchSize: 1, maxIterations: 40, baseLr: 0.25, warmupIterations: 0 }, checkpoint: { best: 'accuracy' } }),
  buildModel: () =>
    layersModel(tf.sequential({ layers: [tf.layers.dense({ units: 2, inputShape: [2] })] }), {
      loss: (logits, { y }) => tf.losses.softmaxCrossEntropy(tf.oneHot(y.toInt(), 2), logits as tf.Tensor),
    }),
  buildTrainLoader({ solver: { batchSize } }) {
    if (batchSize > 1) throw new RangeError('Array buffer allocation failed');
    return new ArrayLoader(data, { batchSize, shuffle: true, repeat: true });
  },
  buildTestLoader: () => new ArrayLoader(data, { batchSize: 32 }),
  buildEvaluator: () => new ClassificationEvaluator(),
});
`;

let folder: string;

beforeAll(() => {
  buildCommand();
  folder = userFolder('finders', TRAINER);
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true }));

function hookline(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return runCommand(folder, args);
}

it('lr-finder suggests a rate, and writes nothing but its curve', () => {
  const args = ['--min-rate', '0.01', '--max-rate', '100', '--steps=30', '--output', 'runs/rate'];
  const { status, stdout, stderr } = hookline('lr-finder', 'trainer.ts', ...args);
  expect(stderr).not.toContain('error');
  const [, rate] = /^suggestion: --set solver\.baseLr=([\d.]+), where the loss fell most steeply$/m.exec(stdout) ?? [];
  expect(Number(rate)).toBeGreaterThan(0.01);
  expect(stdout).toContain('plot:       runs/rate/lr-finder.svg\npoints:     runs/rate/lr-finder.csv\n');
  expect(readdirSync(join(folder, 'runs/rate')).sort()).toEqual(['lr-finder.csv', 'lr-finder.svg']);
  expect(status).toBe(0);
}, 120_000);

it('train --overfit gets a batch by heart, in a folder of its own, and evaluates nothing', () => {
  const { status, stderr } = hookline('train', 'trainer.ts', '--overfit', '1', '--set', 'output=runs/a');
  expect(stderr).toContain('overfit:    on the same batch again and again; nothing is evaluated\n');
  expect(stderr).not.toContain('there is no metric');
  expect(status).toBe(0);
  expect(existsSync(join(folder, 'runs/a'))).toBe(false);
  const lines = readFileSync(join(folder, 'runs/a-overfit/metrics.json'), 'utf8').trim().split('\n');
  const last = JSON.parse(lines.at(-1) ?? '{}') as Record<string, number>;
  // On changing batches the loss would rise and fall; on a single batch it only falls.
  expect(last['total_loss']).toBeLessThan(0.2);
  expect(last).not.toHaveProperty('accuracy');
}, 120_000);

it('batch-size tries sizes in processes of their own until one does not fit', () => {
  const { status, stdout } = hookline('batch-size', 'trainer.ts', '--steps', '3', '--json');
  const found = JSON.parse(stdout) as {
    tried: object[];
    largest: number;
    end: string;
    suggestion: { batchSize: number; baseLr: number };
  };
  expect(found.tried).toEqual([
    { batchSize: 1, secondsPerStep: expect.any(Number), memory: expect.any(Number) },
    {
      batchSize: 2,
      failure: expect.stringMatching(/^out of memory: .*Array buffer allocation failed/),
      isMemory: true,
    },
  ]);
  expect(found).toMatchObject({ largest: 1, end: '2 does not fit', suggestion: { batchSize: 1, baseLr: 0.25 } });
  expect(readdirSync(folder)).not.toContain('output');
  expect(status).toBe(0);
}, 120_000);

describe('what batch-size makes of its figures', () => {
  const timed = (batchSize: number, samples: number, memory = 0) => ({
    batchSize,
    secondsPerStep: batchSize / samples,
    memory,
  });

  it('suggests the smallest size within 5 % of the best', () => {
    expect(suggestSize([timed(1, 10), timed(2, 19), timed(4, 30), timed(8, 31), timed(16, 28)])?.batchSize).toBe(4);
    expect(scaledRate(0.1, 16, 4)).toBe(0.025);
  });

  it('says that the throughput levels off only where a larger size was timed', () => {
    const describe = (size: number, largest: number, isLimited: boolean) =>
      describeThroughput({ size, largest, isLimited });
    expect(describe(4, 8, false)).toBe('from there on the samples per second level off');
    expect(describe(64, 64, false)).toMatch(/still rise at the largest size that was tried: try --max 128$/);
    expect(describe(64, 64, true)).toMatch(/still rise at the largest size that fits$/);
  });

  it('foresees the memory of the next size from the last doubling', () => {
    expect(nextMemory([timed(1, 1, 100)])).toBeUndefined();
    expect(nextMemory([timed(1, 1, 100), timed(2, 1, 110), timed(4, 1, 130)])).toBe(170);
  });

  it('tells want of memory from other failures', () => {
    expect(failureOf(8, 'SIGKILL', '')).toMatchObject({ failure: 'out of memory: by SIGKILL', isMemory: true });
    expect(failureOf(8, null, 'x\nOOM when allocating tensor of [8]\n')).toMatchObject({ isMemory: true });
    expect(failureOf(8, null, 'error: the data is too short')).toEqual({
      batchSize: 8,
      failure: 'failed: error: the data is too short',
      isMemory: false,
    });
  });
});
