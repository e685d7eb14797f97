import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { RandomStream } from '@hookline/core';
import { exportModel, layersModel, seededInit, selectDevice, tf } from '@hookline/tfjs';
import { writePicture } from '@hookline/images';
import { loadClassifier, loadDetector, type LoadOptions, type OnnxRuntime, type TfRuntime } from '@hookline/inference';
import { residualBackbone } from '../backbones/residual-backbone.ts';
import { detector } from '../detector/detector.ts';
import { fcosHead } from '../detector/fcos-head.ts';
import { predictImage } from './predict-image.ts';

let folder: string;
let server: Server;
let base: string;

beforeAll(async () => {
  await selectDevice('cpu');
  folder = temporaryFolder();
  server = createServer((request, response) => {
    void readFile(join(folder, request.url ?? '')).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  base = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
});
afterAll(() => {
  server.close();
  tf.disposeVariables();
});

/** A picture of soft shapes and some noise. */
function picture(width: number, height: number): { data: Uint8Array; width: number; height: number; channels: 3 } {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => {
    const [x, y, channel] = [Math.floor(at / 3) % width, Math.floor(at / 3 / width), at % 3];
    return 128 + 90 * Math.sin((x * (channel + 1)) / 9) * Math.cos(y / 7 + channel) + ((at * 7919) % 31) - 15;
  });
  return { data, width, height, channels: 3 };
}

/** A detector that finds many arbitrary objects. */
function eagerDetector() {
  const backbone = residualBackbone({ widths: [8, 8, 8], channels: 8 });
  const head = fcosHead({ convs: 1 });
  const model = seededInit(new RandomStream(1, 'init'), () =>
    detector({ classNames: ['a', 'b', 'c'], backbone, head }),
  );
  for (const [name, variable] of model.trainable()) {
    if (name === 'head/class/bias') variable.assign(tf.fill(variable.shape, -2));
    // Larger factors drive most scores to 1, and the order of equal scores is arbitrary.
    else if (name.startsWith('head/')) variable.assign(variable.mul(3));
  }
  return model;
}

const onnxRuntime = (): OnnxRuntime | undefined => {
  try {
    return createRequire(import.meta.url)('onnxruntime-node') as OnnxRuntime;
  } catch {
    return undefined;
  }
};

describe('loadDetector', () => {
  const ort = onnxRuntime();
  const runtimes = { 'graph-model': { tf: tf as unknown as TfRuntime }, onnx: ort === undefined ? undefined : { ort } };

  for (const [format, options] of Object.entries(runtimes) as ['graph-model' | 'onnx', LoadOptions | undefined][]) {
    const test = options === undefined ? it.skip : it;
    test(`finds as ${format} what predict finds (onnx needs onnxruntime-node)`, async () => {
      const model = eagerDetector();
      const frame = { width: 64, height: 48 };
      const postprocessing = { scoreThreshold: 0.05, nmsThreshold: 0.4, maxDetections: 30 };
      await exportModel(model, {
        format,
        output: join(folder, format),
        inputs: { name: 'images', shape: [null, 48, 64, 3], range: [0, 255] },
        details: {
          task: 'detection',
          classNames: model.classNames,
          preparation: { ...frame, fit: 'inside', fill: 114 },
          postprocessing,
        },
      });
      const loaded = await loadDetector(`${base}/${format}`, options ?? {});
      // A picture of the input's size, one that needs padding below, and one that is resized.
      for (const size of [frame, { width: 64, height: 30 }, { width: 150, height: 90 }]) {
        const image = picture(size.width, size.height);
        const file = join(folder, 'picture.png');
        await writePicture(file, image);
        const { detections: want } = await predictImage(model, file, { size: frame, ...postprocessing });
        const { detections, width, height } = await loaded.detect(image, { score: 0 });
        expect([width, height]).toEqual([size.width, size.height]);
        expect(want.scores.length).toBeGreaterThan(5);
        expect(detections.map((each) => each.class)).toEqual([...want.classes].map((kind) => model.classNames[kind]));
        detections.forEach(({ box, score }, row) => {
          expect(score).toBeCloseTo(want.scores[row]!, 5);
          box.forEach((edge, side) => expect(edge).toBeCloseTo(want.boxes[row * 4 + side]!, 2));
        });
        expect((await loaded.detect(image)).detections.every(({ score }) => score >= 0.4)).toBe(true);
      }
      // It is fully transparent, so it becomes white.
      const clear = { data: new Uint8Array(64 * 48 * 4), ...frame };
      const white = { data: new Uint8Array(64 * 48 * 3).fill(255), ...frame };
      expect(await loaded.detect(clear, { score: 0 })).toEqual(await loaded.detect(white, { score: 0 }));
      await loaded.dispose();
    });
  }

  it('says what is wrong', async () => {
    const code = (name: string) => expect.objectContaining({ code: `HKL_INFERENCE_${name}` }) as unknown;
    const options = { tf: tf as unknown as TfRuntime };
    await expect(loadDetector(`${base}/nothing`, options)).rejects.toEqual(code('MODEL'));
    await expect(loadDetector(`${base}/graph-model`, {})).rejects.toEqual(code('RUNTIME'));
    const loaded = await loadDetector(`${base}/graph-model/export.json`, options);
    await expect(loaded.detect({ data: new Uint8Array(5), width: 2, height: 2 })).rejects.toEqual(code('PICTURE'));
    const misspelt = { scores: 0.5 } as object;
    await expect(loaded.detect({ data: new Uint8Array(3), width: 1, height: 1 }, misspelt)).rejects.toEqual(
      code('OPTION'),
    );
    await expect(loadDetector(`${base}/graph-model`, { ...options, sesion: {} } as LoadOptions)).rejects.toEqual(
      code('OPTION'),
    );
    await loaded.dispose();
    await expect(loadClassifier(`${base}/graph-model`, options)).rejects.toEqual(code('MODEL'));
  });
});

describe('loadClassifier', () => {
  it('gives probabilities by class name, the best first', async () => {
    const net = tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [6, 6, 1] }),
        tf.layers.dense({ units: 3, kernelInitializer: tf.initializers.glorotNormal({ seed: 1 }) }),
      ],
    });
    const model = layersModel<{ image: tf.Tensor4D }>(net, {
      inputs: ({ image }) => image.toFloat().div(255),
      loss: (out) => (out as tf.Tensor).mean(),
    });
    const { data } = picture(6, 6);
    const grey = Uint8Array.from({ length: 36 }, (_, at) => data[at * 3]!);
    const image = tf.tensor4d(grey, [1, 6, 6, 1], 'int32');
    const details = { task: 'classification', classNames: ['x', 'y', 'z'], scores: 'logits' };
    await exportModel(model, { format: 'graph-model', output: join(folder, 'classes'), example: { image }, details });
    const loaded = await loadClassifier(`${base}/classes/`, { tf });
    const rgb = Uint8Array.from({ length: 108 }, (_, at) => grey[Math.floor(at / 3)]!);
    const found = await loaded.classify({ data: rgb, width: 6, height: 6 });
    const want = tf.softmax(model.predict(model.inputs!({ image }) as tf.Tensor) as tf.Tensor2D).dataSync();
    expect(found.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1, 5);
    expect(found.map(({ score }) => score)).toEqual(
      [...want].sort((a, b) => b - a).map((each) => expect.closeTo(each, 5) as number),
    );
    expect(found[0]?.class).toBe(details.classNames[want.indexOf(Math.max(...want))]);
    await loaded.dispose();
  });
});
