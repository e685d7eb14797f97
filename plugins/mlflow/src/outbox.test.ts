import { appendFile, mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Outbox, type Message } from './outbox.ts';

const plan = { experiment: 'digits', name: 'run', startTime: 0, tags: {}, params: {} };
const message = (time: number): Message => ({ status: 'RUNNING', time });

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

const open = async (): Promise<Outbox> => (await Outbox.open(folder, 'key', plan)) as Outbox;
const append = (text: string) => appendFile(join(folder, 'key.jsonl'), text);

describe('Outbox', () => {
  it('keeps what was not sent for the next process', async () => {
    const box = await open();
    for (const time of [1, 2, 3]) await box.add(message(time));
    await box.sent();
    expect((await open()).messages).toEqual([message(2), message(3)]);
  });

  it('leaves out a last line that was cut off', async () => {
    await (await open()).add(message(1));
    await append('{"status":"FIN');
    const box = await open();
    await box.add(message(2));
    expect((await open()).messages).toEqual([message(1), message(2)]);
  });

  it.each(['{"metrics":[{"key":"lo', ''])('puts aside what a full disk has left of a message: "%s"', async (left) => {
    const box = await open();
    for (const time of [1, 2]) await box.add(message(time));
    await box.sent();
    // As where the write of a message fails and others follow.
    await append(`${left}\n${JSON.stringify(message(4))}\n`);
    const next = await open();
    expect(next.messages).toEqual([message(2), message(4)]);
    expect(next.broken).toBe(1);
    expect(await readFile(join(folder, 'key.refused.jsonl'), 'utf8')).toBe(`${left}\n`);
    await next.sent();
    expect((await open()).messages).toEqual([message(4)]);
  });

  it('counts right after a message that could not be written', async () => {
    const box = await open();
    await mkdir(join(folder, 'key.jsonl'));
    await expect(box.add(message(1))).rejects.toMatchObject({ code: 'EISDIR' });
    await rm(join(folder, 'key.jsonl'), { recursive: true });
    await box.add(message(2));
    expect(box.messages).toEqual([message(1), message(2)]);
    await box.sent();
    expect((await open()).messages).toEqual([message(2)]);
  });
});
