import { HooklineError } from '../errors.ts';
import type { ScalarSeries } from './scalar-series.ts';

/** One level of prefixes, with what was put inside it by its short name, so that no prefix is joined on the hot path. */
export class NameScope {
  readonly prefix: string;
  readonly series = new Map<string, ScalarSeries>();
  readonly #children = new Map<string, NameScope>();

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  child(name: string): NameScope {
    let child = this.#children.get(name);
    if (child === undefined) this.#children.set(name, (child = new NameScope(`${this.prefix}${name}/`)));
    return child;
  }
}

/** The scopes that are open now, innermost last. */
export class NameScopes {
  readonly #root = new NameScope('');
  readonly #open: { readonly scope: NameScope }[] = [];
  #current = this.#root;

  /** The innermost open scope. */
  get current(): NameScope {
    return this.#current;
  }

  /** Opens a scope inside the current one. */
  enter(name: string): { readonly scope: NameScope } {
    const given: unknown = name;
    const short = typeof given === 'string' ? given.replace(/\/+$/, '') : '';
    if (short === '') {
      throw new HooklineError('HKL_EVENT_NAME', `${JSON.stringify(name)} is no name for a scope`, {
        who: 'event storage',
        fix: 'Give a string that is more than slashes',
      });
    }
    const entered = { scope: this.current.child(short) };
    this.#open.push(entered);
    this.#current = entered.scope;
    return entered;
  }

  /** A name as it is stored. @throws HKL_EVENT_NAME */
  fullName(name: string): string {
    return this.current.prefix + checkedName(name);
  }

  /** Closes a scope, once; false when another one that was opened later is still open. */
  leave(entered: { readonly scope: NameScope }): boolean {
    const index = this.#open.lastIndexOf(entered);
    if (index < 0) return true;
    const innermost = index === this.#open.length - 1;
    this.#open.splice(index, 1);
    this.#current = this.#open.at(-1)?.scope ?? this.#root;
    return innermost;
  }
}

/** The name, if it is one. @throws HKL_EVENT_NAME */
export function checkedName(name: string): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new HooklineError('HKL_EVENT_NAME', `${JSON.stringify(name)} is no name`, {
    who: 'event storage',
    fix: 'Give a string that is not empty',
  });
}

/** The error for scopes that do not nest. */
export function overlapError(prefix: string): HooklineError {
  return new HooklineError('HKL_SCOPE_OVERLAP', `scope "${prefix}" ended while one opened inside it was still open`, {
    who: 'event storage',
    fix: 'Scopes hold for everything put while they are open: await one asynchronous scope before opening the next',
  });
}
