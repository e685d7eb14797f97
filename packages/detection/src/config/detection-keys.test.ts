import { readFile } from 'node:fs/promises';
import { z } from '@hookline/trainer';
import { detectionConfig } from './detection-config.ts';
import { DETECTION_KEYS } from './detection-keys.ts';

/** Every key of a section as `section.key`, with its default. */
function keysOf(value: object, prefix: string): (readonly [string, string])[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? keysOf(inner, `${prefix}${key}.`)
      : [[prefix + key, JSON.stringify(inner)] as const],
  );
}

it('the page for users of detectron2 lists every key of detection with its default, and no other key', async () => {
  const page = await readFile(new URL('../../../../docs/detectron2.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('## Detection config keys'), page.indexOf('## Detection, class by class'));
  const listed = [...table.matchAll(/^\| `([^`]+)`\s+\| `([^`]*)`/gm)].map(([, key, value]) => [key, value]);
  const config = detectionConfig().resolve() as unknown as Record<string, Record<string, unknown>>;
  const own = Object.entries(DETECTION_KEYS).flatMap(([section, keys]) => {
    const values = Object.keys(keys).map((key) => [key, config[section]?.[key]]);
    return keysOf(Object.fromEntries(values) as object, `${section}.`);
  });
  const keys = [...keysOf(config['datasets']!, 'datasets.'), ...own];
  expect(keys.length).toBeGreaterThan(25);
  expect(listed.sort()).toEqual(keys.map((pair) => [...pair]).sort());
});

it('user-defined keys, in existing and new sections, are added to those of detection', () => {
  const extension = { scenes: { count: z.int().default(4) }, model: { depth: z.int().default(1) } };
  const config = detectionConfig({ scenes: { count: 2 }, model: { width: 8 } }, extension).resolve(['model.depth=3']);
  const sum: number = config.scenes.count + config.model.depth + config.model.width + config.input.width;
  expect(sum).toBe(2 + 3 + 8 + 160);
  expect(config.model).toMatchObject({ weights: '', head: 'fcos', width: 8, softmaxWeight: 0, depth: 3 });
  expect(detectionConfig({ output: 'here' }).resolve(['input.width=64'])).toMatchObject({
    output: 'here',
    input: { width: 64, height: 128 },
    solver: { optimizer: 'adam', maxIterations: 1700 },
    datasets: { train: ['all'], test: ['held-back'] },
  });
});
