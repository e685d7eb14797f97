import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import tf from '#tfjs';
import { writeParts } from './write-parts.ts';

const WEIGHTS = 'weights.bin';

/**
 * Writes a tf.layers model for `tf.loadLayersModel`: `model.json` and its weights. Other programs can continue training
 * it.
 *
 * @returns the files, relative to the folder
 */
export async function writeLayersModel(layers: tf.LayersModel, folder: string): Promise<readonly string[]> {
  const save = async (artifacts: tf.io.ModelArtifacts): Promise<tf.io.SaveResult> => {
    const { weightData, weightSpecs, ...rest } = artifacts;
    const parts = weightData === undefined ? [] : [weightData].flat().map((data) => new Uint8Array(data));
    await writeParts(join(folder, WEIGHTS), parts);
    const manifest = [{ paths: [WEIGHTS], weights: weightSpecs ?? [] }];
    await writeFile(
      join(folder, 'model.json'),
      JSON.stringify({ ...rest, generatedBy: 'hookline', weightsManifest: manifest }),
    );
    return { modelArtifactsInfo: { dateSaved: new Date(), modelTopologyType: 'JSON' } };
  };
  await layers.save({ save });
  return ['model.json', WEIGHTS];
}

/** Reads the written model with `tf.loadLayersModel`. */
export function loadWrittenLayers(
  folder: string,
  read: (path: string) => Promise<Uint8Array>,
): Promise<tf.LayersModel> {
  return tf.loadLayersModel({
    load: async () => {
      const written = JSON.parse(Buffer.from(await read(join(folder, 'model.json'))).toString()) as object;
      const { weightsManifest } = written as {
        readonly weightsManifest: readonly [{ weights: tf.io.WeightsManifestEntry[] }];
      };
      const data = new Uint8Array(await read(join(folder, WEIGHTS)));
      return { ...written, weightSpecs: weightsManifest[0].weights, weightData: data.buffer };
    },
  });
}
