import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RecordingLogger } from '@hookline/testing';
import { selectDevice, tf } from '@hookline/tfjs';
import { classifier, mobilenetV3Small } from '@hookline/vision';
import { jest } from '@jest/globals';
import sharp from 'sharp';
import { classifyPictures, isClassifier } from './classify-pictures.ts';

beforeAll(() => selectDevice('auto'));

it('prints the classes of pictures, the likeliest first, and goes on after one that cannot be read', async () => {
  const folder = temporaryFolder();
  const [good, bad] = ['good.png', 'bad.png'].map((name) => join(folder, name)) as [string, string];
  const create = { width: 50, height: 40, channels: 3 as const, background: '#20c040' };
  await sharp({ create }).png().toFile(good);
  await writeFile(bad, 'no picture');
  const model = classifier({ backbone: mobilenetV3Small(), classNames: ['cat', 'dog'] });
  expect(isClassifier(model)).toBe(true);
  // One class far above the other.
  model
    .trainable()
    .get('head/classifier/3/bias')
    ?.assign(tf.tensor1d([-3, 3]));
  const printed: string[] = [];
  const write = jest.spyOn(console, 'log').mockImplementation((text: unknown) => void printed.push(String(text)));
  const logger = new RecordingLogger();
  const source = { inputs: { shape: [null, 32, 32, 3] } };
  const failed = await classifyPictures(model, [bad, good], { source, isJson: false, logger });
  await classifyPictures(model, [good], { source, isJson: true, logger });
  write.mockRestore();
  expect(failed).toBe(1);
  expect(logger.lines.join()).toContain('HKL_IMAGE_UNREADABLE');
  expect(printed[0]).toMatch(/good\.png {2}dog \d+\.\d %, cat \d+\.\d %$/);
  const [first, second] = (JSON.parse(printed[1] ?? '') as { classes: { class: string; score: number }[] }).classes;
  expect([first?.class, second?.class]).toEqual(['dog', 'cat']);
  expect((first?.score ?? 0) + (second?.score ?? 0)).toBeCloseTo(1, 5);
});
