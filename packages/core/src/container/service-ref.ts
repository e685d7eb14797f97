import { HooklineError } from '../errors.ts';
import type { HookFacades } from '../hooks/hook-set.ts';
import type { HookTable } from '../hooks/hook-spec.ts';
import { assertKnownOptions } from '../known-options.ts';

/** How a service reaches a plugin: as it is, as a weak handle, or made for that plugin. */
export type ServiceScope = 'shared' | 'weak' | 'plugin';

interface RefBase<Scope extends ServiceScope> {
  readonly kind: 'service';
  readonly id: string;
  readonly description: string;
  readonly scope: Scope;
}

/** A typed name of a service. Two refs with the same id name the same service. */
export interface ServiceRef<T> extends RefBase<'shared'> {
  types?(value: T): T;
}

/** A service that plugins must not keep alive, such as the model: a plugin is given a {@link WeakHandle}. */
export interface WeakServiceRef<T extends object> extends RefBase<'weak'> {
  types?(value: T): T;
}

/**
 * A service of which every plugin gets its own, such as its random stream. The provider makes a function of the
 * plugin's id.
 */
export interface PluginServiceRef<T> extends RefBase<'plugin'> {
  types?(value: T): T;
}

/** The hooks that a plugin adds for others to tap, as a token that can be required like a service. */
export interface HooksToken<T extends HookTable = HookTable> {
  readonly kind: 'hooks';
  readonly id: string;
  readonly table: T;
}

/**
 * A weak reference to a service: it does not keep the service alive. It can be read from setup on, for as long as the
 * trainer lives.
 */
export interface WeakHandle<T extends object> {
  /** @throws HooklineError `HKL_SERVICE_GONE` when the trainer that owned it is gone */
  readonly value: T;
}

/** A reference to a service of any scope. */
export type AnyServiceRef = ServiceRef<unknown> | WeakServiceRef<object> | PluginServiceRef<unknown>;

/** An optional requirement: the plugin is given undefined where nobody provides it. */
export interface OptionalRef<R extends AnyServiceRef | HooksToken = AnyServiceRef | HooksToken> {
  readonly kind: 'optional';
  readonly ref: R;
}

/** What a plugin can list in `requires`: a service, hooks of another plugin, or either as optional. */
export type Requirement = AnyServiceRef | HooksToken | OptionalRef;
/** The `requires` of a plugin: requirements by the name under which setup is given them. */
export type Requirements = Readonly<Record<string, Requirement>>;

/** What setup is given for a requirement. */
export type Injected<R> =
  R extends OptionalRef<infer Inner>
    ? Injected<Inner> | undefined
    : R extends HooksToken<infer Table>
      ? HookFacades<Table>
      : R extends WeakServiceRef<infer T>
        ? WeakHandle<T>
        : R extends ServiceRef<infer T> | PluginServiceRef<infer T>
          ? T
          : never;

/** What the container holds for a ref, which is what the factories of other services are given. */
export type Service<R> =
  R extends WeakServiceRef<infer T>
    ? T
    : R extends PluginServiceRef<infer T>
      ? (plugin: string) => T
      : R extends ServiceRef<infer T>
        ? T
        : never;

/**
 * Names a service. The id is what error messages and `inspect` print.
 *
 * @param options.description one line
 * @param options.weak plugins are given a {@link WeakHandle}, which does not keep the service alive. For services that
 * hold tensors, or that may hold the trainer
 * @throws HooklineError `HKL_OPTION_UNKNOWN` for a misspelt option
 */
export function defineService<T extends object>(
  id: string,
  options: { readonly description: string; readonly weak: true },
): WeakServiceRef<T>;
export function defineService<T>(id: string, options: { readonly description: string }): ServiceRef<T>;
export function defineService(id: string, options: { description: string; weak?: true }): AnyServiceRef {
  assertKnownOptions(`service "${id}"`, options, { description: true, weak: true });
  const scope = options.weak === true ? 'weak' : 'shared';
  return Object.freeze({ kind: 'service', id, description: options.description, scope });
}

/** Names a service of which every plugin gets its own. Its provider makes a function of the plugin's id. */
export function definePluginService<T>(id: string, options: { readonly description: string }): PluginServiceRef<T> {
  return Object.freeze({ kind: 'service', id, description: options.description, scope: 'plugin' });
}

/** Names a set of hooks that a plugin adds. The plugin owns it by `hooks: token`, others list it in `requires`. */
export function defineHooks<const T extends HookTable>(id: string, table: T): HooksToken<T> {
  return Object.freeze({ kind: 'hooks', id, table: Object.freeze(table) });
}

/** Marks a requirement as optional: the plugin is given undefined where nobody provides it. */
export function optional<R extends AnyServiceRef | HooksToken>(ref: R): OptionalRef<R> {
  return Object.freeze({ kind: 'optional', ref });
}

/** A weak handle on a service, for the plugin `owner`. */
export function weakHandle<T extends object>(owner: string, service: string, target: T): WeakHandle<T> {
  const reference = new WeakRef(target);
  return {
    get value(): T {
      const value = reference.deref();
      if (value !== undefined) return value;
      throw new HooklineError('HKL_SERVICE_GONE', `the ${service} it holds is gone, because its trainer is`, {
        who: owner,
        fix: 'Keep a reference to the trainer for as long as its plugins are used',
      });
    },
  };
}
