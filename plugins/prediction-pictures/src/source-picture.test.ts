import { join } from 'node:path';
import { selectDevice, tf } from '@hookline/tfjs';
import { blankPicture, writePicture } from '@hookline/images';
import { firstImages } from './shown-images.ts';
import { sourcePicture } from './source-picture.ts';

let folder = '';
beforeAll(async () => {
  await selectDevice('auto');
  folder = temporaryFolder();
});

/** A batch of one row, of a picture whose boxes are changed so. */
async function batchOf(width: number, height: number, change: (edge: number, place: number) => number, orient = true) {
  const file = join(folder, `${width}x${height}.png`);
  await writePicture(file, blankPicture(width, height, [255, 0, 0]));
  const applyBoxes = (boxes: Float32Array) => boxes.map(change);
  return { samples: { records: [{ file, width, height, orient }], transforms: [{ applyBoxes }] } };
}

it('reads the file of a row that was only resized, and says at which size', async () => {
  const stretched = await batchOf(80, 60, (edge, place) => edge * (place % 2 === 0 ? 0.5 : 0.25));
  const { picture, seen } = (await sourcePicture(stretched, 0)) ?? {};
  expect([picture?.width, picture?.height, picture?.data[0], picture?.data[1]]).toEqual([80, 60, 255, 0]);
  expect(seen).toEqual({ width: 40, height: 15 });
});

it('shrinks what is larger than anyone wants to see', async () => {
  const { picture, seen } = (await sourcePicture(await batchOf(1280, 800, (edge) => edge / 10), 0)) ?? {};
  expect([picture?.width, picture?.height]).toEqual([640, 400]);
  expect(seen).toEqual({ width: 128, height: 80 });
});

it('has none where the batch does not tell, for other changes than the size, and for pixels as stored', async () => {
  const shifted = await batchOf(80, 60, (edge) => edge + 3);
  const asStored = await batchOf(80, 60, (edge) => edge, false);
  const found = await Promise.all([{}, { samples: {} }, shifted, asStored].map((batch) => sourcePicture(batch, 0)));
  expect(found).toEqual([undefined, undefined, undefined, undefined]);
});

it('images to be shown keep their own pixels, with true boxes to match, beside what the network sees', async () => {
  const batch = {
    ...(await batchOf(80, 60, (edge) => edge / 2)),
    images: tf.zeros([1, 32, 40, 3]),
    boxes: tf.tensor3d([[[5, 6, 7, 8]]]),
    counts: tf.tensor1d([1]),
  };
  const [shown] = await firstImages({ inputs: () => batch.images as tf.Tensor4D }, [batch], 1);
  expect([shown?.input.width, shown?.input.height, shown?.input.data[0]]).toEqual([40, 32, 0]);
  expect([shown?.picture.width, shown?.picture.height, shown?.picture.data[0]]).toEqual([80, 60, 255]);
  expect([...(shown?.truth ?? [])]).toEqual([10, 12, 14, 16]);
});
