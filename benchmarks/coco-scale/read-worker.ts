import { readCoco } from '@hookline/images';

/** Reads a COCO file in a separate process and prints its time and memory: `node --import tsx read-worker.ts JSON IMAGES`. */
const [json, images] = process.argv.slice(2) as [string, string];
const before = process.cpuUsage();
const { records, report } = await readCoco({ json, images, checkImages: 'none' });
const { user, system } = process.cpuUsage(before);
const peak = process.resourceUsage().maxRSS / 1e3;
// Collect twice, because finalizers of the first pass release memory that only a second pass collects.
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
