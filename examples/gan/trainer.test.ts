import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ConsoleLogger, modelRef, tf } from 'hookline';
import { draw, recognition, writePicture } from './sample.ts';
import trainer from './trainer.ts';

const output = temporaryFolder();

const make = (folder: string) =>
  trainer.create({
    output: join(output, folder),
    set: [
      'seed=1',
      'data.count=100',
      'model.width=2',
      'model.latent=4',
      'solver.batchSize=8',
      'solver.maxIterations=4',
      'checkpoint.period=2',
    ],
    logger: new ConsoleLogger({ level: 'silent' }),
  });

it('trains, resumes from a checkpoint to the bit, and draws images', async () => {
  const whole = make('whole');
  await whole.train();
  const resumed = make('resumed');
  await resumed.load(join(output, 'whole', 'model_0000001.safetensors'));
  expect(resumed.iteration).toBe(2);
  await resumed.train();
  const weights = async (one: typeof whole) =>
    [...(await one.service(modelRef)).trainable().values()].map((variable) => [...variable.dataSync()]);
  expect(await weights(resumed)).toEqual(await weights(whole));
  expect([...whole.storage.latest().keys()]).toEqual(
    expect.arrayContaining(['discriminator/real', 'discriminator/fake', 'generator/total_loss', 'generator/lr']),
  );
  const images = await draw(
    whole,
    Array.from({ length: 20 }, (_, image) => image % 10),
  );
  expect(images.shape).toEqual([20, 28, 28, 1]);
  await writePicture(images, 10, join(output, 'samples.png'));
  // These bytes of a PNG's header contain its dimensions.
  const header = (await readFile(join(output, 'samples.png'))).subarray(16, 24);
  expect([header.readUInt32BE(0), header.readUInt32BE(4)]).toEqual([280, 56]);
});

it('counts the digits that a classifier recognises', () => {
  const sureOf = (digit: number, by: number) => Array.from({ length: 10 }, (_, each) => (each === digit ? by : 0));
  const logits = tf.tensor2d([sureOf(3, 20), sureOf(3, 1), sureOf(7, 20), sureOf(0, 20)]);
  expect(recognition(logits, [3, 3, 8, 0])).toEqual({ recognised: 0.75, counts: [1, 0, 0, 2, 0, 0, 0, 1, 0, 0] });
});
