import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import tf from '#tfjs';

/** Loads a written GraphModel as a browser would. */
export function readGraphModel(folder: string): Promise<tf.GraphModel> {
  const model = JSON.parse(readFileSync(join(folder, 'model.json'), 'utf8'));
  const [{ paths, weights }] = model.weightsManifest;
  const data = Buffer.concat(paths.map((path: string) => readFileSync(join(folder, path))));
  const weightData = new Uint8Array(data).buffer;
  return tf.loadGraphModel({ load: () => Promise.resolve({ ...model, weightSpecs: weights, weightData }) });
}
