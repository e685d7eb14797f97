// The browser build of Awilix lacks `loadModules`, a search for files that nothing here uses.
import { asFunction, asValue, type AwilixContainer, createContainer, InjectionMode } from 'awilix/browser';
import { HooklineError } from '../errors.ts';
import { didYouMean } from '../suggest-name.ts';
import { isThenable } from '../thenable.ts';
import type { Provider } from './provider.ts';
import type { AnyServiceRef, Service } from './service-ref.ts';

/** A provider with the name of who lists it: `core`, `trainer`, `you` (the user's own) or a plugin's id. */
export interface OwnedProvider {
  readonly owner: string;
  readonly provider: Provider;
}

/** One service as `inspect` shows it. */
export interface ServiceDescription {
  readonly id: string;
  readonly description: string;
  readonly providedBy: string;
  readonly replacedBy: readonly string[];
}

/** Something to be released, with the name of its owner. */
export interface Disposer {
  readonly owner: string;
  dispose(): void | Promise<void>;
}

interface Registration {
  readonly ref: AnyServiceRef;
  /** The provider, then its replacements in order. */
  readonly chain: readonly [OwnedProvider, ...OwnedProvider[]];
}

/**
 * The services of one trainer: an Awilix container, strict, with PROXY injection.
 *
 * Added to Awilix: who provides what, replacement without stale singletons, async factories (awaited in the
 * order of their dependencies), errors that name the one who asks, and the order in which services were made, so
 * that they can be disposed of in reverse; Awilix would dispose of everything at once.
 */
export class ServiceContainer {
  readonly #awilix: AwilixContainer = createContainer({ injectionMode: InjectionMode.PROXY, strict: true });
  readonly #registrations: ReadonlyMap<string, Registration>;
  readonly #ready = new Set<string>();
  #made: { readonly owner: string; readonly value: unknown }[] = [];

  /** @throws HooklineError `HKL_SERVICE_DUPLICATE`, `HKL_SERVICE_NOTHING_TO_REPLACE` */
  constructor(providers: readonly OwnedProvider[]) {
    this.#registrations = arrange(providers);
    for (const { ref, chain } of this.#registrations.values()) {
      chain.forEach(({ provider }, index) => {
        const isLast = index === chain.length - 1;
        const name = isLast ? ref.id : `${ref.id}#${index}`;
        const factory = (cradle: Record<string, unknown>): unknown => {
          const uses = Object.entries(provider.uses).map(([key, used]) => [key, cradle[used.id]] as const);
          return provider.create(Object.fromEntries(uses), index === 0 ? undefined : cradle[`${ref.id}#${index - 1}`]);
        };
        this.#awilix.register(name, asFunction(factory).singleton());
      });
    }
  }

  /** Whether somebody provides the service. */
  has(ref: AnyServiceRef): boolean {
    return this.#registrations.has(ref.id);
  }

