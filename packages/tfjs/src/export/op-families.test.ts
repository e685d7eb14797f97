import { join } from 'node:path';
import { HooklineError } from '@hookline/core';
import tf from '#tfjs';
import { loadNativeBackend } from '../device/load-native.ts';
import { functionModel } from '../model/function-model.ts';
import { loadWasmBackend } from '../device/wasm-backend.ts';
import type { ExportFormat } from '../export-formats/written-model.ts';
import { exportModel } from './export-model.ts';
import { readGraphModel } from './read-written.test.support.ts';
import { freeFamilies, OP_FAMILIES } from './op-families.test.support.ts';

let folder: string;
beforeAll(async () => {
  await loadNativeBackend(true);
  folder = temporaryFolder();
});
afterAll(() => {
  freeFamilies();
});

/** Families refused in every format, each with a word of the error. */
const REFUSED: Readonly<Record<string, RegExp>> = {
  unstackBatch: /HKL_EXPORT_BATCH/,
  noSuppression: /NonMaxSuppression/,
  squaredBatch: /HKL_EXPORT_BATCH/,
};
/** Families refused in one format only. */
const REFUSED_IN: Partial<Record<ExportFormat, Readonly<Record<string, RegExp>>>> = {
  onnx: {
    cumprod: /Cumprod/,
    spaceToBatch: /SpaceToBatchND/,
    linspaceEye: /LinSpace/,
    cropAndResize: /CropAndResize/,
    fft: /FFT/,
  },
};

const FORMATS = ['graph-model', 'saved-model', 'onnx'] as const satisfies ExportFormat[];

/** The result of predict for three items, by family, to compare other backends with. */
const expected = new Map<string, { readonly inputs: number[][]; readonly outputs: readonly number[][] }>();

describe.each(FORMATS)('as %s', (format) => {
  it.each(Object.entries(OP_FAMILIES))('%s is equal or refused by name', async (name, { shape, run }) => {
    const model = functionModel({
      name,
      variables: {},
      losses: () => tf.scalar(0),
      predict: (t: tf.Tensor) => tf.tidy(() => run(t as never)),
    });
    const exported = exportModel(model, {
      format,
      output: join(folder, format, name),
      inputs: { shape: [null, ...shape], range: [-1, 1] },
    });
    const refusal = REFUSED[name] ?? REFUSED_IN[format]?.[name];
    if (refusal !== undefined) {
      const error: unknown = await exported.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(HooklineError);
      const { code, message } = error as HooklineError;
      expect(`${code}: ${message}`).toMatch(refusal);
      return;
    }
    const { check } = await exported;
    if (typeof check === 'string' && format === 'onnx') skipTest(check);
    expect(check).toMatchObject({ batches: [1, 4] });
    expect((check as { difference: number }).difference).toBeLessThan(1e-5);
    const inputs = tf.randomUniform([3, ...shape], -1, 1, 'float32', 7);
    const outputs = tf.tidy(() => run(inputs as never));
    const values = outputs instanceof tf.Tensor ? [outputs] : Object.values(outputs);
    expected.set(name, { inputs: [[...inputs.dataSync()]], outputs: values.map((value) => [...value.dataSync()]) });
    tf.dispose([inputs, outputs as tf.Tensor]);
  });
});

/** Kernels that a backend of TensorFlow.js lacks. Running a model that needs one raises an error. */
const LACKING: Readonly<Record<string, Readonly<Record<string, RegExp>>>> = {
  cpu: {},
  wasm: { einsum: /Einsum/, fft: /Complex/ },
};

describe('a GraphModel without native TensorFlow', () => {
  it.each(['cpu', 'wasm'])('gives the same outputs on %s', async (backend) => {
    if (backend === 'wasm') await loadWasmBackend();
    await tf.setBackend(backend);
    try {
      const found: Record<string, string> = {};
      for (const [name, { inputs, outputs }] of expected) {
        const model = await readGraphModel(join(folder, 'graph-model', name));
        const x = tf.tensor(inputs[0]!, [3, ...OP_FAMILIES[name]!.shape]);
        try {
          const got = [
            model.execute(
              { input: x },
              model.outputs.map((output) => output.name),
            ),
          ].flat();
          const worst = got.map((tensor, place) => distance([...tensor.dataSync()], outputs[place]!));
          if (Math.max(...worst) > 2e-5) found[name] = `off by ${worst.join()}`;
          tf.dispose(got);
        } catch (error) {
          found[name] = (error as Error).message;
        }
        x.dispose();
        model.dispose();
      }
      const lacking = LACKING[backend]!;
      expect(found).toEqual(
        Object.fromEntries(Object.entries(lacking).map(([name, message]) => [name, expect.stringMatching(message)])),
      );
    } finally {
      await loadNativeBackend(true);
      await tf.setBackend('tensorflow');
    }
  });
});

const distance = (got: readonly number[], want: readonly number[]): number => {
  const largest = Math.max(...want.map(Math.abs), 1e-6);
  return Math.max(...want.map((value, place) => Math.abs(value - got[place]!))) / largest;
};
