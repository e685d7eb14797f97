import type { StandardSchemaV1 } from '@standard-schema/spec';
import { HooklineError } from '../errors.ts';
import { assertKnownNames, type OptionNames } from '../known-options.ts';
import type { PluginParts, PluginState } from './plugin.ts';

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
export function checkParts(who: string, parts: unknown): PluginParts {
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