  /** The services, in the order in which they were provided. */
  describe(): readonly ServiceDescription[] {
    return [...this.#registrations.values()].map(({ ref, chain }) => ({
      id: ref.id,
      description: ref.description,
      providedBy: chain[0].owner,
      replacedBy: chain.slice(1).map(({ owner }) => owner),
    }));
  }

  /**
   * Makes a service and all it needs, awaiting async factories.
   *
   * @throws HooklineError `HKL_SERVICE_MISSING`, `HKL_SERVICE_CYCLE`, `HKL_SERVICE_FAILED`
   */
  async start(ref: AnyServiceRef, who: string): Promise<void> {
    await this.#start(ref, who, []);
  }

  /** A service that has been started. @throws HooklineError `HKL_SERVICE_MISSING` */
  get<R extends AnyServiceRef>(ref: R, who: string): Service<R> {
    if (!this.#registrations.has(ref.id)) throw this.#missing(ref, who, []);
    return this.#awilix.resolve<Service<R>>(ref.id);
  }

  /** A service that has been started; undefined where it has not been. Makes nothing. */
  made<R extends AnyServiceRef>(ref: R): Service<R> | undefined {
    return this.#ready.has(ref.id) ? this.#awilix.resolve<Service<R>>(ref.id) : undefined;
  }

  /**
   * The services that have a method `dispose`, in the order in which they were made, each once, also where several
   * services are the same object. The caller disposes of them.
   */
  takeDisposers(): readonly Disposer[] {
    const seen = new Set<unknown>();
    const made = this.#made;
    this.#made = [];
    return made.flatMap(({ owner, value }) => {
      if (!isDisposable(value)) return [];
      // A replacement that spreads the original has the original's `dispose` function.
      const identity: unknown = Object.hasOwn(value, 'dispose') ? Reflect.get(value, 'dispose') : value;
      if (seen.has(identity)) return [];
      seen.add(identity);
      return [{ owner, dispose: () => value.dispose() }];
    });
  }

  async #start(ref: AnyServiceRef, who: string, path: readonly string[]): Promise<void> {
    if (this.#ready.has(ref.id)) return;
    const registration = this.#registrations.get(ref.id);
    if (registration === undefined) throw this.#missing(ref, who, path);
    if (path.includes(ref.id)) {
      throw new HooklineError('HKL_SERVICE_CYCLE', `services need each other: ${[...path, ref.id].join(' -> ')}`, {
        who,
        fix: 'Let one of them take what it needs later, through a hook',
      });
    }
    for (const [index, { owner, provider }] of registration.chain.entries()) {
      for (const used of Object.values(provider.uses)) await this.#start(used, owner, [...path, ref.id]);
      const name = index === registration.chain.length - 1 ? ref.id : `${ref.id}#${index}`;
      try {
        const made: unknown = this.#awilix.resolve(name);
        const value: unknown = isThenable(made) ? await made : made;
        // Registered as a value, so that the cached promise of the factory does not shadow it.
        if (isThenable(made)) this.#awilix.register(name, asValue(value));
        this.#made.push({ owner: `service "${ref.id}" of ${owner}`, value });
      } catch (cause) {
        if (cause instanceof HooklineError) throw cause;
        const reason = cause instanceof Error ? cause.message : String(cause);
        throw new HooklineError('HKL_SERVICE_FAILED', `service "${ref.id}" could not be made: ${reason}`, {
          who: owner,
          fix: 'The cause below holds the original stack',
          cause,
        });
      }
    }
    this.#ready.add(ref.id);
  }

  #missing(ref: AnyServiceRef, who: string, path: readonly string[]): HooklineError {
    const chain = path.length === 0 ? '' : ` (needed by ${[...path].reverse().join(', for ')})`;
    return new HooklineError(
      'HKL_SERVICE_MISSING',
      `nobody provides the service "${ref.id}"${chain}: ${ref.description}`,
      {
        who,
        fix: `Add a plugin that provides it, or services: [provide(...)] of the trainer. ${didYouMean(ref.id, this.#registrations.keys())}`,
      },
    );
  }
}

function isDisposable(value: unknown): value is { dispose(): void | Promise<void> } {
  const isObject = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return isObject && typeof (value as { dispose?: unknown }).dispose === 'function';
}

function arrange(providers: readonly OwnedProvider[]): ReadonlyMap<string, Registration> {
  const registrations = new Map<string, { ref: AnyServiceRef; chain: [OwnedProvider, ...OwnedProvider[]] }>();
  for (const owned of providers.filter(({ provider }) => provider.mode === 'provide')) {
    const { ref } = owned.provider;
    const before = registrations.get(ref.id);
    if (before !== undefined) {
      throw new HooklineError(
        'HKL_SERVICE_DUPLICATE',
        `service "${ref.id}" is already provided by ${before.chain[0].owner}`,
        {
          who: owned.owner,
          fix: 'Use replace(...) instead of provide(...) to take its place',
        },
      );
    }
    registrations.set(ref.id, { ref, chain: [owned] });
  }
  for (const owned of providers.filter(({ provider }) => provider.mode === 'replace')) {
    const registration = registrations.get(owned.provider.ref.id);
    if (registration === undefined) {
      throw new HooklineError(
        'HKL_SERVICE_NOTHING_TO_REPLACE',
        `nobody provides the service "${owned.provider.ref.id}" that it replaces`,
        {
          who: owned.owner,
          fix: `Use provide(...), or correct the name. ${didYouMean(owned.provider.ref.id, registrations.keys())}`,
        },
      );
    }
    registration.chain.push(owned);
  }
  return registrations;
}
