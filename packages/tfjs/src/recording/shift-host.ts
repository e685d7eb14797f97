import nodeCrypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';

/**
 * The watched functions of `node:crypto`, which draw numbers synchronously. `randomUUID` is not watched, because a name may be
 * made of it. Node does not allow replacing `getRandomValues` of `node:crypto`, only that of `globalThis.crypto`.
 */
const DRAWS = ['randomBytes', 'randomInt', 'randomFillSync'] as const;

/** The changes to the host during a recording. */
export interface HostShift {
  /** The milliseconds by which `Date.now()`, `new Date()` and `performance.now()` are advanced. */
  readonly clock: number;
  /** Called before `node:crypto` or `globalThis.crypto` draws random numbers. */
  readonly onDraw: () => void;
}

/**
 * Advances the clocks and watches the system's random numbers, which reveals a step that uses either.
 *
 * @returns a function that undoes both
 */
export function shiftHost({ clock, onDraw }: HostShift): () => void {
  const restoreClocks = clock === 0 ? () => undefined : shiftClocks(clock);
  const crypto = nodeCrypto as unknown as Record<string, (...args: unknown[]) => unknown>;
  const watched: [Record<string, unknown>, string][] = DRAWS.map((name) => [crypto, name]);
  watched.push([globalThis.crypto as unknown as Record<string, unknown>, 'getRandomValues']);
  const restores = watched.map(([owner, name]) => {
    const draw = owner[name] as (...args: unknown[]) => unknown;
    return replace(owner, name, (...args: unknown[]) => {
      onDraw();
      return Reflect.apply(draw, owner, args);
    });
  });
  // This updates named imports of the module.
  syncBuiltinESMExports();
  return () => {
    for (const restore of restores) restore();
    syncBuiltinESMExports();
    restoreClocks();
  };
}

function shiftClocks(milliseconds: number): () => void {
  const { Date: PlainDate } = globalThis;
  const now = (): number => PlainDate.now() + milliseconds;
  const ShiftedDate: DateConstructor = new Proxy(PlainDate, {
    get: (target, key) => (key === 'now' ? now : (Reflect.get(target, key) as unknown)),
    construct: (target, args, newTarget) =>
      Reflect.construct(
        target,
        args.length === 0 ? [now()] : args,
        newTarget === ShiftedDate ? target : newTarget,
      ) as Date,
  });
  globalThis.Date = ShiftedDate;
  const { performance } = globalThis;
  const elapsed = performance.now.bind(performance);
  const restore = replace(performance, 'now', () => elapsed() + milliseconds);
  return () => {
    restore();
    globalThis.Date = PlainDate;
  };
}

/** Replaces one property of an object. @returns a function that restores it, even where it was inherited */
function replace(owner: object, name: string, value: unknown): () => void {
  const own = Object.getOwnPropertyDescriptor(owner, name);
  Object.defineProperty(owner, name, { configurable: true, enumerable: true, writable: true, value });
  return () => {
    if (own === undefined) Reflect.deleteProperty(owner, name);
    else Object.defineProperty(owner, name, own);
  };
}
