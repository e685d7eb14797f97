import { alignColumns } from '@hookline/core';
import { parameterKind, type ParameterKind } from '../parameters/parameter-kind.ts';
import type { TrainableModel } from './trainable-model.ts';

/** One variable of a model. */
export interface ParameterDescription {
  readonly name: string;
  readonly shape: readonly number[];
  /** Number of elements. */
  readonly size: number;
  readonly trainable: boolean;
  readonly kind: ParameterKind;
}

/** The number of values in a model's variables. */
export interface ParameterCount {
  readonly trainable: number;
  /** Elements of frozen weights and moving averages. */
  readonly state: number;
  readonly total: number;
}

/** Every variable of a model, the trainable ones first. */
export function describeParameters(model: TrainableModel): ParameterDescription[] {
  const describe =
    (trainable: boolean) =>
    ([name, { shape, size }]: [string, { shape: number[]; size: number }]): ParameterDescription => ({
      name,
      shape: [...shape],
      size,
      trainable,
      kind: parameterKind(model, name),
    });
  return [...[...model.trainable()].map(describe(true)), ...[...model.state()].map(describe(false))];
}

/** Counts the parameters of a model. */
export function countParameters(model: TrainableModel): ParameterCount {
  const sum = (sizes: Iterable<{ size: number }>): number => [...sizes].reduce((total, { size }) => total + size, 0);
  const trainable = sum(model.trainable().values());
  const state = sum(model.state().values());
  return { trainable, state, total: trainable + state };
}

/** Formats a model's variables as a human-readable table. */
export function describeModel(model: TrainableModel): string {
  const rows = describeParameters(model).map(({ name, shape, size, trainable }) => [
    name,
    `[${shape.join(', ')}]`,
    size.toLocaleString('en-US'),
    trainable ? '' : 'not trained',
  ]);
  const lines = alignColumns(rows, (column) => column === 2).map((line) => `  ${line}`);
  const { trainable, total } = countParameters(model);
  const summary = `${total.toLocaleString('en-US')} parameters, ${trainable.toLocaleString('en-US')} of them trained`;
  return [`${model.name}: ${summary}`, ...lines].join('\n');
}
