import { spawnSync } from 'node:child_process';
import { copyFileSync, cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { drawSquares } from '@hookline/testing';

const ROOT = resolve(import.meta.dirname, '../..');
const TRAINER = 'examples/detection/own-data.ts';

let folder: string;
let set: string[];

function hookline(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  // Users do not have Jest's NODE_OPTIONS.
  const env = { ...process.env, NODE_OPTIONS: '' };
  const command = [join(ROOT, 'packages/hookline/bin/hookline.js'), ...args];
  return spawnSync(process.execPath, command, { cwd: ROOT, encoding: 'utf8', env });
}

beforeAll(async () => {
  // The command runs the built packages.
  spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b', 'packages/hookline'], { cwd: ROOT });
  folder = temporaryFolder();
  await drawSquares(join(folder, 'squares'));
  const changes = [
    'model.width=8',
    'input.width=80',
    'input.height=64',
    `data.root=${join(folder, 'squares')}`,
    'data.format=voc',
  ];
  set = changes.flatMap((change) => ['--set', change]).concat('--output', join(folder, 'run'));
}, 300_000);

const imagesOf = (...numbers: string[]): string[] =>
  numbers.map((number) => join(folder, 'squares', 'JPEGImages', `squares-${number}.png`));

describe('hookline predict', () => {
  it('reports missing images, a missing checkpoint and an invalid score', () => {
    const none = hookline('predict', TRAINER, ...set);
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('no image is given')]);
    const untrained = hookline('predict', TRAINER, ...set, ...imagesOf('00'));
    expect([untrained.status, untrained.stderr]).toEqual([1, expect.stringContaining('HKL_NO_CHECKPOINT')]);
    const score = hookline('predict', TRAINER, '--score', 'high', ...imagesOf('00'));
    expect([score.status, score.stderr]).toEqual([2, expect.stringContaining('--score high is not from 0 to 1')]);
  });

  it('detects what a training has learned and writes pictures', () => {
    const short = [
      'solver.maxIterations=150',
      'solver.batchSize=4',
      'solver.warmupIterations=5',
      'test.aug.enabled=false',
    ];
    const more = [...short, 'test.evalPeriod=0', 'seed=1'].flatMap((change) => ['--set', change]);
    expect(hookline('train', TRAINER, ...set, ...more).status).toBe(0);
    // squares-12 is not in the training data. Its squares have sides of 14 pixels.
    const { status, stdout, stderr } = hookline('predict', TRAINER, ...set, '--json', '--tta', ...imagesOf('00', '12'));
    expect([status, status === 0 ? '' : stderr]).toEqual([0, '']);
    const lines = stdout.trim().split('\n');
    const found = lines.map((text) => JSON.parse(text) as { detections: { class: string; box: number[] }[] });
    expect(found).toHaveLength(2);
    const squares = found[1]?.detections ?? [];
    expect([...new Set(squares.map((each) => each.class))].sort()).toEqual(['dark', 'light']);
    // After so short a training there may be false positives, but one detection is at the dark square.
    const [x, y] = [((12 * 7) % 26) + 7, ((12 * 11) % 50) + 7];
    const distances = squares
      .filter((each) => each.class === 'dark')
      .map(({ box: [left = NaN, top = NaN, right = NaN, bottom = NaN] }) =>
        Math.max(Math.abs((left + right) / 2 - x), Math.abs((top + bottom) / 2 - y)),
      );
    expect(Math.min(...distances)).toBeLessThan(5);
    expect(readdirSync(join(folder, 'run'))).not.toContain('predicted');

    // First the training data are missing, then all data.
    const moved = join(folder, 'moved');
    cpSync(join(folder, 'squares'), moved, { recursive: true });
    writeFileSync(join(moved, 'ImageSets/Main/trainval.txt'), 'gone\n');
    const root = ['--set', `data.root=${moved}`];
    const judged = hookline('eval', TRAINER, ...set, ...root, '--json', '--set', 'test.aug.enabled=false');
    expect([judged.status, judged.stdout]).toEqual([0, expect.stringMatching(/^\{"bbox":\{"AP":/)]);
    rmSync(moved, { recursive: true });
    const alone = hookline(
      'predict',
      TRAINER,
      ...set,
      ...root,
      '--json',
      '--tta',
      ...imagesOf('00', '12'),
      'nowhere.jpg',
    );
    expect([alone.status, alone.stdout]).toEqual([1, stdout]);
    expect(alone.stderr).toMatch(/nowhere\.jpg: there is no such file/);

    // In a folder, a file that is not an image does not prevent predictions for the others.
    const some = join(folder, 'some');
    mkdirSync(some);
    for (const image of imagesOf('00', '12')) copyFileSync(image, join(some, basename(image)));
    writeFileSync(join(some, 'broken.jpg'), 'no image');
    writeFileSync(join(some, 'notes.txt'), 'no image either');
    // Nobody writes to this pipe, so reading it would wait forever. Windows has no mkfifo.
    spawnSync('mkfifo', [join(some, 'pipe.jpg')]);
    const mixed = hookline('predict', TRAINER, ...set, some);
    expect([mixed.status, mixed.stderr]).toEqual([1, expect.stringMatching(/HKL_PICTURE_READ.*broken\.jpg/s)]);
    expect(mixed.stderr).toContain('the prediction failed for 1 of 3 images');
    const predicted = join(folder, 'run', 'predicted');
    expect(readdirSync(predicted)).toEqual(['squares-00.png', 'squares-12.png']);

    // A picture that cannot be written is named, and the other one is written.
    rmSync(predicted, { recursive: true });
    mkdirSync(join(predicted, 'squares-00.png'), { recursive: true });
    const unwritten = hookline('predict', TRAINER, ...set, ...imagesOf('00', '12'));
    const named = expect.stringMatching(/HKL_PICTURE_WRITE.*squares-00\.png/s) as unknown;
    expect([unwritten.status, unwritten.stderr]).toEqual([1, named]);
    expect(unwritten.stderr).toContain('the prediction failed for 1 of 2 images');
    expect(unwritten.stdout).toContain('squares-12.png');
  }, 300_000);
});
