import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { decodeFile } from '@hookline/images';
import { type LoadedDetector, loadDetector, type OnnxRuntime, type TfRuntime } from '@hookline/inference';
import { type CocoDetection, type CocoGroundTruth, evaluateCoco, summarizeCoco } from '@hookline/vision';
import * as tfjs from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import { type BenchmarkArgs, type BenchmarkResult, figure, type Figure, listArgument } from '../lib/index.ts';
import { CLI, ROOT } from '../lib/command-line.ts';
import { buildPage, serveFolders } from '../../examples/browser-demo/open-page.ts';
import { timeInBrowser } from './time-in-browser.ts';

const require = createRequire(import.meta.url);
const FORMATS = ['graph-model', 'onnx'] as const;

interface TruthFile extends CocoGroundTruth {
  readonly images: readonly { readonly id: number; readonly file_name: string }[];
}

interface Picture {
  readonly id: number;
  readonly file: string;
}

/**
 * Measures the exported models of a trained detector: the AP on its test set, compared with `hookline eval`, and the
 * milliseconds per picture from pixels to boxes, by runtime: TensorFlow.js with WebAssembly and ONNX Runtime in Node, and
 * the web page of examples/browser-demo in a headless Chromium.
 *
 * Options: `--trainer examples/scenes/trainer.ts`; `--run runs/scenes`, the folder of its finished run; `--truth RUN/data/test.json`, the
 * test set in COCO's format; `--backends webgl,webgpu,wasm`, the backends in the browser.
 */
export default async function exported({ quick, ...args }: BenchmarkArgs, folder: string): Promise<BenchmarkResult> {
  const text = (name: string, otherwise: string): string => (typeof args[name] === 'string' ? args[name] : otherwise);
  const trainer = text('trainer', 'examples/scenes/trainer.ts');
  const run = resolve(text('run', join(ROOT, 'runs', 'scenes')));
  const truthFile = resolve(text('truth', join(run, 'data', 'test.json')));
  if (!existsSync(join(run, 'last_checkpoint')) || !existsSync(truthFile))
    throw new Error(`there is no trained detector in ${run}, or no ${truthFile}; npm start makes both`);
  const truth = JSON.parse(readFileSync(truthFile, 'utf8')) as TruthFile;
  const all = truth.images.map(({ id, file_name: file }) => ({ id, file: join(dirname(truthFile), file) }));
  const pictures = quick ? all.slice(0, 10) : all;
  const page = join(folder, 'page');
  const server = await serveFolders({ '/': page, '/models/': join(run, 'exported') });
  try {
    const figures: Record<string, Figure> = {};
    const evaluated = hookline('eval', trainer, '--output', run, '--json').trim().split('\n').at(-1) ?? '';
    figures['ap.eval'] = figure([(JSON.parse(evaluated) as { bbox: { AP: number } }).bbox.AP], 'AP');
    for (const format of FORMATS) hookline('export', trainer, '--output', run, '--format', format);
    const notes: string[] = [];
    for (const format of FORMATS) {
      const options = await runtimeOf(format);
      if (options === undefined) {
        notes.push('onnxruntime-node is not installed: its rows are left out');
        continue;
      }
      const detector = await loadDetector(`${server.url}/models/${format}/`, options);
      const { detections, times } = await detectAll(detector, pictures, truth);
      const label = format === 'onnx' ? 'onnxruntime_node' : 'wasm_node';
      if (!quick) figures[`ap.${format}`] = figure([100 * summarizeCoco(evaluateCoco(truth, detections)).AP], 'AP');
      figures[`picture.${label}`] = figure(times, 'ms');
      await detector.dispose();
    }
    buildPage(page);
    const backends = listArgument(args['backends']) ?? ['webgl', 'webgpu', 'wasm'];
    const files = pictures.slice(0, 21).map(({ file }) => file);
    const timed = await timeInBrowser({ url: `${server.url}/?model=models/graph-model/`, backends, files });
    if (timed === undefined) notes.push('there is no Chromium: its rows are left out (HOOKLINE_CHROMIUM names it)');
    for (const [backend, found] of Object.entries(timed ?? {})) {
      if (typeof found === 'string') notes.push(`${backend} in Chromium: ${found}`);
      else figures[`picture.chromium_${backend}`] = figure(found, 'ms');
    }
    notes.push(
      'ap: bbox/AP on the test set, by hookline eval and through @hookline/inference with the exported models',
      'picture: from the pixels of one picture to its boxes, without reading the file; the first picture is left out',
    );
    return { figures, notes };
  } finally {
    server.close();
  }
}

function hookline(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [CLI, ...args], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`hookline ${args.join(' ')} ended with ${status}:\n${stderr}`);
  return stdout;
}

async function runtimeOf(
  format: (typeof FORMATS)[number],
): Promise<{ tf: TfRuntime } | { ort: OnnxRuntime } | undefined> {
  if (format === 'onnx') {
    try {
      return { ort: require('onnxruntime-node') as OnnxRuntime };
    } catch {
      return undefined;
    }
  }
  setWasmPaths(`${dirname(require.resolve('@tensorflow/tfjs-backend-wasm'))}/`);
  await tfjs.setBackend('wasm');
  return { tf: tfjs };
}

async function detectAll(
  detector: LoadedDetector,
  pictures: readonly Picture[],
  { categories }: CocoGroundTruth,
): Promise<{ detections: CocoDetection[]; times: number[] }> {
  const ids = new Map(categories.map(({ id, name }) => [name, id]));
  const detections: CocoDetection[] = [];
  const times: number[] = [];
  for (const { id, file } of pictures) {
    const { image } = await decodeFile(file);
    const begin = performance.now();
    const found = await detector.detect(image, { score: 0 });
    times.push(performance.now() - begin);
    for (const { class: name, score, box } of found.detections) {
      const [x1, y1, x2, y2] = box;
      detections.push({ image_id: id, category_id: ids.get(name) ?? -1, bbox: [x1, y1, x2 - x1, y2 - y1], score });
    }
  }
  return { detections, times: times.slice(1) };
}
