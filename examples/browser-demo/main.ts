import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import { loadDetector, type DetectResult, type LoadedDetector } from '@hookline/inference';

setWasmPaths({
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
});

const byId = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;
const about = byId('about');
const backend = byId<HTMLSelectElement>('backend');
const score = byId<HTMLInputElement>('score');
const camera = byId<HTMLButtonElement>('camera');
const pictures = byId('pictures');
const drop = byId('drop');

/** `?model=URL` loads another model; `?backend=wasm` starts with another backend. */
const query = new URLSearchParams(location.search);
const model = new URL(query.get('model') ?? './model/', location.href);

let detector: Promise<LoadedDetector> | undefined;

async function load(): Promise<LoadedDetector> {
  // This module has half a megabyte, and only browsers with WebGPU can use it.
  if (backend.value === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend(backend.value))) throw new Error(`${backend.value} does not run in this browser`);
  await tf.ready();
  const loaded = await loadDetector(model, { tf });
  about.textContent = `It knows ${loaded.classNames.join(', ')}. Nothing leaves this page.`;
  return loaded;
}

function start(): Promise<LoadedDetector> {
  detector = load();
  detector.catch((error: unknown) => {
    about.className = 'error';
    about.textContent = `${(error as Error).message} (export a model first: see README.md)`;
  });
  return detector;
}

/** The colour of a class. The hues of all classes are evenly spaced. */
const colorOf = (name: string, names: readonly string[]): string =>
  `hsl(${Math.round((names.indexOf(name) * 360) / names.length)} 85% 45%)`;

function drawBoxes(canvas: HTMLCanvasElement, { detections }: DetectResult, names: readonly string[]): void {
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const size = Math.max(12, canvas.width / 28);
  context.lineWidth = Math.max(2, canvas.width / 200);
  context.font = `${size}px system-ui, sans-serif`;
  for (const { class: name, score: certainty, box } of detections) {
    const [x1, y1, x2, y2] = box;
    const text = `${name} ${Math.round(certainty * 100)} %`;
    context.strokeStyle = colorOf(name, names);
    context.fillStyle = colorOf(name, names);
    context.strokeRect(x1, y1, x2 - x1, y2 - y1);
    const [top, wide] = [Math.max(0, y1 - size * 1.3), context.measureText(text).width + size / 2];
    const left = Math.min(x1, Math.max(0, canvas.width - wide));
    context.fillRect(left, top, wide, size * 1.3);
    context.fillStyle = 'white';
    context.fillText(text, left + size / 4, top + size);
  }
}

interface Shown {
  readonly figure: HTMLElement;
  readonly canvas: HTMLCanvasElement;
  readonly caption: HTMLElement;
}

function addFigure(): Shown {
  const figure = document.createElement('figure');
  const canvas = document.createElement('canvas');
  const caption = document.createElement('figcaption');
  figure.append(canvas, caption);
  pictures.prepend(figure);
  return { figure, canvas, caption };
}

/** Runs the detector on a picture, draws the picture with its boxes, and shows the time of the detection in the caption. */
async function show(
  { figure, canvas, caption }: Shown,
  source: ImageBitmap | HTMLVideoElement,
  name: string,
): Promise<void> {
  const loaded = await (detector ?? start());
  const began = performance.now();
  const found = await loaded.detect(source, { score: Number(score.value) });
  const took = performance.now() - began;
  if (canvas.width !== found.width || canvas.height !== found.height)
    [canvas.width, canvas.height] = [found.width, found.height];
  canvas.getContext('2d')?.drawImage(source, 0, 0);
  drawBoxes(canvas, found, loaded.classNames);
  caption.textContent = `${name}: ${found.detections.length} found in ${took.toFixed(0)} ms by ${tf.getBackend()}`;
  figure.dataset['detections'] = JSON.stringify(found.detections);
}

const files: { readonly shown: Shown; readonly bitmap: ImageBitmap; readonly name: string }[] = [];

async function addFiles(list: Iterable<File>): Promise<void> {
  for (const file of list) {
    const shown = addFigure();
    try {
      const bitmap = await createImageBitmap(file, { premultiplyAlpha: 'none' });
      files.push({ shown, bitmap, name: file.name });
      await show(shown, bitmap, file.name);
    } catch (error) {
      shown.caption.className = 'error';
      shown.caption.textContent = `${file.name}: ${(error as Error).message}`;
    }
  }
}

async function showAgain(): Promise<void> {
  for (const { shown, bitmap, name } of files) await show(shown, bitmap, name);
}

async function runCamera(): Promise<void> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  const video = document.createElement('video');
  Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
  await video.play();
  const shown = addFigure();
  camera.setAttribute('aria-pressed', 'true');
  camera.textContent = 'Stop the camera';
  while (camera.getAttribute('aria-pressed') === 'true') {
    await show(shown, video, 'Camera');
    await new Promise(requestAnimationFrame);
  }
  for (const track of stream.getTracks()) track.stop();
  shown.figure.remove();
  camera.textContent = 'Use the camera';
}

const fail = (error: unknown): void => {
  about.className = 'error';
  about.textContent = (error as Error).message;
};

byId<HTMLInputElement>('files').addEventListener('change', ({ target }) => {
  void addFiles((target as HTMLInputElement).files ?? []);
});
camera.addEventListener('click', () => {
  if (camera.getAttribute('aria-pressed') === 'true') camera.setAttribute('aria-pressed', 'false');
  else runCamera().catch(fail);
});
backend.addEventListener('change', () => {
  const before = detector;
  start()
    .then(() => before?.then((old) => old.dispose()))
    .then(showAgain)
    .catch(fail);
});
score.addEventListener('input', () => {
  byId('shown').textContent = `${Math.round(Number(score.value) * 100)} %`;
});
score.addEventListener('change', () => void showAgain().catch(fail));
for (const name of ['dragover', 'drop'] as const) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle('over', name === 'dragover');
    if (name === 'drop') void addFiles(event.dataTransfer?.files ?? []);
  });
}
document.addEventListener('dragleave', () => drop.classList.remove('over'));

backend.value = query.get('backend') ?? 'webgl';
void start();
