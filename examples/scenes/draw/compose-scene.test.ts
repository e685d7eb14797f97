import { RandomStream } from 'hookline';
import { composeScene, type Scene, type SceneOptions } from './compose-scene.ts';
import { SCENE } from './draw-scenes.ts';
import { OUTLINES } from './outlines.ts';

/** Options of small scenes, which are drawn quickly. */
const SMALL: SceneOptions = { width: 72, height: 54, objects: [3, 7], radius: [4, 13] };

const draw = (name: string, options: SceneOptions = SMALL): Scene =>
  composeScene(new RandomStream(7, 'scenes').detached(name), options);

/** Columns and rows of the pixels that show the object with this index in `objects`. */
function pixelsOf({ shown }: Scene, object: number, width: number): { xs: number[]; ys: number[] } {
  const found = { xs: [] as number[], ys: [] as number[] };
  for (let at = shown.indexOf(object); at >= 0; at = shown.indexOf(object, at + 1)) {
    found.xs.push(at % width);
    found.ys.push(Math.floor(at / width));
  }
  return found;
}

it('draws the same scene for the same seed and a different one for another seed', () => {
  const [first, again, other] = [draw('1', SCENE), draw('1', SCENE), draw('2', SCENE)];
  expect(again).toEqual(first);
  expect(other.pixels).not.toEqual(first.pixels);
  expect(first.pixels).toHaveLength(SCENE.width * SCENE.height * 3);
});

describe('many scenes', () => {
  let scenes: Scene[] = [];
  beforeAll(() => (scenes = Array.from({ length: 120 }, (_, number) => draw(String(number)))));

  it('have boxes that fit the visible parts of their objects', () => {
    for (const scene of scenes) {
      for (const [place, { box, area }] of scene.objects.entries()) {
        const { xs, ys } = pixelsOf(scene, place, SMALL.width);
        expect(area).toBe(xs.length);
        expect(area).toBeGreaterThan(0);
        expect(box).toEqual([Math.min(...xs), Math.min(...ys), Math.max(...xs) + 1, Math.max(...ys) + 1]);
      }
    }
  });

  it('have all classes about equally often', () => {
    const counts = OUTLINES.map(() => 0);
    for (const { category } of scenes.flatMap(({ objects }) => objects)) counts[category]!++;
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length;
    expect(mean).toBeGreaterThan(50);
    for (const count of counts) expect(Math.abs(count / mean - 1)).toBeLessThan(0.3);
  });

  it('have objects of all sizes, and objects that overlap', () => {
    const objects = scenes.flatMap((scene) => scene.objects.map(({ box }) => ({ scene, box })));
    const sides = objects.map(({ box: [x0, y0, x1, y1] }) => Math.sqrt((x1 - x0) * (y1 - y0))).sort((a, b) => a - b);
    expect(sides[Math.floor(sides.length * 0.9)]! / sides[Math.floor(sides.length * 0.1)]!).toBeGreaterThan(2);
    const overlap = objects.filter(({ scene, box: [x0, y0, x1, y1] }) =>
      scene.objects.some(({ box }) => box[0] > x0 && box[0] < x1 && box[1] > y0 && box[1] < y1),
    );
    expect(overlap.length / objects.length).toBeGreaterThan(0.05);
  });

  it('leave out objects of which too little is visible', () => {
    // If such objects were not left out, some of those at the edge would be cut off by more than half.
    const atEdge = scenes.flatMap(({ objects }) => objects.filter(({ box }) => box[0] === 0));
    expect(atEdge.length).toBeGreaterThan(10);
    const crowded = Array.from({ length: 20 }, (_, number) =>
      draw(String(number), { width: 40, height: 30, objects: [9, 9], radius: [6, 12] }),
    );
    const unnamed = crowded.filter(({ objects, shown }) => new Set(shown).size !== objects.length + 1);
    expect(unnamed).toEqual([]);
  });
});
