import { appendFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomically } from '@hookline/core';
import type { MlflowMetric, RunStatus } from './mlflow-client.ts';

/** A message for the server. */
export type Message =
  { readonly metrics: readonly MlflowMetric[] } | { readonly status: RunStatus; readonly time: number };

/** The data with which a run is created, if the server does not have it yet. */
export interface RunPlan {
  readonly experiment: string;
  readonly name: string;
  readonly startTime: number;
  readonly tags: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, string>>;
}

/** The stored state of a run. */
export interface RunRecord extends RunPlan {
  /** Id of the run, after the server has returned it. */
  readonly run?: string;
  /** Whether its creation was requested; the answer may have been lost. */
  readonly isAsked?: boolean;
  /** Whether the parameters were sent. */
  readonly hasParams?: boolean;
  /** Number of messages of the outbox that were sent. */
  readonly sent: number;
}

/**
 * The messages of one run for the server, written to disk before they are sent: `KEY.jsonl` holds the messages, one per line, and `KEY.json` the state of the
 * run and the number of sent messages. Even if a process is killed at any time, every message is sent at least once; the server stores equal metrics only once.
 */
export class Outbox {
  readonly key: string;
  readonly #folder: string;
  #record: RunRecord;
  #messages: Message[];
  #broken = 0;
  /** Whether an append has failed, which may have left a partial line. */
  #isCut = false;

  private constructor(folder: string, key: string, record: RunRecord, messages: Message[]) {
    this.key = key;
    this.#folder = folder;
    this.#record = record;
    this.#messages = messages;
  }

  /** Opens the outbox of a run if the folder has one; otherwise creates one if a plan is given. */
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
    // Ignore a last line that was truncated when the process was killed.
    const whole = lines.slice(0, lines.lastIndexOf('\n') + 1);
    if (whole.length < lines.length) await writeFileAtomically(join(folder, `${key}.jsonl`), whole);
    const all = whole.split('\n').slice(0, -1);
    // The process may have been killed between deleting the sent messages and resetting the count.
    const sent = all.length === 0 ? 0 : record.sent;
    const unsent = all.slice(sent);
    const read = unsent.map(messageIn);
    const messages = read.filter((message) => message !== undefined);
    const box = new Outbox(folder, key, { ...record, sent }, messages);
    if (messages.length < unsent.length) await box.#putAside(unsent.filter((_, place) => read[place] === undefined));
    return box;
  }

  /** Number of messages that a full disk has truncated; they were moved to another file when the outbox was opened. */
  get broken(): number {
    return this.#broken;
  }

  async #putAside(lines: readonly string[]): Promise<void> {
    this.#broken = lines.length;
    await appendFile(join(this.#folder, `${this.key}.refused.jsonl`), `${lines.join('\n')}\n`);
    // The order matters: if the process is killed in between, a message may be sent twice, but is never lost.
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

  /** The unsent messages, the oldest first. */
  get messages(): readonly Message[] {
    return this.#messages;
  }

  async add(message: Message): Promise<void> {
    // Keep it in memory first, so that a full disk loses nothing as long as the training runs.
    this.#messages.push(message);
    // Each message has its own line, even if nothing of it reached the disk, so that lines can be counted.
    const line = `${this.#isCut ? '\n' : ''}${JSON.stringify(message)}\n`;
    this.#isCut = true;
    await appendFile(join(this.#folder, `${this.key}.jsonl`), line);
    this.#isCut = false;
  }

  /** Marks the oldest message as sent. */
  async sent(): Promise<void> {
    this.#messages.shift();
    await this.update({ sent: this.#record.sent + 1 });
  }

  /** Moves the oldest message, which the server has rejected, to `KEY.refused.jsonl`. */
  async refused(): Promise<void> {
    await appendFile(join(this.#folder, `${this.key}.refused.jsonl`), `${JSON.stringify(this.#messages[0])}\n`);
    await this.sent();
  }

  async update(change: Partial<RunRecord>): Promise<void> {
    this.#record = { ...this.#record, ...change };
    await writeFileAtomically(join(this.#folder, `${this.key}.json`), `${JSON.stringify(this.#record, null, 2)}\n`);
  }

  /** Deletes the messages after all of them have been sent. */
  async close(): Promise<void> {
    if (this.#messages.length > 0 || this.#record.sent === 0) return;
    await rm(join(this.#folder, `${this.key}.jsonl`), { force: true });
    await this.update({ sent: 0 });
  }
}

/** The message in a line; undefined if the line is incomplete. */
function messageIn(line: string): Message | undefined {
  try {
    return JSON.parse(line) as Message;
  } catch {
    return undefined;
  }
}
