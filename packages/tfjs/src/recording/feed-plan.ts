import type tf from '#tfjs';
import type { StepInput } from '../scope/step-input.ts';
import { specOf, valueOf, type RecordNode } from '../graph/graph-record.ts';
import { handleOf, type NativeBackend } from '../device/native-backend.ts';

/**
 * The source of one input of a graph: a tensor of the batch (by its path), a tensor from outside of the step (by a handle
 * that the record owns), or a host value of the step's scope.
 */
export type Feed =
  | { readonly path: string }
  | { readonly handle: number }
  | { readonly input: StepInput; readonly spec: { readonly shape: number[]; readonly dtype: number } };

/** The graph's name for a tensor of the batch. */
export const batchInput = (path: string): string => `batch/${path}`;
/** The graph's name for an input of the step's scope. */
export const scopeInput = (name: string): string => `input/${name}`;
/** The graph's name for a large tensor from outside of the step; `place` counts them in the order of first use. */
export const outsideInput = (place: number): string => `outside/${place}`;

/** Resolves the names of a graph's inputs once, so that steps need no lookups. */
export function planFeeds(
  inputs: ReadonlyMap<string, RecordNode>,
  scope: ReadonlyMap<string, StepInput>,
): readonly Feed[] {
  return Array.from(inputs, ([name, node]) => {
    if (node.outside?.handle !== undefined) return { handle: node.outside.handle };
    const { shape, dtype } = specOf(valueOf(node));
    if (name.startsWith(batchInput(''))) return { path: name.slice(batchInput('').length) };
    const input = scope.get(name.slice(scopeInput('').length));
    if (input === undefined) throw new RangeError(`the step has no input ${name}`);
    return { input, spec: { shape: [...shape], dtype } };
  });
}

/** Runs `use` with the handles of a plan's inputs, then frees the handles that were made for this call. */
export function withFeeds<T>(
  backend: NativeBackend,
  plan: readonly Feed[],
  tensors: ReadonlyMap<string, tf.Tensor>,
  use: (handles: number[]) => T,
): T {
  const { binding } = backend;
  const made: number[] = [];
  try {
    const handles = plan.map((feed) => {
      if ('handle' in feed) return feed.handle;
      if ('path' in feed) return handleOf(backend, tensors.get(feed.path) as tf.Tensor);
      const handle = binding.createTensor(feed.spec.shape, feed.spec.dtype, feed.input.values());
      made.push(handle);
      return handle;
    });
    return use(handles);
  } finally {
    for (const handle of made) binding.deleteTensor(handle);
  }
}
