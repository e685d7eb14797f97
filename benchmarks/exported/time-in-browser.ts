import { CHROMIUM, openChromium } from '../../examples/browser-demo/open-page.ts';

const PATIENCE = 120_000;

/**
 * For each backend, times every picture but the first on the page of examples/browser-demo, in milliseconds, or gives the
 * reason why it could not.
 *
 * @returns undefined if no Chromium is installed
 */
export async function timeInBrowser({
  url,
  backends,
  files,
}: {
  readonly url: string;
  readonly backends: readonly string[];
  readonly files: readonly string[];
}): Promise<Readonly<Record<string, number[] | string>> | undefined> {
  if (CHROMIUM === undefined) return undefined;
  const browser = await openChromium(CHROMIUM, { webgpu: true });
  const times: Record<string, number[] | string> = {};
  try {
    for (const backend of backends) {
      const page = await browser.newPage();
      try {
        await page.goto(`${url}&backend=${backend}`);
        const input = await page.waitForSelector('input#files');
        await input?.uploadFile(...files);
        // The caption of each picture contains the result or the error.
        const captions = await page
          .waitForFunction(captionsOf(files.length), { timeout: PATIENCE })
          .then((handle) => handle.jsonValue() as Promise<string[]>);
        const found = captions.map((each) => Number(/ in (\d+(?:\.\d+)?) ms by /.exec(each)?.[1]));
        times[backend] = found.some(Number.isNaN) ? (captions[found.findIndex(Number.isNaN)] ?? '') : found.slice(1);
      } catch (error) {
        const said = await page.evaluate(`document.querySelector('#about')?.textContent`).catch(() => '');
        times[backend] = `${error instanceof Error ? error.message : 'it failed'} (${String(said)})`;
      } finally {
        await page.close();
      }
    }
  } finally {
    await browser.close();
  }
  return times;
}

/** A JavaScript expression that returns the captions of all pictures, in order, once there are `count` of them. */
const captionsOf = (count: number): string => `(() => {
  const captions = [...document.querySelectorAll('figcaption')].map((each) => each.textContent).filter((text) => text !== '');
  return captions.length >= ${count} ? captions.reverse() : undefined;
})()`;
