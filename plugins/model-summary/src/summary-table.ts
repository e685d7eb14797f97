import { alignColumns } from '@hookline/core';
import { describeParameters, type TrainableModel } from '@hookline/tfjs';
import { type ForwardUse, layerOf } from './forward-watch.ts';

/** The summary of a model. */
export interface Summary {
  /** The last line: parameters and multiply-adds of the whole model. */
  readonly total: string;
  /** The whole table. */
  readonly table: string;
}

const count = (value: number): string => value.toLocaleString('en-US');

/**
 * Formats a model and its observed forward pass: layers in the order of their use, then those that were not used.
 *
 * @param items number of items in the batch; undefined if unknown
 */
export function summarize(
  model: TrainableModel,
  { layers, elsewhere }: ForwardUse,
  items: number | undefined,
): Summary {
  const parameters = describeParameters(model);
  const names = new Set([...layers.keys(), ...parameters.map(({ name }) => layerOf(name))]);
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  const rows = [...names].map((layer) => {
    const own = parameters.filter(({ name }) => layerOf(name) === layer);
    const use = layers.get(layer);
    return [
      layer,
      use?.output === undefined ? '' : `[${use.output.join(', ')}]`,
      count(sum(own.map(({ size }) => size))),
      count(sum(own.flatMap(({ trainable, size }) => (trainable ? [size] : [])))),
      count(use?.multiplyAdds ?? 0),
    ];
  });
  if (elsewhere > 0) rows.push(['(products without weights)', '', '0', '0', count(elsewhere)]);
  const all = sum(parameters.map(({ size }) => size));
  const trained = sum(parameters.flatMap(({ trainable, size }) => (trainable ? [size] : [])));
  const work = elsewhere + sum([...layers.values()].map(({ multiplyAdds }) => multiplyAdds));
  const each =
    items === undefined || items === 1 ? '' : `, ${count(Math.round(work / items))} for each of its ${items} items`;
  const total = `${model.name}: ${count(all)} parameters, ${count(trained)} of them trained; ${count(work)} multiply-adds in the forward pass of a batch${each}`;
  const header = ['layer', 'output', 'parameters', 'trained', 'multiply-adds'];
  const lines = alignColumns([header, ...rows], (column) => column > 1);
  return { total, table: [...lines, total].join('\n') };
}
