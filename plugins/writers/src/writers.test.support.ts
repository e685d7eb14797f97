import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type Checkpoints,
  checkpointsRef,
  ConsoleLogger,
  definePlugin,
  type EngineHooks,
  type EventStorage,
  type HookFacades,
  type Plugin,
  storageRef,
  TrainerBase,
} from '@hookline/core';
import { writers } from './index.ts';

type Options = Parameters<typeof writers>[0];

/** The tools of a test's own plugin. */
interface Tools {
  readonly hooks: HookFacades<EngineHooks>;
  readonly storage: EventStorage;
  readonly checkpoints: Checkpoints;
}

export const quiet = new ConsoleLogger({ level: 'silent' });
export const filesOnly = { console: false, tensorboard: false } as const;

/** A new folder for each test of the file that imports this. */
export let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

/** A logger whose lines, and on a terminal status lines, are kept. */
export function recorder(isTTY = false, columns = 80) {
  const text: string[] = [];
  const stream = { isTTY, columns, write: (chunk: string) => void text.push(chunk) };
  return { text, logger: new ConsoleLogger({ stream, live: isTTY }) };
}

export const plugin = (name: string, setup: (tools: Tools) => void, after: string[] = []): Plugin =>
  definePlugin({
    name,
    version: '1.0.0',
    requires: { storage: storageRef, checkpoints: checkpointsRef },
    after,
    setup,
  })();

/** A trainer of 50 steps that writes into {@link dir}. */
export const trainer = (
  options: Options,
  more: Partial<ConstructorParameters<typeof TrainerBase>[0]> = {},
  others: Plugin[] = [],
): TrainerBase =>
  new TrainerBase({
    step: ({ iteration }) => 1 / (iteration + 1),
    maxIterations: 50,
    output: dir,
    logger: quiet,
    plugins: [writers(options), ...others],
    ...more,
  });

/** The lines of a metrics file in {@link dir}. */
export const lines = async (file = 'metrics.json') =>
  (await readFile(join(dir, file), 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, number>);
