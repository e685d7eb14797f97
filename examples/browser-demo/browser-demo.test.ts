import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, resolve } from 'node:path';
import {
  detector,
  exportModel,
  fcosHead,
  predictImage,
  residualBackbone,
  selectDevice,
  tf,
  writePicture,
} from 'hookline';
import puppeteer, { type Browser, type ElementHandle } from 'puppeteer-core';

const ROOT = resolve(import.meta.dirname, '../..');
const CHROMIUM = [
  process.env['HOOKLINE_CHROMIUM'] ?? '',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== '' && existsSync(path));
const TYPES: Readonly<Record<string, string>> = {
  ...{ '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' },
  ...{ '.json': 'application/json', '.wasm': 'application/wasm' },
};

let folder: string;
let server: Server;
let browser: Browser;
const FRAME = { width: 64, height: 48 };

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  folder = mkdtempSync(join(tmpdir(), 'hookline-demo-'));
  const vite = join(ROOT, 'node_modules/vite/bin/vite.js');
  const env = { ...process.env, NODE_OPTIONS: '' };
  const args = [vite, 'build', import.meta.dirname, '--outDir', join(folder, 'page'), '--logLevel', 'error'];
  const built = spawnSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8', env });
  expect(built.stderr).toBe('');
  server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    const file = join(folder, path.startsWith('/model/') ? path : join('page', path === '/' ? 'index.html' : path));
    if (!existsSync(file)) return void response.writeHead(404).end();
    response.setHeader('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
    response.end(readFileSync(file));
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  browser = await puppeteer.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--enable-unsafe-swiftshader', '--use-angle=swiftshader'],
  });
});
afterAll(async () => {
  if (CHROMIUM === undefined) return;
  await browser?.close();
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A detector that finds much, though nothing in particular. */
function eagerDetector() {
  const backbone = residualBackbone({ widths: [8, 8, 8], channels: 8 });
  const model = detector({ classNames: ['a', 'b', 'c'], backbone, head: fcosHead({ convs: 1 }) });
  for (const [name, variable] of model.trainable()) {
    if (name === 'head/class/bias') variable.assign(tf.fill(variable.shape, -1));
    else if (name.startsWith('head/')) variable.assign(variable.mul(30));
  }
  return model;
}

(CHROMIUM === undefined ? it.skip : it)(
  'shows in a browser what predict finds (needs Chromium; HOOKLINE_CHROMIUM names it)',
  async () => {
    const { native } = await selectDevice('auto');
    // Exporting records TensorFlow's ops.
    if (!native) return;
    const model = eagerDetector();
    const postprocessing = { scoreThreshold: 0.05, topK: 1000, nmsThreshold: 0.5, maxDetections: 100 };
    await exportModel(model, {
      format: 'graph-model',
      output: join(folder, 'model'),
      inputs: { name: 'images', shape: [null, FRAME.height, FRAME.width, 3], range: [0, 255] },
      details: {
        task: 'detection',
        classNames: model.classNames,
        preparation: { ...FRAME, fit: 'inside', fill: 114 },
        postprocessing,
      },
    });
    const file = join(folder, 'picture.png');
    const pixels = Uint8Array.from(
      { length: 64 * 40 * 3 },
      (_, at) => 128 + 100 * Math.sin(at / 11) * Math.cos(at / 700),
    );
    await writePicture(file, { data: pixels, width: 64, height: 40, channels: 3 });
    const { detections: want } = await predictImage(model, file, { size: FRAME, ...postprocessing });
    const shown = Array.from(want.scores, (score, row) => ({ score, row })).filter(({ score }) => score >= 0.4);
    expect(shown.length).toBeGreaterThan(3);

    const { port } = server.address() as { port: number };
    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    for (const backend of ['webgl', 'wasm']) {
      await page.goto(`http://127.0.0.1:${port}/?backend=${backend}`);
      const input = await page.waitForSelector('#files');
      await (input as ElementHandle<HTMLInputElement>).uploadFile(file);
      await page.waitForSelector('figure[data-detections]', { timeout: 60_000 });
      const caption = await page.$eval('figcaption', (each) => each.textContent);
      const text = await page.$eval('figure', (each) => each.dataset['detections'] ?? '');
      const found = JSON.parse(text) as { class: string; score: number; box: number[] }[];
      expect(caption).toContain(`by ${backend}`);
      expect(found.map((each) => each.class)).toEqual(shown.map(({ row }) => model.classNames[want.classes[row]!]));
      found.forEach(({ score, box }, place) => {
        const { row } = shown[place]!;
        expect(score).toBeCloseTo(want.scores[row]!, 4);
        box.forEach((edge, side) => expect(edge).toBeCloseTo(want.boxes[row * 4 + side]!, 1));
      });
    }
    expect(problems).toEqual([]);
    // On a phone nothing is wider than the screen.
    await page.setViewport({ width: 360, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  },
);
