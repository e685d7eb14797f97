import { HooklineError } from '../errors.ts';
import type { WeakHandle } from './service-ref.ts';

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
