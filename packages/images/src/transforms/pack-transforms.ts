import { deserialize, serialize } from 'node:v8';
import { HooklineError } from '@hookline/core';
import { AffineTransform } from './affine-transform.ts';
import { BlendTransform, ShiftColorTransform } from './color-transform.ts';
import { FlipTransform } from './flip-transform.ts';
import { ResizeTransform } from './resize-transform.ts';
import { TransformList, type Transform } from './transform.ts';
import { WindowTransform } from './window-transform.ts';

/** A class of transforms, with a function that gets the constructor arguments of an instance. */
interface Kind {
  readonly type: new (...args: never) => Transform;
  readonly argsOf: (transform: never) => readonly unknown[];
}

function kind<T extends Transform, const A extends readonly unknown[]>(
  type: new (...args: A) => T,
  argsOf: (transform: T) => NoInfer<A>,
): Kind {
  return { type, argsOf };
}

const KINDS: ReadonlyMap<string, Kind> = new Map([
  [
    'affine',
    kind(AffineTransform, ({ matrix, width, height, newWidth, newHeight, fill }) => [
      { matrix, width, height, newWidth, newHeight, fill },
    ]),
  ],
  ['blend', kind(BlendTransform, ({ source, weight }) => [source, weight])],
  ['color', kind(ShiftColorTransform, ({ shift }) => [shift])],
  ['flip', kind(FlipTransform, ({ direction, width, height }) => [direction, width, height])],
  ['resize', kind(ResizeTransform, ({ width, height, newWidth, newHeight }) => [width, height, newWidth, newHeight])],
  ['window', kind(WindowTransform, ({ window, width, height, fill }) => [window, width, height, fill])],
]);

/** A transform as plain data: its class and arguments; without arguments, the name of an unknown class. */
type Plain = readonly [name: string, args?: readonly unknown[]];

/** Packs the transforms of a batch into bytes, which are sent between threads and unpacked only when needed. */
export function packTransforms(lists: readonly TransformList[]): Uint8Array<ArrayBuffer> {
  // Copied, because the memory of a Buffer cannot be transferred.
  return Uint8Array.from(serialize(lists.map(({ transforms }) => transforms.map(toPlain))));
}

/**
 * Unpacks transforms equal to those that were packed.
 *
 * @throws HooklineError `HKL_TRANSFORM_FOREIGN` when one was of a class that this package does not know
 */
export function unpackTransforms(packed: Uint8Array): TransformList[] {
  const lists = deserialize(packed) as readonly (readonly Plain[])[];
  return lists.map((list) => new TransformList(list.map(fromPlain)));
}

function toPlain(transform: Transform): Plain {
  // Compares the class itself, because a derived class may behave differently.
  for (const [name, { type, argsOf }] of KINDS)
    if (transform.constructor === type) return [name, argsOf(transform as never)];
  return [transform.constructor.name];
}

function fromPlain([name, args]: Plain): Transform {
  const found = KINDS.get(name);
  if (found !== undefined && args !== undefined) return new found.type(...(args as never));
  throw new HooklineError(
    'HKL_TRANSFORM_FOREIGN',
    `one has the user-defined class "${name}", which cannot be sent from the thread that made it`,
    {
      who: 'the transforms of a batch',
      fix: 'Use transforms of @hookline/images, or set workers: 0 where the transforms are needed',
    },
  );
}
