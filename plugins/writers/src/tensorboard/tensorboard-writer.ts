import { appendFile, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { exists } from '../exists.ts';
import { namesAt, selectScalars, type WrittenScalar, type WrittenValues } from '../select-scalars.ts';
import type { WriteBatch, Writer, WriterRun } from '../writer.ts';
import { histogramValue, imageValue, restartEvent, scalarValue, summaryEvent, versionEvent } from './event-messages.ts';
import type { MessageWriter } from './protobuf.ts';
import { frameRecord } from './record.ts';

/** Tells files apart that one process makes within a second. */
let fileNumber = 0;

interface TensorBoardWriterOptions {
  /** The folder of the event files, within that of the run. */
  readonly dir: string;
  readonly values: WrittenValues;
  /** Iterations that `latest` values are medians over. */
  readonly windowSize: number;
}

/**
 * Writes TensorBoard event files: scalars, images and histograms. The file is made when there is something to write.
 * It tells TensorBoard at which step this run goes on, or that it begins anew: what other files of the folder hold from
 * there on is void.
 */
export class TensorBoardWriter implements Writer {
  readonly name = 'tensorboard';
  readonly #options: TensorBoardWriterOptions;
  #run: WriterRun | undefined;
  #kept: readonly WrittenScalar[] = [];
  target: string | undefined;

  constructor(options: TensorBoardWriterOptions) {
    this.#options = options;
  }

  open(run: WriterRun): void {
    this.#run = run;
    const { storage, startIteration } = run;
    this.#kept = namesAt(storage, startIteration).map((name) => ({ name, ...storage.history(name).latestSample() }));
  }

  async write({ scalars, images, histograms }: WriteBatch): Promise<void> {
    const steps = new Map<number, MessageWriter[]>();
    const add = (step: number, value: MessageWriter): void => {
      const values = steps.get(step);
      if (values === undefined) steps.set(step, [value]);
      else values.push(value);
    };
    for (const scalar of selectScalars(scalars, this.#options)) add(scalar.iteration, scalarValue(scalar));
    for (const image of images) add(image.iteration, imageValue(image));
    for (const histogram of histograms) add(histogram.iteration, histogramValue(histogram));
    if (steps.size === 0) return;
    const wallTime = Date.now() / 1000;
    const events = [...steps]
      .sort(([a], [b]) => a - b)
      .map(([step, values]) => frameRecord(summaryEvent(wallTime, step, values).finish()));
    // If the folder was removed in the meantime, create it again, with a new file.
    if (this.target === undefined || !(await exists(this.target))) this.target = await this.#begin();
    await appendFile(this.target, Buffer.concat(events));
  }

  async #begin(): Promise<string> {
    if (this.#run === undefined) throw new Error('open() comes before write()');
    const { startIteration, file } = this.#run;
    const now = Date.now() / 1000;
    // TensorBoard reads the files of a folder in the order of their names, so the numbers in the names have a fixed width.
    const number = String(fileNumber++).padStart(6, '0');
    const name = `events.out.tfevents.${Math.floor(now)}.${number}.${hostname()}.${process.pid}`;
    const path = await file(this.#options.dir, name);
    this.target = path;
    // Begin every file with a restart event, because a reader ignores the one in the first file that it reads.
    const events = [versionEvent(now), restartEvent(now, startIteration)];
    // The values of that step that the checkpoint holds are not put into the storage again.
    if (this.#kept.length > 0) events.push(summaryEvent(now, startIteration, this.#kept.map(scalarValue)));
    await writeFile(path, Buffer.concat(events.map((event) => frameRecord(event.finish()))), { flag: 'wx' });
    return path;
  }
}
