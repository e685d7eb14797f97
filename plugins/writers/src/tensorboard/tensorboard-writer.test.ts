import { execFile, execFileSync } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ConsoleLogger, definePlugin, storageRef, TrainerBase } from '@hookline/core';
import { writers } from '../plugin.ts';
import { maskedCrc32c } from './record.ts';

const logger = new ConsoleLogger({ level: 'silent' });
const PYTHON = process.env['HOOKLINE_PYTHON'] ?? 'python3';

let dir: string;
beforeEach(() => {
  dir = temporaryFolder();
});

/** Puts an image and a histogram at the third of five steps. */
const media = definePlugin({
  name: 'media',
  version: '1.0.0',
  requires: { storage: storageRef },
  setup({ hooks, storage }) {
    hooks.afterStep.tap(({ iteration }) => {
      storage.putScalar('not/a/number', iteration === 1 ? Number.NaN : iteration);
      if (iteration !== 2) return;
      storage.putImage('picture', { data: Uint8Array.from([255, 0, 0, 0, 0, 255]), height: 1, width: 2, channels: 3 });
      storage.putHistogram('weights', [0, 1, 1, 4], { bins: 4 });
    });
    hooks.afterTrain.tap(() => storage.putScalar('eval/accuracy', 0.75, { smoothing: false }));
  },
});

const trainer = (startIteration: number, maxIterations: number, factor: number) =>
  new TrainerBase({
    step: ({ iteration }) => factor * (iteration + 1),
    startIteration,
    maxIterations,
    plugins: [media(), writers({ period: 2, json: false })],
    output: dir,
    logger,
  });
const train = (startIteration: number, maxIterations: number, factor: number) =>
  trainer(startIteration, maxIterations, factor).train();

/** The payloads of a record file, with both CRCs of each checked. */
async function records(path: string): Promise<Buffer[]> {
  const bytes = await readFile(path);
  const payloads: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const payload = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(payload));
    payloads.push(payload);
    at += length + 16;
  }
  return payloads;
}

type Field = number | Buffer;

/** The fields of a message by number: varints as numbers, the rest as bytes. Written apart from the encoder. */
function fields(message: Buffer): Map<number, Field[]> {
  const found = new Map<number, Field[]>();
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++] ?? 0;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    const type = key & 7;
    let value: Field;
    if (type === 0) value = varint();
    else {
      const length = type === 1 ? 8 : type === 5 ? 4 : varint();
      value = message.subarray(at, at + length);
      at += length;
    }
    found.set(key >> 3, [...(found.get(key >> 3) ?? []), value]);
  }
  return found;
}

const bytesOf = (message: Map<number, Field[]>, field: number): Buffer => message.get(field)?.[0] as Buffer;
const eventFiles = async () => (await readdir(dir)).filter((name) => name.startsWith('events.out.tfevents.')).sort();

