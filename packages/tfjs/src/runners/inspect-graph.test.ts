import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { at, rig } from '../step/step-fixture.test.support.ts';
import { CapturedStepRunner } from './captured-runner.ts';
import { describeGraph, writeGraphEvents } from './inspect-graph.ts';

beforeAll(async () => {
  await loadNativeBackend(true);
});
afterEach(() => tf.disposeVariables());

describe('a captured graph', () => {
  it('is described with its ops before and after the passes', async () => {
    const { step, source } = rig();
    const runner = new CapturedStepRunner({ step, source, capture: 'required' });
    expect(describeGraph(runner.recorded)).toBe('no step has been captured');
    await runner.run(at(0));
    const text = describeGraph(runner.recorded);
    expect(text).toMatch(/graph 1: \d+ ops recorded, \d+ in the graph/);
    expect(text).toContain('batch/x  float32[4, 3]');
    expect(text).toContain('input/learning_rate  float32[]');
    expect(text).toContain('* model/w  float32[3, 1]');
    expect(text).toMatch(/BatchMatMulV2 +2 > +0/);
    expect(text).toMatch(/MatMul +0 > +2/);
    expect(text).toContain('casts: none');
    await runner.close();
  });

  it('is written for TensorBoard, without leaking tensors', async () => {
    const { step, source } = rig();
    const runner = new CapturedStepRunner({ step, source, capture: 'required' });
    await runner.run(at(0));
    const folder = join(temporaryFolder(), 'logs');
    const { binding } = tf.backend() as unknown as { binding: { getNumOfTensors(): number } };
    const tensors = binding.getNumOfTensors();
    writeGraphEvents(runner.recorded, folder);
    expect(binding.getNumOfTensors()).toBe(tensors);
    const [file] = readdirSync(folder);
    const content = readFileSync(join(folder, file as string), 'latin1');
    expect(content).toContain('variables/0_model/w');
    expect(content).toContain('ResourceApply');
    await runner.close();
  });
});
