import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger, isHooklineError, readCheckpoint } from '@hookline/core';
import { isPlausibleChange, RecordingLogger, tryChangedStates } from '@hookline/testing';
import { type Campaign, Choices, countOption, type Tally } from '../lib/campaign.ts';
import definition from '../lib/trainer.ts';
import { differences } from '../lib/training.ts';
import { craftedHeaders } from './crafted-headers.ts';

type Trainer = ReturnType<typeof definition.create>;

const SMALL = [
  'model.width=8',
  'data.count=64',
  'solver.maxIterations=20',
  'test.evalPeriod=10',
  'checkpoint.period=10',
];

/**
 * Damages checkpoints (single bits, truncations, crafted headers) and the other files of a run, and loads them. Loading
 * must fail with an error that has a code, and must leave the trainer unchanged. Then loads checkpoints with a correct
 * hash in which one entry was changed: loading must fail with an error that names the change, or must report it.
 *
 * Option: `--count`, the number of damaged files of each kind (default 400; 60 with `--quick`).
 */
const corruption: Campaign = async (args, tally, folder) => {
  const count = countOption(args, 'count', args.quick ? 60 : 400);
  const choices = new Choices(args.seed, 'corruption');
  const logger = new ConsoleLogger({ level: 'silent' });
  const make = (name: string): Trainer => definition.create({ set: SMALL, output: join(folder, name), logger });
  const first = make('first');
  await first.train();
  const whole = await readFile(join(folder, 'first', 'model_final.safetensors'));
  const trainer = make('second');
  await trainer.prepare();
  const before = await stateOf(trainer);
  const damaged = join(folder, 'damaged.safetensors');

  for (let trial = 0; trial < count; trial++) {
    const flipped = Buffer.from(whole);
    const place = choices.int(trial % 2 === 0 ? whole.length : Math.min(whole.length, 20_000));
    const bit = choices.int(8);
    flipped[place] = (flipped[place] ?? 0) ^ (1 << bit);
    await refuse(`bit ${bit} of byte ${place} flipped`, 'flipped bits', flipped);
  }
  for (let trial = 0; trial < count / 4; trial++) {
    const length = trial < 20 ? trial : choices.int(whole.length);
    await refuse(`cut off after ${length} bytes`, 'truncations', whole.subarray(0, length));
  }
  await refuse('one byte too long', 'truncations', Buffer.concat([whole, Buffer.of(0)]));
  for (const { what, bytes } of craftedHeaders(whole)) await refuse(what, 'crafted headers', bytes);
  const different = differences(before, await stateOf(trainer));
  if (different.length > 0) tally.fail(`refused checkpoints have changed ${different.join(', ')}`);
  await trainer.load(join(folder, 'first', 'model_final.safetensors'));
  await trainer.close();
  await otherFiles(count, choices, folder, make, tally);
  await changedStates(args.quick ? 8 : 1, folder, tally);

  async function refuse(what: string, kind: string, bytes: Uint8Array): Promise<void> {
    await writeFile(damaged, bytes);
    tally.count(kind);
    try {
      await trainer.load(damaged);
      tally.fail(`a checkpoint was loaded though ${what}`);
    } catch (error) {
      if (!isHooklineError(error)) tally.fail(`${what}: an error without a code: ${String(error)}`);
    }
  }
};
export default corruption;

/** Everything that loading may change, by name. */
async function stateOf(trainer: Trainer): Promise<Readonly<Record<string, unknown>>> {
  const { manifest, tensors } = await readCheckpoint(await trainer.checkpoints.save('state'));
  return { ...manifest.entries, ...Object.fromEntries([...tensors].map(([name, { data }]) => [name, data])) };
}

/** Damages the other files that a resumed run reads. The run must repair each, report it, or fail. */
async function otherFiles(
  count: number,
  choices: Choices,
  folder: string,
  make: (name: string) => Trainer,
  tally: Tally,
): Promise<void> {
  // Each trial ends one iteration later, because a finished training has nothing to resume.
  let end = 20;
  for (const file of ['last_checkpoint', 'metrics.json', 'model_best.json']) {
    const path = join(folder, 'first', file);
    const whole = await readFile(path);
    for (let trial = 0; trial < Math.max(3, count / 20); trial++) {
      const bytes = Buffer.from(whole.subarray(0, choices.int(whole.length + 1)));
      if (bytes.length > 0) bytes[choices.int(bytes.length)] = choices.int(256);
      await writeFile(path, bytes);
      tally.count(`damaged ${file}`);
      const trainer = make('first');
      try {
        await trainer.resumeOrLoad();
        await trainer.train({ maxIterations: ++end });
        tally.count('of them repaired or of no consequence');
      } catch (error) {
        if (isHooklineError(error)) tally.count('of them refused with a code');
        else tally.fail(`${file} damaged: an error without a code: ${String(error)}`);
      }
      await trainer.close().catch(() => undefined);
    }
    await writeFile(path, whole);
  }
}

/** Loads checkpoints in which one entry, field or tensor was changed. Tries every `every`-th change. */
async function changedStates(every: number, folder: string, tally: Tally): Promise<void> {
  const outcomes = await tryChangedStates({
    file: join(folder, 'first', 'model_0000009.safetensors'),
    make: (output) => {
      const logger = new RecordingLogger('warn');
      return { trainer: definition.create({ set: SMALL, output, logger }), logger };
    },
    // Plugin options in a checkpoint are compared with the current ones and reported, but never loaded.
    only: (change, index) => index % every === 0 && !change.startsWith('hookline/run: plugins.'),
  });
  for (const { change, outcome, told } of outcomes) {
    tally.count(`changed states ${outcome}`);
    const isHeld = outcome === 'refused' || outcome === 'warned' || (outcome === 'silent' && isPlausibleChange(change));
    if (!isHeld) tally.fail(`${change}: ${outcome}. ${told}`);
  }
}
