import type { StandardSchemaV1 } from '@standard-schema/spec';
import { HooklineError } from '../errors.ts';
import type { HookFacades } from '../hooks/hook-set.ts';
import type { EngineHooks } from '../hooks/hook-table.ts';
import { assertKnownNames, type OptionNames } from '../known-options.ts';
import { ignoreRejection, isThenable } from '../thenable.ts';
import type { PluginState } from './define-state.ts';
import type { ArrangedPlugin, PluginIdentity, SetupResult } from './plugin.ts';

/** What every plugin's setup is given, whatever it requires. */
interface Context {
  readonly hooks: HookFacades<EngineHooks>;
  /** The plugin's own hooks, to call. */
  readonly own: object;
  /** What it requires, by the name under which it wants it. */
  readonly required: Readonly<Record<string, unknown>>;
}

/**
 * Calls a plugin's setup.
 *
 * @returns what setup returned, checked
 * @throws HooklineError `HKL_SETUP_FAILED`, `HKL_SETUP_ASYNC`, `HKL_SETUP_RESULT`
 */
export function setUpPlugin({ plugin, options }: ArrangedPlugin, { hooks, own, required }: Context): SetupResult {
  const { definition, id, name, instance } = plugin;
  const identity: PluginIdentity = Object.freeze({ id, name, instance });
  const context = {
    hooks: definition.ranks === 'first' ? outsideOfSteps(id, hooks) : hooks,
    own,
    plugin: identity,
    ...required,
  };
  let result: unknown;
  try {
    result = definition.setup(context as never, options);
  } catch (cause) {
    if (cause instanceof HooklineError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new HooklineError('HKL_SETUP_FAILED', `its setup failed: ${reason}`, {
      who: id,
      where: 'setup',
      fix: 'The cause below holds the original stack',
      cause,
    });
  }
  if (isThenable(result)) {
    ignoreRejection(result);
    throw new HooklineError('HKL_SETUP_ASYNC', 'its setup is async', {
      who: id,
      where: 'setup',
      fix: 'Tap in setup and open things in beforeTrain',
    });
  }
  return checkResult(id, result);
}

/** Hooks that a plugin which only some ranks have must not tap: the ranks would compute different things. */
const INSIDE_OF_STEPS = ['batch', 'losses', 'gradients', 'update', 'afterUpdate', 'stepFailed'] as const;

/** The facades of a plugin that is set up on the first rank alone. */
function outsideOfSteps(who: string, facades: HookFacades<EngineHooks>): HookFacades<EngineHooks> {
  const refused = INSIDE_OF_STEPS.map((hook) => {
    const tap = (): never => {
      throw new HooklineError(
        'HKL_HOOK_ON_ONE_RANK',
        'it is set up on the first rank alone and taps what all must do',
        {
          who,
          where: `hook ${hook}`,
          fix: "Leave out ranks: 'first' from its definition, so that it is set up on all ranks",
        },
      );
    };
    return [hook, { tap }] as const;
  });
  const taps = new Map<unknown, unknown>(refused);
  // The target is an empty object, since the proxy of a frozen object must return that object's own values.
  return new Proxy({} as HookFacades<EngineHooks>, {
    get: (_, name) => taps.get(name) ?? (Reflect.get(facades, name) as unknown),
  });
}

const RESULT = Object.keys({ state: true, isUnfinished: true, dispose: true } satisfies OptionNames<SetupResult>);
const STATE = Object.keys({
  version: true,
  schema: true,
  optional: true,
  save: true,
  migrate: true,
  load: true,
  reset: true,
} satisfies OptionNames<PluginState>);

/** @throws HooklineError `HKL_SETUP_RESULT` for a result that would be ignored silently, such as a clean-up function */
function checkResult(who: string, result: unknown): SetupResult {
  const refusal = (what: string, fix: string): HooklineError =>
    new HooklineError('HKL_SETUP_RESULT', `its setup returned ${what}`, { who, where: 'setup', fix });
  if (result === undefined || result === null) return {};
  if (typeof result !== 'object' || Array.isArray(result)) {
    const what = typeof result === 'function' ? 'a function' : JSON.stringify(result);
    throw refusal(what, 'Return { state?: { save, load }, dispose?: () => ... }, or nothing');
  }
  assertKnownNames(result, RESULT, (unknown, fix) => refusal(`"${unknown}"`, fix));
  const { state, dispose, isUnfinished } = result as Partial<Record<keyof SetupResult, unknown>>;
  for (const [name, value] of Object.entries({ dispose, isUnfinished })) {
    if (value !== undefined && typeof value !== 'function')
      throw refusal(`${name} as ${typeof value}`, `Make it a function: ${name}: () => ...`);
  }
  if (state !== undefined) assertState(state, refusal);
  return result;
}

function assertState(state: unknown, refusal: (what: string, fix: string) => HooklineError): void {
  const { save, load } = (state ?? {}) as Partial<Record<keyof PluginState, unknown>>;
  if (typeof save !== 'function' || typeof load !== 'function')
    throw refusal('a state without save and load', 'Return state: { save: () => json, load: (json) => ... }');
  assertKnownNames(state as object, STATE, (unknown, fix) => refusal(`a state with "${unknown}"`, fix));
  const { version = 1, schema } = state as Partial<Record<keyof PluginState, unknown>>;
  if (!Number.isSafeInteger(version) || (version as number) < 1)
    throw refusal(`a state of version ${String(version)}`, 'Give an integer of at least 1');
  if (schema !== undefined && typeof (schema as Partial<StandardSchemaV1>)['~standard']?.validate !== 'function')
    throw refusal('a state whose schema is no Standard Schema', 'Give a schema of zod, valibot or the like');
}
