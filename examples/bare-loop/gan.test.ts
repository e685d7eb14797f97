import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger, type tf } from 'hookline';
import { ganTrainer } from './gan.ts';

const output = temporaryFolder();

const lines: string[] = [];
const make = (maxIterations: number, folder = output) =>
  ganTrainer({
    maxIterations,
    output: folder,
    logger: new ConsoleLogger({ level: 'warn', live: false, stream: { write: (text) => lines.push(text) } }),
  });
const weights = ({ generator, critic }: { generator: tf.LayersModel; critic: tf.LayersModel }) =>
  [generator, critic].flatMap((net) => net.getWeights().map((weight) => [...weight.dataSync()]));

it('resumes from a checkpoint to the bit, with both optimizers and without a warning', async () => {
  const whole = await make(12, join(output, 'whole'));
  await whole.trainer.train();
  await (await make(5)).trainer.train();
  const resumed = await make(12);
  expect(await resumed.trainer.resumeOrLoad()).toBe(join(output, 'model_final.safetensors'));
  expect(resumed.trainer.iteration).toBe(5);
  lines.length = 0;
  await resumed.trainer.train();
  expect(weights(resumed)).toEqual(weights(whole));
  const untrained = weights(await make(1));
  weights(whole).forEach((weight, index) => expect(weight).not.toEqual(untrained[index]));
  expect(lines).toEqual([]);
  const { storage } = resumed.trainer;
  const [critic, generator, total] = ['critic', 'generator', 'total_loss'].map((name) =>
    storage.history(name).latest(),
  );
  expect(total).toBe(critic! + generator!);
});

it('is the code that docs/bare-loop.md shows', async () => {
  const read = (file: string) => readFile(new URL(file, import.meta.url), 'utf8');
  const [doc, example] = [await read('../../docs/bare-loop.md'), await read('gan.ts')];
  const [, shown = ''] = /^```ts\n(import.*?)^```$/ms.exec(doc) ?? [];
  expect(example.startsWith(shown)).toBe(true);
  expect(shown).toContain('savedParts');
});
