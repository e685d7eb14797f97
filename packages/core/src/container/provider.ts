import type { AnyServiceRef, Service } from './service-ref.ts';

type Uses = Readonly<Record<string, AnyServiceRef>>;
type Resolved<U extends Uses> = { readonly [Name in keyof U]: Service<U[Name]> };

/** How a service is made, by whom it does not say: that is added where the provider is listed. */
export interface Provider {
  readonly ref: AnyServiceRef;
  /** `provide` adds a service, `replace` takes the place of one that is there. */
  readonly mode: 'provide' | 'replace';
  readonly uses: Uses;
  readonly create: (uses: Readonly<Record<string, unknown>>, original: unknown) => unknown;
}

/**
 * Provides a service.
 *
 * @param create makes it, once, from the services named in `uses`; may be async, then it is awaited before plugins
 * are set up. What it returns is the trainer's: where that has a method `dispose`, `trainer.dispose()` calls it once, in
 * the reverse order of making. Something that is used on elsewhere is wrapped in an object without one.
 */
export function provide<R extends AnyServiceRef, U extends Uses = Record<never, never>>(
  ref: R,
  create: (uses: Resolved<U>) => Service<R> | Promise<Service<R>>,
  uses?: U,
): Provider {
  return { ref, mode: 'provide', uses: uses ?? {}, create: (resolved) => create(resolved as Resolved<U>) };
}

/**
 * Replaces a service that somebody else provides, or wraps it.
 *
 * @param create is given the original first; the original is made even when it is then not used, and disposed of after
 * the replacement, which leaves that to the trainer
 */
export function replace<R extends AnyServiceRef, U extends Uses = Record<never, never>>(
  ref: R,
  create: (original: Service<R>, uses: Resolved<U>) => Service<R> | Promise<Service<R>>,
  uses?: U,
): Provider {
  return {
    ref,
    mode: 'replace',
    uses: uses ?? {},
    create: (resolved, original) => create(original as Service<R>, resolved as Resolved<U>),
  };
}
