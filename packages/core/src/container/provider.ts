import type { AnyServiceRef, Service } from './service-ref.ts';

type Uses = Readonly<Record<string, AnyServiceRef>>;
type Resolved<U extends Uses> = { readonly [Name in keyof U]: Service<U[Name]> };

/** How a service is made. Who provides it is known from where the provider is listed. */
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
 * @param create makes the service, once, from the services named in `uses`. It may be async; it is then awaited before
 * plugins are set up. The trainer owns what it returns: where that has a method `dispose`, `trainer.dispose()` calls it
 * once, in the reverse order of making. To keep an object for use elsewhere, return a wrapper without `dispose`.
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
 * @param create is given the original first. The original is made even where the replacement does not use it, and the
 * trainer disposes of it after the replacement; the replacement must not
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
