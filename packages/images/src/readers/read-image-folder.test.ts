import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { DetectionLoader } from '../loader/detection-loader.ts';
import { InferenceSampler } from '@hookline/data';
import { readImageFolder } from './read-image-folder.ts';

let root: string;
const draw = async (path: string, width = 12, height = 8): Promise<void> => {
  const create = { width, height, channels: 3 as const, background: '#c03020' };
  await sharp({ create }).jpeg().toFile(join(root, path));
};
beforeEach(async () => {
  root = temporaryFolder();
  for (const name of ['cat/older', 'dog']) await mkdir(join(root, name), { recursive: true });
  await draw('cat/1.jpg');
  await draw('cat/older/2.jpg', 6, 10);
  await draw('dog/1.jpg');
});

it('reads the pictures of each folder with its name as their class', async () => {
  const { records, metadata, report } = await readImageFolder({ root });
  expect(metadata.classes).toEqual(['cat', 'dog']);
  expect(
    records.map(({ imageId, width, height, annotations }) => [imageId, width, height, annotations[0]?.category]),
  ).toEqual([
    ['cat/1.jpg', 12, 8, 0],
    ['cat/older/2.jpg', 6, 10, 0],
    ['dog/1.jpg', 12, 8, 1],
  ]);
  expect(report.problems).toEqual([]);
  const loader = new DetectionLoader(records, {
    batchSize: 3,
    size: { width: 8, height: 8 },
    fit: 'stretch',
    workers: 0,
    sampler: new InferenceSampler(records.length),
  });
  for await (const { images, classes } of loader) {
    expect(images.shape).toEqual([3, 8, 8, 3]);
    expect([classes.shape, [...classes.data]]).toEqual([
      [3, 1],
      [0, 0, 1],
    ]);
  }
});

it('uses the given classes, accepts missing folders, and refuses other folders', async () => {
  const { records } = await readImageFolder({ root, classes: ['bird', 'dog', 'cat'] });
  expect(records.map(({ annotations }) => annotations[0]?.category)).toEqual([2, 2, 1]);
  await expect(readImageFolder({ root, classes: ['cat', 'dogs'] })).rejects.toThrow(/HKL_DATA_CLASSES.*"dog".*"dogs"/s);
});

it('leaves out and reports files that cannot be read or lie in no class folder', async () => {
  await writeFile(join(root, 'dog', '2.jpg'), 'no picture');
  await draw('3.jpg');
  const { records, report } = await readImageFolder({ root });
  expect(records).toHaveLength(3);
  expect(report.problems.map(({ kind }) => kind).sort()).toEqual(['image-unreadable', 'labels-absent']);
  await expect(readImageFolder({ root, strict: true })).rejects.toThrow(/HKL_DATASET_INVALID.*2\.jpg/s);
});

it('refuses a class without a picture, with the reason, and folders without classes', async () => {
  await mkdir(join(root, 'fish'));
  await expect(readImageFolder({ root })).rejects.toThrow('the class "fish" has no picture');
  await writeFile(join(root, 'fish', 'cod.jpg'), 'no picture');
  await expect(readImageFolder({ root })).rejects.toThrow(/HKL_DATASET_EMPTY_CLASS.*"fish".*cod\.jpg/s);
  await expect(readImageFolder({ root: join(root, 'dog') })).rejects.toThrow('there is no folder in it');
  await expect(readImageFolder({ root: join(root, 'nowhere') })).rejects.toThrow('HKL_DATASET_UNREADABLE');
  await expect(readImageFolder({ root, class: [] } as never)).rejects.toThrow('HKL_OPTION_UNKNOWN');
});

it('ignores a folder that begins with an underscore', async () => {
  await mkdir(join(root, '_backup'));
  await draw('_backup/1.jpg');
  const { records, metadata } = await readImageFolder({ root });
  expect(metadata.classes).toEqual(['cat', 'dog']);
  expect(records.map(({ imageId }) => imageId)).toEqual(['cat/1.jpg', 'cat/older/2.jpg', 'dog/1.jpg']);
});
