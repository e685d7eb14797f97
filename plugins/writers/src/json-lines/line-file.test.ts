import { open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LineFile } from './line-file.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = temporaryFolder();
  path = join(dir, 'metrics.json');
});

const records = (...entries: [iteration: number, values: Record<string, number>][]) =>
  new Map(entries.map(([iteration, values]) => [iteration, new Map(Object.entries(values))]));
const lines = async () =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe('LineFile', () => {
  it('writes sorted keys, in the order of the iterations', async () => {
    const { file } = await LineFile.open(path, { start: 0 });
    await file.add(records([3, { b: 1, a: 2 }], [1, { z: 0.5, __proto__: 1 }]));
    await file.close();
    expect(await readFile(path, 'utf8')).toBe('{"iteration": 1, "z": 0.5}\n{"a": 2, "b": 1, "iteration": 3}\n');
  });

  it('keeps JSON valid whatever the values and names', async () => {
    const { file } = await LineFile.open(path, { start: 0 });
    const record = new Map([
      ['nan', Number.NaN],
      ['inf', Infinity],
      ['low', -Infinity],
      ['__proto__', 1],
      ['a"b\n', 2],
    ]);
    await file.add(new Map([[0, record]]));
    await file.close();
    const text = await readFile(path, 'utf8');
    expect(text).toBe(
      '{"__proto__": 1, "a\\"b\\n": 2, "inf": "Infinity", "iteration": 0, "low": "-Infinity", "nan": "NaN"}\n',
    );
    expect(Object.values(JSON.parse(text) as object).map(Number)).toEqual([1, 2, Infinity, 0, -Infinity, Number.NaN]);
  });

  it('merges what comes late into the line it belongs to, however far back', async () => {
    const { file } = await LineFile.open(path, { start: 0 });
    const count = 5000;
    for (let i = 0; i < count; i += 50) {
      await file.add(records(...Array.from({ length: 50 }, (_, k): [number, { a: number }] => [i + k, { a: i + k }])));
    }
    await file.add(records([count - 1, { late: 1 }]));
    await file.add(records([7, { late: 2, a: -1 }], [count, { a: count }]));
    await file.add(records([count - 500, { late: 3 }]));
    await file.close();
    const found = await lines();
    expect(found.map(({ iteration }) => iteration)).toEqual(Array.from({ length: count + 1 }, (_, i) => i));
    expect(found.filter((line) => 'late' in line)).toEqual([
      { iteration: 7, a: -1, late: 2 },
      { iteration: count - 500, a: count - 500, late: 3 },
      { iteration: count - 1, a: count - 1, late: 1 },
    ]);
    expect(found.every(({ a }, i) => a === (i === 7 ? -1 : i))).toBe(true);
  });

  it('takes out the lines that come again and a torn one when it goes on, and keeps the rest to the byte', async () => {
    const kept = '{"a": 1, "iteration": 0}\n{"a": "NaN", "iteration": 1}\n';
    await writeFile(path, `${kept}{"a": 3, "iteration": 2}\n{"a": 3, "iteration": 3}\n{"a": 4, "iter`);
    const { file, dropped } = await LineFile.open(path, { start: 2 });
    expect(dropped).toBe(3);
    expect(await readFile(path, 'utf8')).toBe(kept);
    await file.add(records([1, { b: 5 }], [2, { a: 6 }]));
    await file.close();
    expect(await lines()).toEqual([
      { a: 1, iteration: 0 },
      { a: 'NaN', b: 5, iteration: 1 },
      { a: 6, iteration: 2 },
    ]);
  });

  it('keeps, in the line of the iteration that it goes on at, the values that are not written again', async () => {
    await writeFile(
      path,
      '{"a": 1, "iteration": 1}\n{"a": 2, "accuracy": 0.5, "iteration": 2}\n{"a": 3, "iteration": 3}\n',
    );
    const { file } = await LineFile.open(path, { start: 2, keeps: (name) => name === 'accuracy' });
    expect(await lines()).toEqual([
      { a: 1, iteration: 1 },
      { accuracy: 0.5, iteration: 2 },
    ]);
    await file.add(records([2, { a: 4 }]));
    await file.close();
    expect((await lines()).at(-1)).toEqual({ a: 4, accuracy: 0.5, iteration: 2 });
  });

  it('puts lines that two runs have mixed into order, each iteration once', async () => {
    await writeFile(
      path,
      [0, 1, 2, 1, 2, 3].map((iteration, a) => `{"a": ${a}, "iteration": ${iteration}}\n`).join(''),
    );
    const { file } = await LineFile.open(path, { start: 9 });
    await file.close();
    expect(await lines()).toEqual([0, 3, 4, 5].map((a, iteration) => ({ a, iteration })));
  });

  it('goes on with a file that is larger than a string can be, without reading it', async () => {
    const line = (iteration: number) => `{"a": ${iteration}, "iteration": ${iteration}}\n`;
    const tail = Array.from({ length: 3000 }, (_, i) => line(i + 1000)).join('');
    const file = await open(path, 'w');
    // The lines of 600 MB that are not there take no room on the disk.
    const hole = 600 * 2 ** 20;
    await file.write('\n', hole - 1);
    await file.write(tail, hole);
    await file.close();
    const { file: opened, dropped } = await LineFile.open(path, { start: 3900 });
    expect(dropped).toBe(100);
    await opened.add(records([3899, { late: 1 }], [3900, { a: 1 }]));
    await opened.close();
    const written = await open(path, 'r');
    const { size } = await written.stat();
    const end = Buffer.alloc(size - hole);
    await written.read(end, 0, end.length, hole);
    await written.close();
    const expected = tail.slice(0, tail.indexOf(line(3899)));
    expect(end.toString()).toBe(`${expected}{"a": 3899, "iteration": 3899, "late": 1}\n{"a": 1, "iteration": 3900}\n`);
  });

  it('says so where a line cannot be one of metrics', async () => {
    const file = await open(path, 'w');
    await file.truncate(100 * 2 ** 20);
    await file.close();
    await expect(LineFile.open(path, { start: 1 })).rejects.toThrow('a line of more than 64 MiB');
  });
});
