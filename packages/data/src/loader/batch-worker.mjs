// Plain JavaScript, so that a thread can be started on it from the sources as well as from the build.
import { parentPort } from 'node:worker_threads';
import sharp from 'sharp';
import { decodeImage } from './decode-image.mjs';

// The threads are the parallelism; each image in turn, nothing kept.
sharp.concurrency(1);
sharp.cache(false);

/** @type {Promise<void>} */
let last = Promise.resolve();

parentPort?.on('message', (/** @type {import('./decode-request.ts').DecodeRequest} */ request) => {
  last = last.then(async () => {
    try {
      const pixels = await decodeImage(request);
      parentPort?.postMessage({ pixels }, [pixels.buffer]);
    } catch (error) {
      parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) });
    }
  });
});
