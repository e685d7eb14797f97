import { join } from 'node:path';
import { blankPicture, writePicture } from '@hookline/images';
import { selectDevice, tf } from '@hookline/tfjs';
import type { DenseOutputs } from '../detector/dense-head.ts';
import { predictImage } from './predict-image.ts';

beforeAll(() => selectDevice('auto'));

const RED = [255, 0, 0] as const;

describe('predictImage', () => {
  let folder = '';
  beforeAll(() => {
    folder = temporaryFolder();
  });

  const middle = {
    training: true,
    predict(images: unknown): DenseOutputs {
      const [, height, width] = (images as tf.Tensor4D).shape;
      return {
        boxes: tf.tensor3d([[[width / 4, height / 4, width / 2, height / 2]]]),
        scores: tf.tensor3d([[[0.5]]]),
      };
    },
  };

  it.each([
    [{}, [80, 40]],
    [{ size: { width: 20, height: 20 }, fit: 'stretch' }, [20, 20]],
    // The image keeps its proportions, and the rest of the input is padded, as in training.
    [{ size: { width: 20, height: 20 } }, [20, 20]],
    [{ tta: true }, [80, 40]],
    [{ tta: { flips: ['none'] } }, [80, 40]],
  ] as const)('detects in pixels of the image: %j', async (options, [width, height]) => {
    const seen: number[][] = [];
    const spy = {
      ...middle,
      predict: (images: unknown) => {
        seen.push((images as tf.Tensor4D).shape.slice(1, 3));
        return middle.predict(images);
      },
    };
    await writePicture(join(folder, 'wide.png'), blankPicture(80, 40, RED));
    const before = tf.memory().numTensors;
    const { detections, ...size } = await predictImage(spy, join(folder, 'wide.png'), options);
    expect(tf.memory().numTensors).toBe(before);
    expect(size).toEqual({ width: 80, height: 40 });
    expect(seen[0]).toEqual([height, width]);
    const isPadded = 'size' in options && !('fit' in options);
    expect([...detections.boxes.subarray(0, 4)].map(Math.round)).toEqual(
      isPadded ? [20, 20, 40, 40] : [20, 10, 40, 20],
    );
  });

  it('refuses an invalid size', () =>
    expect(predictImage(middle, blankPicture(2, 2), { size: { width: 0, height: 3 } })).rejects.toThrow(
      'HKL_DETECT_SIZE',
    ));
});
