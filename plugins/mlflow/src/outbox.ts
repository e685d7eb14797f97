import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '@hookline/core';
import type { MlflowMetric, RunStatus } from './mlflow-client.ts';

/** What is to be told to the server, in order. */
export type Message =
  { readonly metrics: readonly MlflowMetric[] } | { readonly status: RunStatus; readonly time: number };

/** What a run is made with, should the server not know of it yet. */
export interface RunPlan {
  readonly experiment: string;
  readonly name: string;
  readonly startTime: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
}

/** What is known of a run; in a file. */
export interface RunRecord extends RunPlan {
  /** Id of the run, once the server has told it. */
  readonly run?: string;
  /** Whether making it was asked for: the answer may have been lost. */
  readonly isAsked?: boolean;
  /** Whether the parameters were sent. */
  readonly hasParams?: boolean;
  /** Messages of the outbox that were sent. */
  readonly sent: number;
}

/**
 * What one run has to tell the server, on disk before it is sent: `KEY.jsonl` holds the messages, one a line, and `KEY.json` what is known of the
 * run and how many of them were sent. Whatever is killed when, what was added is sent at least once; the server keeps equal metrics once.
 */
export class Outbox {
  readonly key: string;
  readonly #folder: string;
  #record: RunRecord;
  #messages: Message[];
  #broken = 0;
  /** Whether an append has failed, which may have left a part of its line. */
  #isCut = false;

  private constructor(folder: string, key: string, record: RunRecord, messages: Message[]) {
    this.key = key;
    this.#folder = folder;
    this.#record = record;
    this.#messages = messages;
  }

  /** That of a run, where there is one in the folder; else a new one where there is a plan. */
  static async open(folder: string, key: string, plan?: RunPlan): Promise<Outbox | undefined> {
    const text = await readFile(join(folder, `${key}.json`), 'utf8').catch(() => undefined);
    if (text === undefined) {
      if (plan === undefined) return undefined;
      await mkdir(folder, { recursive: true });
      const box = new Outbox(folder, key, { ...plan, sent: 0 }, []);
      await box.update({});
      return box;
    }
    const record = JSON.parse(text) as RunRecord;
    const lines = await readFile(join(folder, `${key}.jsonl`), 'utf8').catch(() => '');
    // A last line that a kill has cut off is left out.
    const whole = lines.slice(0, lines.lastIndexOf('\n') + 1);
    if (whole.length < lines.length) await writeFileAtomically(join(folder, `${key}.jsonl`), whole);
    const all = whole.split('\n').slice(0, -1);
    // A kill may have come between deleting what was sent and counting anew.
    const sent = all.length === 0 ? 0 : record.sent;
    const unsent = all.slice(sent);
    const read = unsent.map(messageIn);
    const messages = read.filter((message) => message !== undefined);
    const box = new Outbox(folder, key, { ...record, sent }, messages);
    if (messages.length < unsent.length) await box.#putAside(unsent.filter((_, place) => read[place] === undefined));
    return box;
  }

  /** How many messages a full disk has cut off; what is left of them was put aside when the outbox was opened. */
  get broken(): number {
    return this.#broken;
  }

  async #putAside(lines: readonly string[]): Promise<void> {
    this.#broken = lines.length;
    await appendFile(join(this.#folder, `${this.key}.refused.jsonl`), `${lines.join('\n')}\n`);
    // In this order: whatever is killed in between, a message is rather sent twice than not at all.
    await this.update({ sent: 0 });
    const kept = this.#messages.map((message) => `${JSON.stringify(message)}\n`).join('');
    await writeFileAtomically(join(this.#folder, `${this.key}.jsonl`), kept);
  }

  /** The keys of the runs in a folder. */
  static async keys(folder: string): Promise<readonly string[]> {
    const names = await readdir(folder).catch(() => []);
    return names.filter((name) => /^[\w-]+\.json$/.test(name)).map((name) => name.slice(0, -'.json'.length));
  }

  get record(): RunRecord {
    return this.#record;
  }

  /** What was not sent yet, the oldest first. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  async add(message: Message): Promise<void> {
    // In memory first: a disk that is full then loses nothing as long as the training lives.
    this.#messages.push(message);
    // Each message has a line of its own, also one of which nothing came to the disk, so that lines can be counted.
    const line = `${this.#isCut ? '\n' : ''}${JSON.stringify(message)}\n`;
    this.#isCut = true;
    await appendFile(join(this.#folder, `${this.key}.jsonl`), line);
    this.#isCut = false;
  }

  /** The oldest message was sent. */
  async sent(): Promise<void> {
    this.#messages.shift();
    await this.update({ sent: this.#record.sent + 1 });
  }

  /** The oldest message was refused: it is put aside in `KEY.refused.jsonl`. */
  async refused(): Promise<void> {
    await appendFile(join(this.#folder, `${this.key}.refused.jsonl`), `${JSON.stringify(this.#messages[0])}\n`);
    await this.sent();
  }

  async update(change: Partial<RunRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await writeFileAtomically(join(this.#folder, `${this.key}.json`), `${JSON.stringify(this.#record, null, 2)}\n`);
  }

  /** Where everything was sent, the messages are not kept. */
  async close(): Promise<void> {
    if (this.#messages.length > 0 || this.#record.sent === 0) return;
    await rm(join(this.#folder, `${this.key}.jsonl`), { force: true });
    await this.update({ sent: 0 });
  }
}

/** The message in a line; undefined where the line is not whole. */
function messageIn(line: string): Message | undefined {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return undefined;
  }
}
