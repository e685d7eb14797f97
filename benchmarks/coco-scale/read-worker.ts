import { readCoco } from '@hookline/images';

/** Reads a COCO file in a process of its own and prints what that took: `node --import tsx read-worker.ts JSON IMAGES`. */
const [json, images] = process.argv.slice(2) as [string, string];
const before = process.cpuUsage();
const { records, report } = await readCoco({ json, images, checkImages: 'none' });
const { user, system } = process.cpuUsage(before);
const peak = process.resourceUsage().maxRSS / 1e3;
// Twice: finalizers of the first pass free what the second collects.
globalThis.gc?.();
globalThis.gc?.();
const { heapUsed, arrayBuffers } = process.memoryUsage();
console.log(
  JSON.stringify({
    seconds: (user + system) / 1e6,
    peak,
    held: (heapUsed + arrayBuffers) / 1e6,
    images: records.length,
    objects: report.keptAnnotations,
  }),
);
