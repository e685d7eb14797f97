import type { Logger } from '@hookline/core';
import { ConsoleWriter } from './console/console-writer.ts';
import { CsvWriter } from './csv/csv-writer.ts';
import { JsonLinesWriter } from './json-lines/json-lines-writer.ts';
import type { ResolvedWritersOptions } from './options.ts';
import { TensorBoardWriter } from './tensorboard/tensorboard-writer.ts';
import type { Writer } from './writer.ts';

/** Creates the writers for the options, in detectron2's order: console, JSON lines, CSV, TensorBoard, then the user's. */
export function makeWriters(
  options: ResolvedWritersOptions,
  logger: Logger,
  eta: () => number | undefined,
  live: boolean,
  metrics: ReadonlySet<string>,
): readonly Writer[] {
  const { console: lines, json, csv, tensorboard, writers, windowSize } = options;
  const result: Writer[] = [];
  if (lines !== false)
    result.push(new ConsoleWriter(logger, eta, { onlyLast: lines === 'auto' && live, windowSize, metrics }));
  if (json !== false) {
    const { file, values } = json === true ? { file: 'metrics.json', values: 'all' as const } : json;
    result.push(new JsonLinesWriter({ file, values, windowSize }, logger));
    // Comes after the JSON lines, from which it is made when both are closed.
    if (csv !== false) result.push(new CsvWriter({ file: csv === true ? 'metrics.csv' : csv.file, from: file }));
  }
  if (tensorboard !== false) {
    const { dir, values } = tensorboard === true ? { dir: '.', values: 'all' as const } : tensorboard;
    result.push(new TensorBoardWriter({ dir, values, windowSize }));
  }
  return [...result, ...writers];
}
