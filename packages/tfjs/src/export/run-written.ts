import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import tf from '#tfjs';
import { asNativeBackend, handleOf, type NativeBackend } from '../device/native-backend.ts';
import type { ExportGraph } from '../export-graph/export-graph.ts';
import { openOnnx } from '../export-formats/onnx/run-onnx.ts';
import { TAG } from '../export-formats/write-saved-model.ts';
import type { ExportFormat, HostOutput, WrittenModel } from '../export-formats/written-model.ts';

/**
 * Opens a written model in order to run it.
 *
 * @param folder the folder of the model
 * @returns a sentence instead when nothing that is installed could run it
 */
export async function openWritten(
  format: Exclude<ExportFormat, 'layers-model'>,
  folder: string,
  graph: ExportGraph,
): Promise<WrittenModel | string> {
  if (format === 'onnx') return openOnnx(folder);
  return format === 'saved-model' ? openSavedModel(folder, graph) : openGraphModel(folder, graph);
}

async function openGraphModel(folder: string, graph: ExportGraph): Promise<WrittenModel> {
  const written = JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')) as {
    readonly weightsManifest: readonly [{ readonly paths: string[]; readonly weights: tf.io.WeightsManifestEntry[] }];
  };
  const [{ paths, weights }] = written.weightsManifest;
  const weightData: ArrayBuffer[] = [];
  for (const path of paths) weightData.push(new Uint8Array(await readFile(join(folder, path))).buffer);
  const model = await tf.loadGraphModel({
    load: () => Promise.resolve({ ...(written as object), weightSpecs: weights, weightData }),
  });
  const names = graph.outputs.map(({ name }) => name);
  return {
    runtime: `TensorFlow.js (${tf.getBackend()})`,
    run: async (inputs) => {
      const outputs = [model.execute(Object.fromEntries(inputs), names)].flat();
      const found = await Promise.all(
        outputs.map(async (output) => ({ shape: output.shape, values: await output.data() })),
      );
      tf.dispose(outputs);
      return new Map(names.map((name, place) => [name, found[place] as HostOutput]));
    },
    close: () => model.dispose(),
  };
}

function openSavedModel(folder: string, graph: ExportGraph): WrittenModel {
  const backend = asNativeBackend(tf.backend()) as NativeBackend;
  const { binding } = backend;
  const id = binding.loadSavedModel(folder, TAG);
  const names = graph.outputs.map(({ name }) => name);
  return {
    runtime: 'native TensorFlow',
    run: async (inputs) => {
      const ends = graph.inputs.map(({ name }) => name);
      const handles = ends.map((name) => handleOf(backend, inputs.get(name) as tf.Tensor));
      const feeds = ends.map((name) => `${name}:0`).join(',');
      const outputs = binding.runSavedModel(id, handles, feeds, names.map((name) => `${name}:0`).join(','));
      const found = outputs.map((output): HostOutput => {
        const values = binding.tensorDataSync(output.id) as Float32Array;
        binding.deleteTensor(output.id);
        return { shape: output.shape, values };
      });
      return new Map(names.map((name, place) => [name, found[place] as HostOutput]));
    },
    close: () => binding.deleteSavedModel(id),
  };
}
