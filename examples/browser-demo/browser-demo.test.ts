import { join } from 'node:path';
import {
  detector,
  exportModel,
  fcosHead,
  predictImage,
  RandomStream,
  residualBackbone,
  seededInit,
  selectDevice,
  tf,
  writePicture,
} from 'hookline';
import type { Browser, ElementHandle } from 'puppeteer-core';
import { buildPage, CHROMIUM, openChromium, serveFolders } from './open-page.ts';

let folder: string;
let server: Awaited<ReturnType<typeof serveFolders>>;
let browser: Browser;
const FRAME = { width: 64, height: 48 };

beforeAll(async () => {
  if (CHROMIUM === undefined) return;
  folder = temporaryFolder();
  expect(buildPage(join(folder, 'page'))).toBe('');
  server = await serveFolders({ '/': join(folder, 'page'), '/model/': join(folder, 'model') });
  browser = await openChromium(CHROMIUM);
});
afterAll(async () => {
  if (CHROMIUM === undefined) return;
  await browser?.close();
  server.close();
});

/** An untrained detector that returns many arbitrary detections. */
function eagerDetector() {
  const backbone = residualBackbone({ widths: [8, 8, 8], channels: 8 });
  const head = fcosHead({ convs: 1 });
  const model = seededInit(new RandomStream(1, 'init'), () =>
    detector({ classNames: ['a', 'b', 'c'], backbone, head }),
  );
  for (const [name, variable] of model.trainable()) {
    if (name === 'head/class/bias') variable.assign(tf.fill(variable.shape, -1));
    // A larger factor would drive most scores to 1, and equal scores have no defined order.
    else if (name.startsWith('head/')) variable.assign(variable.mul(3));
  }
  return model;
}

(CHROMIUM === undefined ? it.skip : it)(
  'shows in a browser what predict finds (needs Chromium; HOOKLINE_CHROMIUM names it)',
  async () => {
    const { native } = await selectDevice('auto');
    // Exporting records TensorFlow's ops, which only the native backend runs.
    if (!native) skipTest('exporting needs native TensorFlow');
    const model = eagerDetector();
    const postprocessing = { scoreThreshold: 0.05, topK: 1000, nmsThreshold: 0.5, maxDetections: 20 };
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

    const page = await browser.newPage();
    const problems: string[] = [];
    page.on('pageerror', (error) => problems.push(String(error)));
    for (const backend of ['webgl', 'wasm']) {
      await page.goto(`${server.url}/?backend=${backend}`);
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
    // On a phone, nothing is wider than the screen.
    await page.setViewport({ width: 360, height: 740 });
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(360);
  },
);
