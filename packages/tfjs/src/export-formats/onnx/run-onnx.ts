import { createRequire } from 'node:module';
import { join } from 'node:path';
import type tf from '#tfjs';
import type { HostOutput, WrittenModel } from '../written-model.ts';
import { ONNX_FILE } from './write-onnx.ts';

/** The packages that run ONNX models in Node, the faster one first. Neither is a dependency: they are large. */
const RUNTIMES = ['onnxruntime-node', 'onnxruntime-web'];

/** The part of ONNX Runtime that is used here. */
interface Runtime {
  readonly env: { logLevel?: string };
  readonly Tensor: new (type: string, data: unknown, dims: readonly number[]) => OnnxTensor;
  readonly InferenceSession: { create(path: string, options: object): Promise<Session> };
}
interface OnnxTensor {
  readonly dims: readonly number[];
  readonly data: ArrayLike<number>;
}
interface Session {
  run(feeds: Readonly<Record<string, OnnxTensor>>): Promise<Readonly<Record<string, OnnxTensor>>>;
  release(): Promise<void>;
}

/** The notice when neither package is installed. */
const MISSING = `not compared: neither ${RUNTIMES.join(' nor ')} is installed (npm install --ignore-scripts onnxruntime-node)`;

/**
 * Opens a written ONNX model with the ONNX Runtime of the user's project, or else the one installed beside Hookline.
 *
 * @returns a sentence instead when none is installed
 */
export async function openOnnx(folder: string): Promise<WrittenModel | string> {
  const found = findRuntime();
  if (found === undefined) return MISSING;
  const { name, runtime } = found;
  runtime.env.logLevel = 'error';
  const session = await runtime.InferenceSession.create(join(folder, ONNX_FILE), { logSeverityLevel: 3 });
  return {
    runtime: name,
    run: async (inputs) => {
      const feeds: Record<string, OnnxTensor> = {};
      for (const [input, tensor] of inputs)
        feeds[input] = new runtime.Tensor(tensor.dtype, await (tensor as tf.Tensor).data(), tensor.shape);
      const outputs = await session.run(feeds);
      return new Map(
        Object.entries(outputs).map(([output, { dims, data }]): [string, HostOutput] => [
          output,
          { shape: dims, values: data },
        ]),
      );
    },
    close: () => void session.release().catch(() => undefined),
  };
}

function findRuntime(): { readonly name: string; readonly runtime: Runtime } | undefined {
  for (const name of RUNTIMES) {
    for (const from of [join(process.cwd(), 'package.json'), import.meta.url]) {
      const require = createRequire(from);
      try {
        require.resolve(name);
      } catch {
        continue;
      }
      return { name, runtime: require(name) as Runtime };
    }
  }
  return undefined;
}
