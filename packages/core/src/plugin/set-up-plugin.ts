import type { StandardSchemaV1 } from '@standard-schema/spec';
import { HooklineError } from '../errors.ts';
import type { HookFacades } from '../hooks/hook-set.ts';
import type { EngineHooks } from '../hooks/hook-table.ts';
import { assertKnownNames, type OptionNames } from '../known-options.ts';
import type { ArrangedPlugin, PluginIdentity, PluginParts, PluginState } from './plugin.ts';

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
export function setUpPlugin({ plugin, options }: ArrangedPlugin, { hooks, own, required }: Context): PluginParts {
  const { definition, id, name, instance } = plugin;
  const identity: PluginIdentity = Object.freeze({ id, name, instance });
  const context = {
    hooks: definition.ranks === 'first' ? outsideOfSteps(id, hooks) : hooks,
    own,
    plugin: identity,
    ...required,
  };
  let parts: unknown;
  try {
    parts = definition.setup(context as never, options);
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
  if (parts instanceof Promise) {
    // Nobody awaits it; its rejection would end the process with a second message.
    parts.catch(() => undefined);
    throw new HooklineError('HKL_SETUP_ASYNC', 'its setup is async', {
      who: id,
      where: 'setup',
      fix: 'Tap in setup and open things in beforeTrain',
    });
  }
  return checkParts(id, parts);
}

/** What a plugin that some ranks lack must not change: they would compute something else than the others. */
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
  // Of an empty object, since a proxy of a frozen one may not answer otherwise than that.
  return new Proxy({} as HookFacades<EngineHooks>, {
    get: (_, name) => taps.get(name) ?? (Reflect.get(facades, name) as unknown),
  });
}

const PARTS = Object.keys({ state: true, isUnfinished: true, dispose: true } satisfies OptionNames<PluginParts>);
const STATE = Object.keys({
  version: true,
  schema: true,
  optional: true,
  save: true,
  migrate: true,
  load: true,
  reset: true,
} satisfies OptionNames<PluginState>);

/** @throws HooklineError `HKL_SETUP_RESULT` for what would be dropped without a word, such as a clean-up function */
function checkParts(who: string, parts: unknown): PluginParts {
  const refusal = (what: string, fix: string): HooklineError =>
    new HooklineError('HKL_SETUP_RESULT', `its setup returned ${what}`, { who, where: 'setup', fix });
  if (parts === undefined || parts === null) return {};
  if (typeof parts !== 'object' || Array.isArray(parts)) {
    const what = typeof parts === 'function' ? 'a function' : JSON.stringify(parts);
    throw refusal(what, 'Return { state?: { save, load }, dispose?: () => ... }, or nothing');
  }
  assertKnownNames(parts, PARTS, (unknown, fix) => refusal(`"${unknown}"`, fix));
  const { state, dispose, isUnfinished } = parts as Partial<Record<keyof PluginParts, unknown>>;
  for (const [name, value] of Object.entries({ dispose, isUnfinished })) {
    if (value !== undefined && typeof value !== 'function')
      throw refusal(`${name} as ${typeof value}`, `Make it a function: ${name}: () => ...`);
  }
  if (state !== undefined) checkState(state, refusal);
  return parts;
}

function checkState(state: unknown, refusal: (what: string, fix: string) => HooklineError): void {
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