describe('TensorBoardWriter', () => {
  it('writes records that decode to what was put', async () => {
    await train(0, 5, 0.5);
    const [name = ''] = await eventFiles();
    const events = (await records(join(dir, name))).map(fields);
    expect(bytesOf(events[0] as Map<number, Field[]>, 3).toString()).toBe('brain.Event:2');
    const values = events.slice(2).flatMap((event) =>
      (fields(bytesOf(event, 5)).get(1) ?? []).map((value) => {
        const parts = fields(value as Buffer);
        return { step: (event.get(2)?.[0] ?? 0) as number, tag: bytesOf(parts, 1).toString(), parts };
      }),
    );
    const scalars = (tag: string) =>
      values.filter((value) => value.tag === tag).map(({ step, parts }) => [step, bytesOf(parts, 2).readFloatLE()]);
    expect(scalars('total_loss')).toEqual([0.5, 1, 1.5, 2, 2.5].map((loss, i) => [i, loss]));
    expect(scalars('not/a/number')[1]).toEqual([1, Number.NaN]);
    expect(scalars('eval/accuracy')).toEqual([[5, 0.75]]);

    const picture = values.find(({ tag }) => tag === 'picture');
    const image = fields(bytesOf(picture?.parts as Map<number, Field[]>, 4));
    expect([1, 2, 3].map((field) => image.get(field)?.[0])).toEqual([1, 2, 3]);
    expect(bytesOf(image, 4).subarray(1, 4).toString()).toBe('PNG');
    expect(picture?.step).toBe(2);

    const histogram = fields(bytesOf(values.find(({ tag }) => tag === 'weights')?.parts as Map<number, Field[]>, 5));
    const doubles = (field: number) => {
      const bytes = bytesOf(histogram, field);
      return Array.from({ length: bytes.length / 8 }, (_, i) => bytes.readDoubleLE(i * 8));
    };
    // Smallest, largest, how many, sum, sum of squares; right edges and counts.
    expect([1, 2, 3, 4, 5].flatMap(doubles)).toEqual([0, 4, 4, 6, 18]);
    expect(doubles(6)).toEqual([1, 2, 3, 4]);
    expect(doubles(7)).toEqual([1, 2, 0, 1]);
  });

  it('tells readers in a further file where a resumed run goes on', async () => {
    await train(0, 4, 1);
    await train(3, 6, 1);
    const names = await eventFiles();
    expect(names).toHaveLength(2);
    const restart = fields((await records(join(dir, names[1] ?? '')))[1] as Buffer);
    expect(restart.get(2)).toEqual([3]);
    expect(fields(bytesOf(restart, 7)).get(1)).toEqual([1]);
  });

  it('tells readers in every file where its run begins, also at step 0 in the folder of an earlier run', async () => {
    for (let run = 0; run < 12; run++) await train(0, 2, 1);
    const names = await eventFiles();
    // Readers take them in the order of their names, also where one process makes many within a second.
    for (const name of names) {
      const events = (await records(join(dir, name))).map(fields);
      const restart = events[1] as Map<number, Field[]>;
      expect(fields(bytesOf(restart, 7)).get(1)).toEqual([1]);
      expect(restart.get(2)?.[0] ?? 0).toBe(0);
    }
    expect(names).toHaveLength(12);
    const times = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).mtimeMs));
    expect(times).toEqual([...times].sort((one, other) => one - other));
  });

  it('makes no file when there is nothing to write', async () => {
    const idle = new TrainerBase({
      step: () => 1,
      maxIterations: 9,
      plugins: [writers({ json: false })],
      output: dir,
      logger,
    });
    idle.stop();
    await idle.train();
    expect(await eventFiles()).toEqual([]);
  });

  const realReader = hasTensorBoard() ? it : it.skip;
  realReader(
    `is read by TensorBoard itself (needs the Python package tensorboard; HOOKLINE_PYTHON names the interpreter)`,
    async () => {
      await train(0, 5, 0.5);
      await train(3, 6, 100);
      const { stdout } = await promisify(execFile)(PYTHON, ['-c', READ_WITH_TENSORBOARD, dir]);
      const seen = JSON.parse(stdout) as Record<string, unknown>;
      expect(seen['total_loss']).toEqual([
        [0, 0.5],
        [1, 1],
        [2, 1.5],
        [3, 400],
        [4, 500],
        [5, 600],
      ]);
      expect(seen['picture']).toEqual([
        [
          2,
          2,
          1,
          [
            [255, 0, 0],
            [0, 0, 255],
          ],
        ],
      ]);
      expect(seen['weights']).toEqual([[2, 0, 4, 4, 6, 18, [1, 2, 0, 1]]]);
    },
  );

  realReader(
    'a new run in the folder of an earlier, longer one is read by TensorBoard itself with each step once (needs the same)',
    async () => {
      await train(0, 6, 0.5);
      await train(0, 3, 100);
      const { stdout } = await promisify(execFile)(PYTHON, ['-c', READ_WITH_TENSORBOARD, dir]);
      expect((JSON.parse(stdout) as Record<string, unknown>)['total_loss']).toEqual([
        [0, 100],
        [1, 200],
        [2, 300],
      ]);
    },
  );

  realReader(
    'values after the last step outlive a resume from the checkpoint that knows them (needs the same)',
    async () => {
      const goingOn = trainer(0, 4, 1);
      await goingOn.train();
      await goingOn.train({ maxIterations: 6 });
      const { stdout } = await promisify(execFile)(PYTHON, ['-c', READ_WITH_TENSORBOARD, dir]);
      const seen = JSON.parse(stdout) as Record<string, unknown>;
      expect(seen['eval/accuracy']).toEqual([
        [4, 0.75],
        [6, 0.75],
      ]);
    },
  );
});

function hasTensorBoard(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import tensorboard'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const READ_WITH_TENSORBOARD = `
import json, sys, zlib
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator as ServedAccumulator
from tensorboard.util import tensor_util
reader = EventAccumulator(sys.argv[1], size_guidance={"scalars": 0, "images": 0, "histograms": 0})
reader.Reload()
def pixels(png):
    at, data = 8, b""
    while at < len(png):
        length = int.from_bytes(png[at:at + 4], "big")
        if png[at + 4:at + 8] == b"IDAT": data += png[at + 8:at + 8 + length]
        at += length + 12
    row = zlib.decompress(data)[1:]
    return [list(row[i:i + 3]) for i in range(0, len(row), 3)]
out = {tag: [[e.step, e.value] for e in reader.Scalars(tag)] for tag in ["total_loss", "eval/accuracy"]}
# What the server reads with; it counts new beginnings in another way.
served = ServedAccumulator(sys.argv[1], tensor_size_guidance={"scalars": 0})
served.Reload()
for tag, seen in list(out.items()):
    again = [[e.step, float(tensor_util.make_ndarray(e.tensor_proto).item())] for e in served.Tensors(tag)]
    assert again == seen, (tag, again, seen)
out["picture"] = [[e.step, e.width, e.height, pixels(e.encoded_image_string)] for e in reader.Images("picture")]
out["weights"] = [
    [e.step, h.min, h.max, h.num, h.sum, h.sum_squares, list(h.bucket)]
    for e in reader.Histograms("weights") for h in [e.histogram_value]
]
print(json.dumps(out))
`;
