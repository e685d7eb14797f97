import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Picture } from '../transforms/image.ts';
import { blankPicture, enlarge, fill, outline, pictureGrid, textSize, write } from './canvas.ts';
import { classColor, drawDetections } from './draw-detections.ts';
import { glyphOf } from './font.ts';
import { readPicture } from '../loader/prepare-image.ts';
import { writePicture } from './write-picture.ts';

const pixel = ({ data, width }: Picture, x: number, y: number): number[] => [
  ...data.subarray((y * width + x) * 3, (y * width + x) * 3 + 3),
];
const RED = [255, 0, 0] as const;

describe('drawing', () => {
  it('keeps within the picture', () => {
    const picture = blankPicture(4, 3);
    fill(picture, { x: -5, y: 1, width: 6, height: 99 }, RED, 0.5);
    expect([pixel(picture, 0, 1), pixel(picture, 1, 1), pixel(picture, 0, 0)]).toEqual([
      [128, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
  });

  it('outlines inwards, also in dashes', () => {
    const picture = blankPicture(8, 8);
    outline(picture, { x: 1, y: 1, width: 6, height: 6 }, RED);
    expect([pixel(picture, 1, 1), pixel(picture, 6, 6), pixel(picture, 2, 2), pixel(picture, 7, 7)]).toEqual([
      [255, 0, 0],
      [255, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
    const dashed = blankPicture(8, 1);
    outline(dashed, { x: 0, y: 0, width: 8, height: 1 }, RED, { dash: 2 });
    expect([0, 1, 2, 3, 4].map((x) => pixel(dashed, x, 0)[0])).toEqual([255, 255, 0, 0, 255]);
  });

  it('writes letters that differ from each other', () => {
    const characters = Array.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,-_%():/+#&!=*? ');
    const shapes = characters.map((character) => JSON.stringify(glyphOf(character)));
    expect(new Set(shapes).size).toBe(characters.length);
    expect(glyphOf('é')).toEqual(glyphOf('e'));
    expect(glyphOf('猫')).toEqual(glyphOf('?'));
    const { width, height } = textSize('H', 1);
    const picture = blankPicture(width, height);
    write(picture, 'H', 0, 0, RED, 1);
    const rows = Array.from({ length: height }, (_, y) =>
      Array.from({ length: width }, (_, x) => (pixel(picture, x, y)[0] === 255 ? '#' : '.')).join(''),
    );
    expect(rows).toEqual('....... .#...#. .#...#. .#...#. .#####. .#...#. .#...#. .#...#. .......'.split(' '));
  });

  it('enlarges without moving anything', () => {
    const picture = blankPicture(2, 1);
    picture.data.set([200, 200, 200]);
    expect([...enlarge(picture, 2).data.filter((_, at) => at % 3 === 0)]).toEqual([200, 150, 50, 0, 200, 150, 50, 0]);
  });

  it('has a different color for each of many classes', () => {
    const colors = Array.from({ length: 20 }, (_, index) => classColor(index));
    for (const [index, color] of colors.entries()) {
      const apart = colors
        .slice(0, index)
        .map((other) => Math.hypot(...color.map((value, at) => value - (other[at] as number))));
      expect(Math.min(Infinity, ...apart)).toBeGreaterThan(20);
    }
  });
});

describe('drawDetections', () => {
  const found = {
    boxes: Float32Array.of(20, 40, 80, 90, 5, 5, 9, 9),
    scores: Float32Array.of(0.9, 0.1),
    classes: Int32Array.of(1, 0),
  };

  it('draws boxes above the threshold, with labels, and the truth', () => {
    const drawn = drawDetections(blankPicture(160, 100), found, {
      classNames: ['cat', 'dog'],
      enlarge: 2,
      truth: Float32Array.of(100, 10, 150, 30),
    });
    expect([drawn.width, drawn.height]).toEqual([320, 200]);
    expect(pixel(drawn, 40, 150)).toEqual([...classColor(1)]);
    expect(pixel(drawn, 12, 12)).toEqual([0, 0, 0]);
    expect(pixel(drawn, 200, 20)).toEqual([255, 255, 255]);
    // The label stands on the box.
    const { height } = textSize('dog 90', 1);
    expect(pixel(drawn, 40, 80 - height)).not.toEqual([0, 0, 0]);
    expect(pixel(drawn, 40, 80 - height - 1)).toEqual([0, 0, 0]);
  });

  it('makes small pictures large enough to be read, and leaves large ones', () => {
    const sizes = [100, 480, 2000].map(
      (side) => drawDetections(blankPicture(side, 10), found, { classNames: [] }).width,
    );
    expect(sizes).toEqual([500, 480, 2000]);
  });

  it('keeps labels clear of each other', () => {
    const twins = {
      ...found,
      boxes: Float32Array.of(20, 40, 80, 90, 20, 40, 80, 90),
      scores: Float32Array.of(0.9, 0.8),
    };
    const drawn = drawDetections(blankPicture(480, 200), twins, { classNames: ['cat', 'dog'] });
    // One above the box, one below it.
    expect(pixel(drawn, 21, 38)).not.toEqual([0, 0, 0]);
    expect(pixel(drawn, 21, 91)).not.toEqual([0, 0, 0]);
  });
});

it('pictureGrid arranges pictures side by side', () => {
  const grid = pictureGrid([blankPicture(10, 5, RED), blankPicture(8, 8, RED), blankPicture(1, 1, RED)], 2);
  expect([grid.width, grid.height]).toEqual([2 * 16 + 6, 2 * 14 + 6]);
  expect([pixel(grid, 6, 6), pixel(grid, 22, 6), pixel(grid, 6, 20)].every(([red]) => red === 255)).toBe(true);
  expect(pictureGrid([], 4).width).toBeGreaterThan(0);
});

describe('picture files', () => {
  let folder = '';
  beforeAll(() => {
    folder = temporaryFolder();
  });

  it('writes and reads', async () => {
    const picture = blankPicture(7, 5, RED);
    await writePicture(join(folder, 'red.png'), picture);
    expect(await readPicture(join(folder, 'red.png'))).toEqual(picture);
    await writeFile(join(folder, 'broken.jpg'), 'no image');
    await expect(readPicture(join(folder, 'broken.jpg'))).rejects.toThrow(
      `${join(folder, 'broken.jpg')}: it cannot be decoded`,
    );
    await expect(writePicture(join(folder, 'none', 'red.png'), picture)).rejects.toThrow('HKL_PICTURE_WRITE');
  });
});
